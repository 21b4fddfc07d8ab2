import { LANDLOCK_CREATE_RULESET_VERSION } from "./constants.ts";
import { SyscallError } from "./errno.ts";
import type { Libc } from "./libc.ts";

/**
 * Asks the kernel which version of Landlock's interface it has. Changes nothing. See
 * landlock_create_ruleset(2).
 *
 * @param libc The C library.
 * @returns The version, 1 or above; 0 when the kernel has no Landlock or was booted without it.
 * @throws {SyscallError} For any other failure, such as EPERM from a system call filter.
 */
export function landlockAbi(libc: Libc): number {
  try {
    return libc.syscall("landlock_create_ruleset", 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
  } catch (error) {
    const isMissing = error instanceof SyscallError &&
      (error.code === "ENOSYS" || error.code === "EOPNOTSUPP");
    if (isMissing) return 0;
    throw error;
  }
}

/**
 * Cuts the calling thread, and what it executes and starts, off from what is outside, in the given
 * ways and for good. It takes `no_new_privs` ({@linkcode setNoNewPrivs}) or CAP_SYS_ADMIN. Those
 * outside can still reach in. Other threads stay outside: glibc could not signal them for a change of
 * ids any more, so that none may come later. See landlock(7).
 *
 * @param libc The C library.
 * @param scopes The sum of members of {@linkcode LANDLOCK_SCOPE}, at least one.
 * @throws {SyscallError} EINVAL for a scope that the kernel does not know, E2BIG when it is the 17th
 * such wall, ENOSYS and EOPNOTSUPP without Landlock.
 */
export function landlockRestrict(libc: Libc, scopes: number): void {
  // struct landlock_ruleset_attr: handled_access_fs, handled_access_net, scoped. With access to
  // files handled, even by no rule at all, mounts would be refused.
  const ruleset = BigUint64Array.of(0n, 0n, BigInt(scopes));
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(ruleset));
  const fd = libc.syscall("landlock_create_ruleset", address, ruleset.byteLength, 0);
  try {
    libc.syscall("landlock_restrict_self", fd, 0);
  } finally {
    libc.symbols.close(fd);
  }
}
