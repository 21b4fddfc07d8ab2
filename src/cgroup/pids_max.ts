import { dirname } from "node:path/posix";
import type { GroupTree } from "./group_tree.ts";
import { kernelGroups } from "./kernel_groups.ts";
import { parseMaximum, readParsed } from "./kernel_text.ts";
import { type CgroupMount, findCgroup1 } from "./mount.ts";
import { groupFolder } from "./place.ts";
import type { CgroupView } from "./view.ts";

/** A limit of processes and threads that this process and all it starts are under. */
export interface PidsMax {
  /** Absolute path of the file that sets it. */
  readonly file: string;
  /** How many there may be in the group. */
  readonly max: number;
}

const FILE = "pids.max";

/**
 * Reads the limits of processes of this process's groups and of those above them, as far as they
 * are shown, in cgroup v2 and in v1.
 *
 * @param view What this process sees of the host's cgroups.
 * @param groups The groups, those of the kernel if not given.
 * @returns The limits that there are.
 * @throws {CgroupError} When one is there and cannot be read.
 * @throws {SyntaxError} When one is not understood.
 */
export async function readPidsMaxima(
  { mounts, mount, membership }: CgroupView,
  groups: GroupTree = kernelGroups,
): Promise<PidsMax[]> {
  const legacy = membership.legacy.find(({ controllers }) => controllers.includes("pids"));
  const unified = membership.isDeleted ? undefined : membership.unified;
  const folders = [
    ...upwards(mount, unified),
    ...upwards(findCgroup1(mounts, "pids"), legacy?.path),
  ];
  const found: PidsMax[] = [];
  for (const folder of folders) {
    // The root of a hierarchy has none, nor have groups that the controller is not handed down to.
    const max = await readParsed(groups, folder, FILE, parseMaximum);
    if (max !== undefined) found.push({ file: `${folder}/${FILE}`, max });
  }
  return found;
}

function upwards(mount: CgroupMount | undefined, path: string | undefined): string[] {
  if (mount === undefined || path === undefined) return [];
  const own = groupFolder(mount, path);
  if (own === undefined) return [];
  const folders = [own];
  for (let folder = own; folder !== mount.folder;) folders.push(folder = dirname(folder));
  return folders;
}
