import type { GroupLocation } from "./kernel_worker_group.ts";
import type { Mount } from "./mountinfo.ts";
import type { CgroupMount } from "./mount.ts";

/**
 * Tells how a group below a mount is named to packet filters.
 *
 * @param mount Where cgroup v2 is mounted.
 * @param folder Absolute path of the group's folder, which is below the mount.
 * @returns Its path and its level.
 * @throws {RangeError} When it is not below the mount.
 */
export function locateGroup({ folder: top, root }: CgroupMount, folder: string): GroupLocation {
  const path = folder.startsWith(`${top}/`) ? folder.slice(top.length + 1) : "";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new RangeError(`cannot use ${folder} for groups: want a folder below ${top}`);
  }
  // The mount may show a part of the tree only, or more than the namespace.
  const above = root.split("/").filter((part) => part !== "")
    .reduce((depth, part) => depth + (part === ".." ? -1 : 1), 0);
  return { folder, path, level: above + parts.length };
}

/**
 * Finds a file system that is mounted in a cgroup mount where groups are to be made: what is written
 * there would end up in it.
 *
 * @param mounts All mounts.
 * @param mount Where cgroup v2 is mounted.
 * @param folder Absolute path of the folder that groups are to be made in.
 * @returns Absolute path of where it is mounted; undefined when there is none.
 */
export function findMountWithin(
  mounts: readonly Mount[],
  mount: CgroupMount,
  folder: string,
): string | undefined {
  return mounts.map(({ point }) => point).find((point) =>
    point !== mount.folder && isAtOrBelow(point, mount.folder) &&
    (isAtOrBelow(folder, point) || isAtOrBelow(point, folder))
  );
}

function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}
