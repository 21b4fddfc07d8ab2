import { CgroupError } from "./cgroup_error.ts";
import type { GroupTree } from "./group_tree.ts";

/**
 * Makes a group, or finds it there: an earlier server may have left it, and another one may be
 * making it.
 *
 * @param folder Absolute path of its folder; that of its parent exists.
 * @param groups The groups.
 * @throws {CgroupError} When the kernel refuses.
 */
export async function makeUnlessThere(
  folder: string,
  groups: Pick<GroupTree, "make">,
): Promise<void> {
  try {
    await groups.make(folder);
  } catch (error) {
    if (!(error instanceof CgroupError) || error.code !== "EEXIST") throw error;
  }
}
