import { CLOSE_RANGE_CLOEXEC, FCNTL, MFD, O } from "./constants.ts";
import { cstring } from "./cstring.ts";
import { SyscallError } from "./errno.ts";
import type { Libc } from "./libc.ts";

const HIGHEST_FD = 0xffff_ffff;

/**
 * Makes every file descriptor above 2 close at the next execve, but for some. See close_range(2).
 *
 * @param libc The C library.
 * @param keep Descriptors that stay open; those of 2 and below always do.
 * @throws {SyscallError} When the kernel refuses, or a descriptor to keep is not open.
 */
export function closeOnExecExcept(libc: Libc, keep: readonly number[]): void {
  const kept = [...new Set(keep)].filter((fd) => fd > 2).sort((a, b) => a - b);
  try {
    let first = 3;
    for (const fd of [...kept, HIGHEST_FD + 1]) {
      if (fd > first) libc.syscall("close_range", first, fd - 1, CLOSE_RANGE_CLOEXEC);
      first = fd + 1;
    }
  } catch (error) {
    // Linux before 5.9 lacks the call, before 5.11 the flag.
    if (!(error instanceof SyscallError) || !["ENOSYS", "EINVAL"].includes(error.code)) throw error;
    for (const entry of Deno.readDirSync("/proc/self/fd")) {
      const fd = Number(entry.name);
      if (fd > 2 && !kept.includes(fd)) libc.symbols.fcntl(fd, FCNTL.SETFD, FCNTL.FD_CLOEXEC);
    }
  }
  for (const fd of kept) {
    libc.check(libc.symbols.fcntl(fd, FCNTL.SETFD, 0), "fcntl", `${fd}, F_SETFD`);
  }
}

/**
 * Makes a file in memory that holds some bytes and is read from its start. See memfd_create(2).
 *
 * @param libc The C library.
 * @param bytes The content.
 * @param options `closeOnExec`: whether execve closes it (default true).
 * @returns The file descriptor.
 * @throws {SyscallError} When it cannot be made or filled.
 */
export function memfd(
  libc: Libc,
  bytes: Uint8Array<ArrayBuffer>,
  { closeOnExec = true }: { closeOnExec?: boolean } = {},
): number {
  const flags = closeOnExec ? MFD.CLOEXEC : 0;
  const fd = libc.check(libc.symbols.memfd_create(cstring("blockyard"), flags), "memfd_create");
  for (let offset = 0; offset < bytes.length;) {
    const rest = bytes.subarray(offset);
    offset += libc.check(libc.symbols.write(fd, rest, BigInt(rest.length)), "write", "memfd");
  }
  libc.check(libc.symbols.lseek(fd, 0n, 0), "lseek", "memfd");
  return fd;
}

/**
 * Puts /dev/null in the place of standard input.
 *
 * @param libc The C library.
 * @throws {SyscallError} When /dev/null cannot be opened.
 */
export function stdinFromNull(libc: Libc): void {
  const path = "/dev/null";
  const fd = libc.check(libc.symbols.open(cstring(path), O.RDONLY | O.CLOEXEC, 0), "open", path);
  libc.check(libc.symbols.dup2(fd, 0), "dup2", "0");
  libc.check(libc.symbols.close(fd), "close", fd);
}

/**
 * Writes text to a file of the kernel in one write(2), so that its answer belongs to this text.
 *
 * @param libc The C library.
 * @param path An existing file, such as a cgroup's `cgroup.procs`.
 * @param text What to write.
 * @throws {SyscallError} With the path and the text.
 */
export function writeKernelFile(libc: Libc, path: string, text: string): void {
  const fd = libc.check(libc.symbols.open(cstring(path), O.WRONLY | O.CLOEXEC, 0), "open", path);
  try {
    const bytes = new TextEncoder().encode(text);
    const written = libc.symbols.write(fd, bytes, BigInt(bytes.length));
    libc.check(written, "write", `${path}, ${JSON.stringify(text)}`);
  } finally {
    libc.symbols.close(fd);
  }
}
