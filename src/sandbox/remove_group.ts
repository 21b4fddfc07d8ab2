import { errorMessage, type Logger } from "#src/core/mod.ts";
import type { LauncherGroup } from "./launcher.ts";

/**
 * Removes a cgroup after a failure. What failed before is what matters, also when this does.
 *
 * @param group The group, empty; none where there are none.
 * @param log Told when it cannot be removed.
 * @returns A promise that never rejects.
 */
export async function removeGroup(
  group: Pick<LauncherGroup, "folder" | "remove"> | undefined,
  log: Logger,
): Promise<void> {
  await group?.remove().catch((error) =>
    log.error("cannot remove a cgroup", { cgroup: group.folder, error: errorMessage(error) })
  );
}
