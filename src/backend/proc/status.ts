import { type Gid, type Pid, toGid, toPid, toUid, type Uid } from "#src/core/mod.ts";
import { readIfThere } from "./read.ts";

/** The four ids of one kind that a process has: real, effective, saved, and for file access. */
export type IdColumns<Id> = readonly [real: Id, effective: Id, saved: Id, fs: Id];

/** What `/proc/PID/status` says, as far as it is used. */
export interface ProcStatus {
  /** Name of the program, with line ends and backslashes escaped by the kernel. */
  readonly name: string;
  /** One letter; `Z` is a zombie. */
  readonly state: string;
  /** The process or thread, as the procfs numbers it. */
  readonly pid: Pid;
  /** The parent, 0 for none in this pid namespace. */
  readonly ppid: number;
  /** Its user. */
  readonly uids: IdColumns<Uid>;
  /** Its group. */
  readonly gids: IdColumns<Gid>;
  /** Supplementary groups. */
  readonly groups: readonly Gid[];
  /**
   * The process's id in every pid namespace that it is in, from that of the procfs inwards; just
   * `pid` where the kernel does not say (before 4.1).
   */
  readonly nsPids: readonly Pid[];
  /** Resident set size in bytes, shared pages in full; 0 for a zombie. */
  readonly rssBytes: number;
}

/**
 * Parses `/proc/PID/status` (proc_pid_status(5)).
 *
 * @param text The content of the file.
 * @returns What it says.
 * @throws {SyntaxError} When a line that every kernel writes is missing or has another form.
 */
export function parseStatus(text: string): ProcStatus {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) values.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const value = (key: string, form: RegExp): string => {
    const found = values.get(key);
    if (found === undefined || !form.test(found)) {
      throw new SyntaxError(
        `cannot parse ${key} of a process: its value is ${JSON.stringify(found ?? null)}, ` +
          `want the form of /proc/PID/status`,
      );
    }
    return found;
  };
  const numbers = (key: string, form: RegExp): number[] =>
    (value(key, form).match(/\d+/g) ?? []).map(Number);
  const pid = toPid(Number(value("Pid", /^\d+$/)));
  return {
    name: value("Name", /^/),
    state: value("State", /^[A-Za-z]\b/).charAt(0),
    pid,
    ppid: Number(value("PPid", /^\d+$/)),
    uids: fourIds(numbers("Uid", FOUR_NUMBERS), toUid),
    gids: fourIds(numbers("Gid", FOUR_NUMBERS), toGid),
    groups: numbers("Groups", NUMBERS).map(toGid),
    nsPids: values.has("NSpid") ? numbers("NSpid", NUMBERS).map(toPid) : [pid],
    rssBytes: values.has("VmRSS") ? Number(value("VmRSS", /^\d+ kB$/).slice(0, -3)) * 1024 : 0,
  };
}

/**
 * Reads the status of a process or of one of its threads.
 *
 * @param proc The root of the procfs.
 * @param pid The process, or `PID/task/TID`.
 * @returns What it says, or undefined when the process is gone.
 * @throws {SyntaxError} When the file does not have its form.
 * @throws {Error} When the file is there and cannot be read.
 */
export async function readStatus(
  proc: string,
  pid: number | string,
): Promise<ProcStatus | undefined> {
  const text = await readIfThere(`${proc}/${pid}/status`);
  return text === undefined ? undefined : parseStatus(text);
}

const NUMBERS = /^(?:\d+(?:\s+\d+)*)?$/;
const FOUR_NUMBERS = /^\d+(?:\s+\d+){3}$/;

/** The form was checked before: there are four. */
function fourIds<Id>(numbers: readonly number[], toId: (value: number) => Id): IdColumns<Id> {
  const [real = NaN, effective = NaN, saved = NaN, fs = NaN] = numbers;
  return [toId(real), toId(effective), toId(saved), toId(fs)];
}
