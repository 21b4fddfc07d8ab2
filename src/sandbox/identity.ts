import { getgroups, getresgid, getresuid, type Libc } from "#ffi/mod.ts";
import { type Gid, toGid, toUid, type Uid } from "#src/core/mod.ts";

/** Who this process is, which decides what isolation it can give. */
export interface ServerIdentity {
  /** The effective user id. */
  readonly uid: Uid;
  /** The effective group id. */
  readonly gid: Gid;
  /** The supplementary groups. */
  readonly groups: readonly Gid[];
  /** Whether workers can get user ids of their own. */
  readonly isRoot: boolean;
}

/**
 * Asks the kernel who this process is.
 *
 * @param libc The C library.
 * @returns The identity.
 * @throws {SyscallError} When the kernel refuses.
 */
export function serverIdentity(libc: Libc): ServerIdentity {
  const uid = toUid(getresuid(libc).effective);
  const groups = getgroups(libc).map(toGid);
  return { uid, gid: toGid(getresgid(libc).effective), groups, isRoot: uid === 0 };
}
