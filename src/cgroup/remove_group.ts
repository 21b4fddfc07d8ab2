import type { Clock } from "#src/core/mod.ts";
import { CgroupError, isGone } from "./cgroup_error.ts";
import type { GroupTree } from "./group_tree.ts";

/** How long there is between two attempts, in milliseconds. */
const PAUSE_MS = 10;

/**
 * Removes a group and those below it. It is no error when it is gone already.
 *
 * @param folder Absolute path of its folder.
 * @param options `groups` are the groups, `clock` the time; `waitMs` is how long processes that are
 * ending are waited for, in milliseconds.
 * @throws {CgroupError} When that fails; EBUSY when there are processes in it after that time.
 */
export async function removeGroup(
  folder: string,
  { groups, clock, waitMs }: { groups: GroupTree; clock: Clock; waitMs: number },
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + waitMs;
  while (true) {
    const isLast = clock.monotonicMs() >= deadlineMs;
    try {
      return await removeTree(folder, groups);
    } catch (error) {
      if (isLast || !(error instanceof CgroupError) || error.code !== "EBUSY") throw error;
    }
    await clock.sleep(PAUSE_MS);
  }
}

async function removeTree(folder: string, groups: GroupTree): Promise<void> {
  for (const name of await groups.list(folder)) await removeTree(`${folder}/${name}`, groups);
  try {
    await groups.remove(folder);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}
