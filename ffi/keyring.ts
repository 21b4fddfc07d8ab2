import { KEYCTL_JOIN_SESSION_KEYRING } from "./constants.ts";
import { SyscallError } from "./errno.ts";
import type { Libc } from "./libc.ts";

/**
 * Leaves the inherited session keyring for a new, empty one. Calling thread only, and what it
 * executes. See keyctl_join_session_keyring(3).
 *
 * @param libc The C library.
 * @throws {SyscallError} When the kernel has keyrings and refuses; a kernel without them (ENOSYS)
 * has nothing to leave.
 */
export function joinNewSessionKeyring(libc: Libc): void {
  try {
    libc.syscall("keyctl", KEYCTL_JOIN_SESSION_KEYRING, 0);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.code !== "ENOSYS") throw error;
  }
}
