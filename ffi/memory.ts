import { MADV_DONTNEED } from "./constants.ts";
import type { Libc } from "./libc.ts";

/** A part of a process's address space, in bytes. */
export interface AddressRange {
  /** The first address. */
  readonly start: bigint;
  /** The first address behind it. */
  readonly end: bigint;
}

/**
 * Finds the parts of an address space that are unchanged views of files: program code and constant
 * data. What is thrown out of memory there comes back from the file. See proc_pid_smaps(5).
 *
 * @param smaps The content of `/proc/PID/smaps`.
 * @returns Those that are not writable, are backed by a file, and have no page of their own.
 */
export function unchangedFileRanges(smaps: string): AddressRange[] {
  const ranges: AddressRange[] = [];
  let candidate: AddressRange | undefined;
  for (const line of smaps.split("\n")) {
    const [, start, end, rights] =
      /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ [1-9]\d* +\//.exec(line) ?? [];
    if (start !== undefined && rights?.startsWith("r-")) {
      candidate = { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) };
    } else if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) {
      candidate = undefined;
    } else if (candidate !== undefined && /^Anonymous: +0 kB$/.test(line)) {
      ranges.push(candidate);
      candidate = undefined;
    }
  }
  return ranges;
}

/**
 * Gives the memory of unchanged views of files back to the system, until they are used again. All
 * threads. It is advice: a part that the kernel will not give up stays as it is. See madvise(2).
 *
 * @param libc The C library.
 * @param ranges What {@linkcode unchangedFileRanges} found for this process, just now.
 */
export function releaseFilePages(libc: Libc, ranges: readonly AddressRange[]): void {
  for (const { start, end } of ranges) libc.symbols.madvise(start, end - start, MADV_DONTNEED);
}
