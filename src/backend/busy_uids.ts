import type { SlotRange } from "#src/allocator/mod.ts";
import type { Uid } from "#src/core/mod.ts";
import { processesOfUid, uidsInUse } from "./proc/mod.ts";

/** How {@linkcode findBusyUids} looks at the host. */
export interface BusyUidsOptions {
  /** The root of the procfs. */
  readonly proc: string;
  /** Asks the kernel whether any process, also a zombie, has this as its real uid. Is fast. */
  readonly hasProcesses: (uid: Uid) => boolean;
}

/**
 * Finds out which uids of a range are used by what this server did not start: what a server left
 * that was killed a moment ago, now or later, or a user of the host that the range was not chosen
 * around. All processes are looked at once; later only for uids that were found then, or that have
 * processes when they are asked about.
 *
 * @param range The uids that are to be handed out.
 * @param options How to look.
 * @returns Tells whether processes that can still run have a uid.
 * @throws {Error} When the host's processes cannot be listed.
 */
export async function findBusyUids(
  range: SlotRange,
  { proc, hasProcesses }: BusyUidsOptions,
): Promise<(uid: Uid) => Promise<boolean>> {
  const inUse = await uidsInUse({ proc });
  // A program that has changed its ids keeps another one than the real, and the kernel's fast way
  // does not see it; nothing in a sandbox can change its own.
  const suspects = new Set([...inUse].filter((uid) => uid >= range.start && uid <= range.end));
  return async (uid) => {
    if (!suspects.has(uid) && !hasProcesses(uid)) return false;
    if ((await processesOfUid(uid, { proc })).live.length > 0) return true;
    suspects.delete(uid);
    return false;
  };
}
