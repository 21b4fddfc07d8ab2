import { SyscallError } from "./errno.ts";
import type { Libc } from "./libc.ts";

/** linux/resource.h: the number that follows is a user id. */
const PRIO_USER = 2;

/**
 * Asks the kernel whether a user has processes, zombies included. For a user who has none it looks
 * into a table and at no process. See getpriority(2).
 *
 * @param libc The C library.
 * @param uid A real user id, 1 or above; what has it as another of its ids alone is not seen.
 * @returns Whether there is any in this pid namespace or below it.
 * @throws {SyscallError} When the kernel refuses.
 */
export function hasProcesses(libc: Libc, uid: number): boolean {
  try {
    libc.syscall("getpriority", PRIO_USER, uid);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.code === "ESRCH") return false;
    throw error;
  }
}
