import { type Pid, toPid } from "#src/core/mod.ts";
import { readIfThere } from "./read.ts";

/** What `/proc/PID/stat` says, as far as it is used; the numbers in brackets are its fields. */
export interface ProcStat {
  /** The process, as the procfs numbers it (1). */
  readonly pid: Pid;
  /** Name of the program as the kernel keeps it, up to 15 bytes of anything (2). */
  readonly comm: string;
  /** One letter; `Z` is a zombie (3). */
  readonly state: string;
  /** The parent, 0 for none in this pid namespace (4). */
  readonly ppid: number;
  /** CPU time of its threads, user and system together, in ticks (14, 15). */
  readonly cpuTicks: number;
  /** CPU time of the children that it has waited for, and of theirs, in ticks (16, 17). */
  readonly reapedCpuTicks: number;
  /** When it started, in ticks since boot; with the pid it names a process for good (22). */
  readonly startTicks: number;
}

/**
 * Ticks in a second of process times: USER_HZ, part of the kernel's binary interface and 100 on
 * x86-64 and aarch64 alike (proc(5), sysconf(3) _SC_CLK_TCK).
 */
export const TICKS_PER_SECOND = 100;

/** Field numbers begin at 1, and the list that is split begins with the third. */
const FIRST_FIELD_AFTER_COMM = 3;

/**
 * Parses `/proc/PID/stat` (proc_pid_stat(5)). The name in brackets may hold anything, brackets,
 * spaces and line ends included; the last closing bracket ends it.
 *
 * @param text The content of the file.
 * @returns What it says.
 * @throws {SyntaxError} When it does not have that form.
 */
export function parseStat(text: string): ProcStat {
  const open = text.indexOf(" (");
  const close = text.lastIndexOf(") ");
  if (open < 1 || close < open) throw malformed(text);
  const fields = text.slice(close + 2).trimEnd().split(" ");
  const number = (field: number): number => {
    const value = fields[field - FIRST_FIELD_AFTER_COMM] ?? "";
    if (!/^-?\d+$/.test(value)) throw malformed(text);
    return Number(value);
  };
  const pid = text.slice(0, open);
  const state = fields[0] ?? "";
  if (!/^\d+$/.test(pid) || !/^[A-Za-z]$/.test(state)) throw malformed(text);
  return {
    pid: toPid(Number(pid)),
    comm: text.slice(open + 2, close),
    state,
    ppid: number(4),
    cpuTicks: number(14) + number(15),
    reapedCpuTicks: number(16) + number(17),
    startTicks: number(22),
  };
}

/**
 * Reads the stat of a process.
 *
 * @param proc The root of the procfs.
 * @param pid The process.
 * @returns What it says, or undefined when the process is gone.
 * @throws {SyntaxError} When the file does not have its form.
 * @throws {Error} When the file is there and cannot be read.
 */
export async function readStat(proc: string, pid: number | string): Promise<ProcStat | undefined> {
  const text = await readIfThere(`${proc}/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/**
 * Whether a state is that of a process that runs no more and only waits to be reaped.
 *
 * @param state The letter from stat or status.
 * @returns True for zombie (`Z`) and dead (`X`, `x`).
 */
export function isDeadState(state: string): boolean {
  return state === "Z" || state === "X" || state === "x";
}

function malformed(text: string): SyntaxError {
  return new SyntaxError(
    `cannot parse ${JSON.stringify(text.slice(0, 200))}: want the form of /proc/PID/stat`,
  );
}
