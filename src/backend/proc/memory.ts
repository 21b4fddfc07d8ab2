import type { Pid } from "#src/core/mod.ts";
import { readNowIfThere } from "./read.ts";
import { parseStatus } from "./status.ts";

/**
 * Reads the proportional set size from `/proc/PID/smaps_rollup` (proc_pid_smaps(5)): pages that
 * several processes share count in equal parts for each, so that the sum over processes is right.
 *
 * @param text The content of the file.
 * @returns The size in bytes, or undefined when the file does not say.
 */
export function parsePssBytes(text: string): number | undefined {
  const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(text)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/**
 * Measures the memory of processes: their proportional set sizes, or the resident set size of one
 * for which the kernel does not give that, or not to this user.
 *
 * @param proc The root of the procfs.
 * @param pids The processes.
 * @returns The sum in bytes; zombies and processes that are gone add nothing.
 * @throws {SyntaxError} When a process's status does not have its form.
 * @throws {Error} When not even the status of a process can be read.
 */
export function readMemoryBytes(proc: string, pids: readonly Pid[]): number {
  return pids.reduce((sum, pid) => sum + memoryOfOne(proc, pid), 0);
}

function memoryOfOne(proc: string, pid: Pid): number {
  const rollup = readRollup(`${proc}/${pid}/smaps_rollup`);
  const pss = rollup === undefined ? undefined : parsePssBytes(rollup);
  if (pss !== undefined) return pss;
  const status = readNowIfThere(`${proc}/${pid}/status`);
  return status === undefined ? 0 : parseStatus(status).rssBytes;
}

/** Whatever keeps it from being read, the status is the next best. */
function readRollup(path: string): string | undefined {
  try {
    return readNowIfThere(path);
  } catch {
    return undefined;
  }
}
