import { Libc, LIBC_SYMBOLS, type LibcFunctions } from "#ffi/mod.ts";
import { become, releaseStdin } from "./become.ts";
import { parseJob } from "./job.ts";
import { readLineSync } from "./read_line.ts";

/** Has a part of every kind, and ids that functions which do nothing seem to have set. */
const JOB = {
  uid: 0,
  gid: 0,
  keepGroups: false,
  lifeline: "signal",
  parent: 0,
  rlimits: ["CORE=0:0"],
  landlock: true,
  keepFds: [],
  program: "/nowhere",
  args: ["--args", { list: ["--file", { data: "" }, "--seccomp", { base64: "" }] }, "--"],
};

/**
 * Goes through a whole job with functions that do nothing, so that its code is compiled by the time
 * the real one comes: that takes longer than the system calls do.
 *
 * @returns Whether it came to the last step, where a real job becomes another program.
 */
export function rehearse(): boolean {
  let cameToTheEnd = false;
  const nothing = Object.fromEntries(Object.keys(LIBC_SYMBOLS).map((name) => [name, () => 0]));
  const functions = {
    ...nothing,
    __errno_location: () => null,
    write: (_fd: number, _bytes: unknown, count: bigint) => count,
    execve() {
      cameToTheEnd = true;
      return -1;
    },
  } as unknown as LibcFunctions;
  const libc = new Libc(functions);
  try {
    const line = JSON.stringify(JOB) + "\n";
    const readSync = (chunk: Uint8Array) => new TextEncoder().encodeInto(line, chunk).written;
    const job = parseJob(readLineSync({ readSync }) ?? "");
    releaseStdin(libc);
    become(libc, job);
  } catch {
    // Nothing was executed, as it should be.
    return cameToTheEnd;
  }
}
