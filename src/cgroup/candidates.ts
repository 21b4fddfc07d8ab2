import { dirname } from "node:path/posix";
import type { GroupTree } from "./group_tree.ts";
import type { CgroupMount } from "./mount.ts";
import { groupFolder, type Membership } from "./place.ts";
import { isBelowUnit, possibleDelegations } from "./systemd.ts";

/** Whose a place in the tree is. */
export type Standing =
  /** It was handed over to this process or its user. */
  | "delegated"
  /** Nobody is seen to manage it. */
  | "free"
  /** systemd manages it and does not know that anyone else does. */
  | "systemd";

/** A place where groups might be made. */
export interface Candidate {
  /** Absolute path of its folder. */
  readonly folder: string;
  /** Whose it is. */
  readonly standing: Standing;
}

/**
 * Lists the places where this process might make groups. What systemd has delegated is the only one
 * then. Root can use its own group or the top of the tree: where systemd has delegated nothing the
 * top comes first, since it cleans up and rearranges what is below its units.
 *
 * @param mount Where cgroup v2 is mounted.
 * @param membership The groups that this process is in.
 * @param options `isRoot` tells whether this process is root; `groups` are the groups; `isMarked`
 * tells whether systemd marked a folder as delegated.
 * @returns The places, the best first.
 * @throws {CgroupError} When it cannot be told whose the group above is.
 */
export async function candidates(
  mount: CgroupMount,
  { unified, isDeleted }: Membership,
  { isRoot, groups, isMarked }: {
    readonly isRoot: boolean;
    readonly groups: GroupTree;
    readonly isMarked: (folder: string) => boolean;
  },
): Promise<Candidate[]> {
  const path = isDeleted ? undefined : unified;
  const own = path === undefined ? undefined : groupFolder(mount, path);
  if (path !== undefined && own !== undefined) {
    const folders = possibleDelegations(path).map((it) => groupFolder(mount, it));
    const marked = folders.find((folder) => folder !== undefined && isMarked(folder));
    if (marked !== undefined) return [{ folder: marked, standing: "delegated" }];
  }
  const isManaged = unified !== undefined && isBelowUnit(unified);
  if (!isRoot) {
    if (own === undefined) return [];
    // To an ordinary user a group of a unit is delegated when it is the topmost that is the user's.
    const isInner = own !== mount.folder && await groups.isWritable(dirname(own), "cgroup.procs");
    return [{ folder: own, standing: !isManaged ? "free" : isInner ? "systemd" : "delegated" }];
  }
  const both = isManaged ? [mount.folder, own] : [own, mount.folder];
  return [...new Set(both)].filter((folder) => folder !== undefined)
    .map((folder) => ({ folder, standing: isManaged ? "systemd" : "free" }));
}
