import type { GroupTree } from "./group_tree.ts";

/**
 * From here on a limit is none: cgroup v1 and old kernels write the largest number of bytes in
 * whole pages, here of 64 KiB, for it (the kernel's `include/linux/page_counter.h`).
 */
const NO_LIMIT = 9_223_372_036_854_710_272n;

/**
 * Parses a count.
 *
 * @param text Decimal digits.
 * @returns The number; the nearest that there is for one of 2⁵³ or above.
 * @throws {SyntaxError} When it is something else.
 */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new SyntaxError(`cannot parse ${JSON.stringify(text)}: want a number`);
  }
  return Number(text);
}

/**
 * Parses a file that holds a limit, such as `pids.max` or `memory.max`.
 *
 * @param text The content of the file.
 * @returns The number; undefined for no limit, be it `max` or a number that none can reach.
 * @throws {SyntaxError} When it is something else.
 */
export function parseMaximum(text: string): number | undefined {
  const value = text.trim();
  if (value === "max") return undefined;
  if (!/^\d+$/.test(value)) {
    throw new SyntaxError(`cannot parse ${JSON.stringify(value)}: want a number or max`);
  }
  return BigInt(value) >= NO_LIMIT ? undefined : Number(value);
}

/**
 * Parses `cpu.max`.
 *
 * @param text The content of the file: the time that may be used in each period, or `max`, and the
 * period, in microseconds.
 * @returns How many cores that is; undefined for no limit.
 * @throws {SyntaxError} When it is something else.
 */
export function parseCpuMax(text: string): number | undefined {
  const [, quota = "", period = ""] = /^(max|\d+) ([1-9]\d*)$/.exec(text.trim()) ?? [];
  if (quota === "") {
    throw new SyntaxError(`cannot parse ${JSON.stringify(text.trim())}: want a quota and a period`);
  }
  return quota === "max" ? undefined : Number(quota) / Number(period);
}

/**
 * Looks up a number in a file with a key and its value in each line, such as `memory.stat`,
 * `memory.events` or `cpu.stat`. What the other lines hold does not matter.
 *
 * @param text The content of the file.
 * @param key The key.
 * @returns The number; undefined when there is no such key.
 * @throws {SyntaxError} When a line has another form, or the value is no number.
 */
export function findCount(text: string, key: string): number | undefined {
  const values = new Map(
    lines(text).map((line): [string, string] => {
      const [, name, value] = /^(\S+) (\S+)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) {
        throw new SyntaxError(`cannot parse ${JSON.stringify(line)}: want a key and a value`);
      }
      return [name, value];
    }),
  );
  const value = values.get(key);
  return value === undefined ? undefined : parseCount(value);
}

/**
 * Sums up `io.stat`. It has a line for each device, with the device's numbers and then keys with
 * values; some kernels name devices without any, several of them in one line.
 *
 * @param text The content of the file; empty when no device was used.
 * @returns What was read from all devices and written to them, in bytes.
 * @throws {SyntaxError} When a line has another form.
 */
export function parseIoStat(text: string): { readBytes: number; writtenBytes: number } {
  const sums = { readBytes: 0, writtenBytes: 0 };
  for (const line of lines(text)) {
    if (!/^\d+:\d+(?: \d+:\d+)*(?: [^\s=]+=\S+)* ?$/.test(line)) {
      throw new SyntaxError(`cannot parse ${JSON.stringify(line)}: want a line of io.stat`);
    }
    sums.readBytes += parseCount(/ rbytes=(\S+)/.exec(line)?.[1] ?? "0");
    sums.writtenBytes += parseCount(/ wbytes=(\S+)/.exec(line)?.[1] ?? "0");
  }
  return sums;
}

/**
 * Parses `cpu.pressure`, `memory.pressure` and `io.pressure` (the kernel's
 * `Documentation/accounting/psi.rst`).
 *
 * @param text The content of the file.
 * @returns The part of the last ten seconds in which some process waited, in percent.
 * @throws {SyntaxError} When it does not say so.
 */
export function parsePressure(text: string): number {
  const value = /^some (?:\S+ )*?avg10=(\d+(?:\.\d+)?)(?: |$)/m.exec(text)?.[1];
  if (value === undefined) {
    throw new SyntaxError(
      `cannot parse ${JSON.stringify(text.trim())}: want a line with some and avg10`,
    );
  }
  return Number(value);
}

/**
 * Reads and parses a file of a group.
 *
 * @param groups The groups.
 * @param folder Absolute path of the group's folder.
 * @param file The file's name.
 * @param parse What parses its content.
 * @returns What that returned; undefined when the group has no such file, or is gone.
 * @throws {CgroupError} When the file is there and cannot be read.
 * @throws {SyntaxError} When its content is not understood; the message names the file.
 */
export async function readParsed<T>(
  groups: Pick<GroupTree, "read">,
  folder: string,
  file: string,
  parse: (text: string) => T,
): Promise<T | undefined> {
  const text = await groups.read(folder, file);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new SyntaxError(`cannot read ${folder}/${file}: ${cause.message}`, { cause });
  }
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
