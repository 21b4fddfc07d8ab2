import { parseCpuMax, parseMaximum, readParsed } from "./kernel_text.ts";
import type { GroupTree } from "./group_tree.ts";
import type { LimitController } from "./controllers.ts";

/** What a group is held to; 0 takes a limit away. */
export interface GroupLimits {
  /** Memory with the page cache, in bytes; not below {@linkcode MIN_MEMORY_BYTES} unless 0. */
  readonly memoryBytes: number;
  /** CPU time per time, in cores; 0.5 is half of one. */
  readonly cpuCores: number;
  /** Processes and threads, up to {@linkcode MAX_PIDS}. */
  readonly pids: number;
}

/** The least memory that a group can be limited to, in bytes: pages are up to 64 KiB large. */
export const MIN_MEMORY_BYTES = 1024 ** 2;
/** The most processes and threads that a limit can allow: the kernel's PID_MAX_LIMIT. */
export const MAX_PIDS = 4_194_304;
/** No limit at all. */
export const NO_LIMITS: GroupLimits = { memoryBytes: 0, cpuCores: 0, pids: 0 };

/** The controller that each limit needs. */
export const LIMIT_CONTROLLER: Readonly<Record<keyof GroupLimits, LimitController>> = {
  memoryBytes: "memory",
  cpuCores: "cpu",
  pids: "pids",
};

/** A value for a file of a group. */
export interface LimitWrite {
  /** The file's name. */
  readonly file: string;
  /** What is written to it. */
  readonly value: string;
  /** Whether a kernel may be without the file, and the limit still is what it should be. */
  readonly isOptional: boolean;
}

/** The kernel's default period of `cpu.max`, and its least quota, in microseconds. */
const PERIOD_USEC = 100_000;
const MIN_QUOTA_USEC = 1000;
/** The range of `cpu.weight`; a group that nobody has set it for has 100. */
const [MIN_WEIGHT, DEFAULT_WEIGHT, MAX_WEIGHT] = [1, 100, 10_000];

/**
 * Checks limits.
 *
 * @param limits The candidates.
 * @throws {RangeError} When one is not 0 and no limit that the kernel could hold a group to.
 */
export function checkLimits({ memoryBytes, cpuCores, pids }: GroupLimits): void {
  const isMemory = memoryBytes === 0 || memoryBytes >= MIN_MEMORY_BYTES;
  if (!Number.isSafeInteger(memoryBytes) || !isMemory) {
    refuse("memory", memoryBytes, `0 or a whole number of bytes from ${MIN_MEMORY_BYTES}`);
  }
  if (!Number.isFinite(cpuCores) || cpuCores < 0) refuse("CPU", cpuCores, "0 or a number of cores");
  if (!Number.isInteger(pids) || pids < 0 || pids > MAX_PIDS) {
    refuse("processes", pids, `a whole number from 0 to ${MAX_PIDS}`);
  }
}

function refuse(what: string, value: number, wanted: string): never {
  throw new RangeError(`cannot limit ${what} to ${value}: want ${wanted}`);
}

/**
 * How far `memory.high` is below `memory.max`. Above it the kernel makes the group wait the longer the
 * more it is above, and without swap that frees nothing: with a sixteenth, an R that wanted more than
 * its 192 MiB was held for minutes before it came to the limit and was killed, with this it takes
 * seconds.
 */
const GAP_PART = 64;
const MAX_GAP_BYTES = 4 * 1024 ** 2;

/**
 * Lists what sets the limit of memory, in an order that keeps `memory.high` from ever being above
 * `memory.max`. From `memory.high` on the kernel slows the group down and takes memory back; it
 * swaps nothing out, and when memory runs out the whole group is killed, since a worker that lacks
 * a process is none.
 *
 * @param memoryBytes The limit in bytes; 0 takes it away.
 * @param current The limit that the group has; undefined for none.
 * @returns What is to be written.
 */
export function memoryWrites(memoryBytes: number, current: number | undefined): LimitWrite[] {
  const isLimit = memoryBytes > 0;
  const gap = Math.min(Math.floor(memoryBytes / GAP_PART), MAX_GAP_BYTES);
  const high = isLimit ? memoryBytes - gap : undefined;
  const writes = [
    required("memory.high", high?.toString() ?? "max"),
    required("memory.max", isLimit ? String(memoryBytes) : "max"),
  ];
  const isRaised = !isLimit || (current !== undefined && memoryBytes > current);
  return [
    optional("memory.oom.group", "1"),
    optional("memory.swap.max", isLimit ? "0" : "max"),
    ...(isRaised ? writes.toReversed() : writes),
  ];
}

/**
 * Lists what sets the limit of CPU time. The weight goes with it, so that where all want more than
 * there is, workers get shares like their limits.
 *
 * @param cpuCores The limit in cores; 0 takes it away. Below a hundredth it is one, the kernel's
 * least.
 * @returns What is to be written.
 */
export function cpuWrites(cpuCores: number): LimitWrite[] {
  const quota = Math.max(MIN_QUOTA_USEC, Math.round(cpuCores * PERIOD_USEC));
  const weight = Math.min(MAX_WEIGHT, Math.max(MIN_WEIGHT, Math.round(cpuCores * DEFAULT_WEIGHT)));
  return cpuCores > 0
    ? [required("cpu.max", `${quota} ${PERIOD_USEC}`), optional("cpu.weight", String(weight))]
    : [optional("cpu.max", `max ${PERIOD_USEC}`), optional("cpu.weight", String(DEFAULT_WEIGHT))];
}

/**
 * Lists what sets the limit of processes.
 *
 * @param pids How many processes and threads there may be; 0 takes the limit away.
 * @returns What is to be written.
 */
export function pidsWrites(pids: number): LimitWrite[] {
  return [required("pids.max", pids > 0 ? String(pids) : "max")];
}

/**
 * Reads what a group is held to.
 *
 * @param folder Absolute path of the group's folder.
 * @param groups The groups.
 * @returns The limits; 0 where there is none, or the group does not have the controller.
 * @throws {CgroupError} When one is there and cannot be read.
 * @throws {SyntaxError} When one is not understood.
 */
export async function readLimits(
  folder: string,
  groups: Pick<GroupTree, "read">,
): Promise<GroupLimits> {
  const [memory, cpu, pids] = await Promise.all([
    readParsed(groups, folder, "memory.max", parseMaximum),
    readParsed(groups, folder, "cpu.max", parseCpuMax),
    readParsed(groups, folder, "pids.max", parseMaximum),
  ]);
  return { memoryBytes: memory ?? 0, cpuCores: cpu ?? 0, pids: pids ?? 0 };
}

function required(file: string, value: string): LimitWrite {
  return { file, value, isOptional: false };
}

function optional(file: string, value: string): LimitWrite {
  return { file, value, isOptional: true };
}
