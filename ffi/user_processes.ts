import { SyscallError } from "./errno.ts";
import type { Libc } from "./libc.ts";

/** linux/resource.h: the number that follows is a user id. */
const PRIO_USER = 2;

/** How often it is asked again when the answer cannot be what the kernel said. */
const ATTEMPTS = 5;

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
  for (let attempt = 1;; attempt++) {
    try {
      libc.syscall("getpriority", PRIO_USER, uid);
      return true;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code === "ESRCH") return false;
      // It has no other error for a user: errno was overwritten by the runtime, between the call and
      // the look at it (seen on a loaded machine).
      if (attempt === ATTEMPTS) throw error;
    }
  }
}
