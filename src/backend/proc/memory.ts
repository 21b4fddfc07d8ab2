import type { Pid } from "#src/core/mod.ts";
import { readIfThere } from "./read.ts";
import { readStatus } from "./status.ts";

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
 * Measures the memory of a process: its proportional set size, or its resident set size where the
 * kernel does not give that, or not to this user.
 *
 * @param proc The root of the procfs.
 * @param pid The process.
 * @returns The size in bytes; 0 for a zombie and a process that is gone.
 * @throws {Error} When not even the process's status can be read.
 */
export async function readMemoryBytes(proc: string, pid: Pid): Promise<number> {
  const rollup = await readIfThere(`${proc}/${pid}/smaps_rollup`).catch(() => undefined);
  const pss = rollup === undefined ? undefined : parsePssBytes(rollup);
  return pss ?? (await readStatus(proc, pid))?.rssBytes ?? 0;
}
