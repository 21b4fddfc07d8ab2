import type { Libc } from "./libc.ts";

/** The real, effective and saved id of one kind. */
export interface IdTriple {
  /** Who started the process. */
  readonly real: number;
  /** Whose rights it has. */
  readonly effective: number;
  /** What it can go back to. */
  readonly saved: number;
}

/**
 * Replaces the supplementary groups. All threads (glibc). See setgroups(2).
 *
 * @param libc The C library.
 * @param gids The new groups; empty for none.
 * @throws {SyscallError} EPERM without CAP_SETGID.
 */
export function setgroups(libc: Libc, gids: readonly number[]): void {
  const list = Uint32Array.from(gids);
  libc.check(libc.symbols.setgroups(BigInt(list.length), list), "setgroups", gids.join(","));
}

/**
 * Reads the supplementary groups. Calling thread only. See getgroups(2).
 *
 * @param libc The C library.
 * @returns The groups, in the kernel's order.
 * @throws {SyscallError} When the kernel refuses.
 */
export function getgroups(libc: Libc): number[] {
  const count = libc.check(libc.symbols.getgroups(0, new Uint32Array(1)), "getgroups");
  const list = new Uint32Array(Math.max(count, 1));
  const filled = libc.check(libc.symbols.getgroups(count, list), "getgroups");
  return [...list.subarray(0, filled)];
}

/**
 * Sets all three group ids. All threads (glibc). See setresgid(2).
 *
 * @param libc The C library.
 * @param gid The new real, effective and saved group id.
 * @throws {SyscallError} EPERM without CAP_SETGID, EINVAL when the user namespace does not map it.
 */
export function setresgid(libc: Libc, gid: number): void {
  libc.check(libc.symbols.setresgid(gid, gid, gid), "setresgid", gid);
}

/**
 * Sets all three user ids. All threads (glibc). See setresuid(2). It clears the capabilities when
 * the ids leave 0, the parent-death signal, and the dumpable flag.
 *
 * @param libc The C library.
 * @param uid The new real, effective and saved user id.
 * @throws {SyscallError} EPERM without CAP_SETUID, EINVAL when the user namespace does not map it,
 * EAGAIN on a shortage.
 */
export function setresuid(libc: Libc, uid: number): void {
  libc.check(libc.symbols.setresuid(uid, uid, uid), "setresuid", uid);
}

/**
 * Reads the user ids. Calling thread only. See getresuid(2).
 *
 * @param libc The C library.
 * @returns All three.
 * @throws {SyscallError} When the kernel refuses.
 */
export function getresuid(libc: Libc): IdTriple {
  return readTriple(libc, "getresuid");
}

/**
 * Reads the group ids. Calling thread only. See getresgid(2).
 *
 * @param libc The C library.
 * @returns All three.
 * @throws {SyscallError} When the kernel refuses.
 */
export function getresgid(libc: Libc): IdTriple {
  return readTriple(libc, "getresgid");
}

function readTriple(libc: Libc, call: "getresuid" | "getresgid"): IdTriple {
  const [real, effective, saved] = [new Uint32Array(1), new Uint32Array(1), new Uint32Array(1)];
  libc.check(libc.symbols[call](real, effective, saved), call);
  return { real: real[0] ?? 0, effective: effective[0] ?? 0, saved: saved[0] ?? 0 };
}
