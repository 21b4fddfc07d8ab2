import { basename, dirname } from "node:path/posix";
import type { Subtree } from "./delegation.ts";
import { locateGroup } from "./group_path.ts";
import type { GroupTree } from "./group_tree.ts";
import type { GroupLocation } from "./kernel_worker_group.ts";
import type { CgroupMount } from "./mount.ts";
import { groupFolder } from "./place.ts";
import type { CgroupView } from "./view.ts";

/** The group that a server moves itself into: one with processes hands no controllers down. */
export const SERVER_GROUP = "server";
/** The group that those of workers are in. */
export const WORKERS_GROUP = "workers";
/** The group that both are in where the place is not the server's alone. */
export const OWN_GROUP = "blockyard";

/**
 * Looks past the group that a server has moved itself into, for one that is started anew in there or
 * beside it: it is not to move further down each time.
 *
 * @param view What this process sees of the host's cgroups.
 * @param groups The groups.
 * @returns The same view from the group above; undefined when this process is in no such group.
 * @throws {CgroupError} When it cannot be told.
 */
export async function viewFromAboveServer(
  view: CgroupView,
  groups: Pick<GroupTree, "list">,
): Promise<CgroupView | undefined> {
  const { mount, membership } = view;
  const { unified, isDeleted } = membership;
  if (mount === undefined || unified === undefined || isDeleted) return undefined;
  if (basename(unified) !== SERVER_GROUP) return undefined;
  const above = dirname(unified);
  const folder = groupFolder(mount, above);
  if (folder === undefined || !(await groups.list(folder)).includes(WORKERS_GROUP)) {
    return undefined;
  }
  return { ...view, membership: { ...membership, unified: above } };
}

/**
 * Tells where the groups of workers go in a place.
 *
 * @param mount Where cgroup v2 is mounted.
 * @param place The place.
 * @returns The folder that is the server's alone, and the one in it that those of workers are in.
 * @throws {RangeError} When the place is not below the mount.
 */
export function locateWorkers(
  mount: CgroupMount,
  place: Pick<Subtree, "folder" | "standing">,
): { readonly base: string; readonly location: GroupLocation } {
  // The top of the mount is shared with whatever else runs on the host.
  const isShared = place.folder === mount.folder && place.standing !== "delegated";
  const base = isShared ? `${place.folder}/${OWN_GROUP}` : place.folder;
  return { base, location: locateGroup(mount, `${base}/${WORKERS_GROUP}`) };
}
