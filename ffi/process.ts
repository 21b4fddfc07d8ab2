import {
  HIGHEST_SIGNAL,
  PR,
  RLIM_INFINITY,
  RLIMITS,
  SIG_SETMASK,
  SIGNALS,
  SYSCONF,
  WNOHANG,
} from "./constants.ts";
import type { RlimitName } from "./constants.ts";
import { cstring, cstringArray } from "./cstring.ts";
import { errnoName, SyscallError } from "./errno.ts";
import type { Libc } from "./libc.ts";

/** Size of the kernel's `sigset_t`. */
const SIGSET_BYTES = 8;

/** Soft and hard value of a resource limit; `RLIM_INFINITY` for none. */
export interface Rlimit {
  /** What the kernel enforces. */
  readonly soft: bigint;
  /** How far the process may raise `soft` by itself. */
  readonly hard: bigint;
}

/**
 * Becomes another program; all other threads end. See execve(2).
 *
 * @param libc The C library.
 * @param path Absolute path of the program.
 * @param options `argv` is the whole argument vector, the program's name first; `env` holds
 * `NAME=value` strings.
 * @throws {SyscallError} When it failed; it does not return otherwise.
 * @throws {RangeError} When a string contains NUL.
 */
export function execve(
  libc: Libc,
  path: string,
  options: { argv: readonly string[]; env: readonly string[] },
): never {
  const argv = cstringArray(options.argv);
  const env = cstringArray(options.env);
  libc.check(libc.symbols.execve(cstring(path), argv.pointers, env.pointers), "execve", path);
  throw new Error("execve returned without an error");
}

/**
 * Calling thread only. See getppid(2).
 *
 * @param libc The C library.
 * @returns The parent's process id; 1 or a subreaper's when the parent is gone.
 */
export function getppid(libc: Libc): number {
  return libc.symbols.getppid();
}

/**
 * Asks the kernel for a signal when the thread that started this process ends. Calling thread
 * only. Cleared by a later change of user id, kept by execve of a program that is not set-id. See
 * PR_SET_PDEATHSIG(2const).
 *
 * @param libc The C library.
 * @param signal The signal's number.
 * @throws {SyscallError} EINVAL for no signal.
 */
export function setParentDeathSignal(libc: Libc, signal: number): void {
  libc.check(libc.symbols.prctl(PR.SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n), "prctl", signal);
}

/**
 * Makes this process the parent of descendants whose own parent ended, in place of the host's first
 * process; it has to reap them then. All threads. See PR_SET_CHILD_SUBREAPER(2const).
 *
 * @param libc The C library.
 * @throws {SyscallError} When the kernel refuses.
 */
export function becomeSubreaper(libc: Libc): void {
  const result = libc.symbols.prctl(PR.SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n);
  libc.check(result, "prctl", "PR_SET_CHILD_SUBREAPER");
}

/**
 * Takes the exit status of a child that has ended, so that it is no zombie any more. Not for
 * children that were started through Deno, which waits for them itself. See waitpid(2).
 *
 * @param libc The C library.
 * @param pid A process id.
 * @returns Whether there was a zombie of ours to reap.
 * @throws {SyscallError} For any failure but ECHILD.
 */
export function reap(libc: Libc, pid: number): boolean {
  const result = libc.symbols.waitpid(pid, new Int32Array(1), WNOHANG);
  const errno = result === -1 ? libc.errno() : 0;
  if (errno !== 0 && errnoName(errno) !== "ECHILD") throw new SyscallError("waitpid", errno, pid);
  return result > 0;
}

/**
 * Sets whether /proc/self belongs to the process's own user. All threads (it is the memory's). See
 * PR_SET_DUMPABLE(2const).
 *
 * @param libc The C library.
 * @param dumpable The new value.
 * @throws {SyscallError} When the kernel refuses.
 */
export function setDumpable(libc: Libc, dumpable: boolean): void {
  const value = dumpable ? 1n : 0n;
  libc.check(libc.symbols.prctl(PR.SET_DUMPABLE, value, 0n, 0n, 0n), "prctl", "PR_SET_DUMPABLE");
}

/**
 * Keeps this thread, and what it executes and starts, from ever gaining privilege through a set-id
 * program or file capabilities. Calling thread only. See PR_SET_NO_NEW_PRIVS(2const).
 *
 * @param libc The C library.
 * @throws {SyscallError} When the kernel refuses.
 */
export function setNoNewPrivs(libc: Libc): void {
  const result = libc.symbols.prctl(PR.SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n);
  libc.check(result, "prctl", "PR_SET_NO_NEW_PRIVS");
}

/**
 * Gives every signal its default action and unblocks all of them, for a program that is executed
 * next: it inherits what is ignored and blocked. The mask is the calling thread's, the actions are
 * the process's. glibc's own signals are among them, so that no ids may be changed afterwards.
 *
 * @param libc The C library.
 * @throws {SyscallError} When the kernel refuses.
 */
export function resetSignals(libc: Libc): void {
  // Zeros are the default action, without flags and with an empty mask. The call is made by number
  // because glibc keeps signals 32 and 33 to itself, which a parent can have ignored all the same.
  const defaultAction = new Uint8Array(32);
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(defaultAction));
  for (let signal = 1; signal <= HIGHEST_SIGNAL; signal++) {
    if (signal === SIGNALS.SIGKILL || signal === SIGNALS.SIGSTOP) continue;
    libc.syscall("rt_sigaction", signal, address, 0, SIGSET_BYTES);
  }
  const nothing = new Uint8Array(128);
  libc.check(libc.symbols.sigprocmask(SIG_SETMASK, nothing, null), "sigprocmask");
}

/**
 * Lowers a resource limit of this process, all threads. See prlimit(2). A hard limit that is lower
 * already stays: raising it takes a capability that root need not have.
 *
 * @param libc The C library.
 * @param name Which limit.
 * @param limit The highest values to allow.
 * @throws {SyscallError} EINVAL when soft is above hard.
 */
export function lowerRlimit(libc: Libc, name: RlimitName, limit: Rlimit): void {
  const now = new BigUint64Array(2);
  libc.check(libc.symbols.prlimit(0, RLIMITS[name], null, now), "prlimit", `RLIMIT_${name}`);
  const hardNow = now[1] ?? RLIM_INFINITY;
  const atMost = (value: bigint) => value < hardNow ? value : hardNow;
  const wanted = BigUint64Array.of(atMost(limit.soft), atMost(limit.hard));
  const operand = `RLIMIT_${name}, ${wanted.join(":")}`;
  libc.check(libc.symbols.prlimit(0, RLIMITS[name], wanted, now), "prlimit", operand);
}

/**
 * Reads and sets nothing. See sysconf(3).
 *
 * @param libc The C library.
 * @param name Which value of the system.
 * @returns The value.
 * @throws {SyscallError} When the system does not know it.
 */
export function sysconf(libc: Libc, name: keyof typeof SYSCONF): number {
  return libc.check(libc.symbols.sysconf(SYSCONF[name]), "sysconf", name);
}

/**
 * Sets the mask of permissions that new files do not get. All threads. See umask(2).
 *
 * @param libc The C library.
 * @param mask Permission bits, 0 to 0o777.
 */
export function setUmask(libc: Libc, mask: number): void {
  libc.symbols.umask(mask);
}

/**
 * Changes the working directory. All threads. See chdir(2).
 *
 * @param libc The C library.
 * @param path The new directory.
 * @throws {SyscallError} When it cannot be entered.
 */
export function chdir(libc: Libc, path: string): void {
  libc.check(libc.symbols.chdir(cstring(path)), "chdir", path);
}
