import type { WorkerGroup } from "#src/cgroup/mod.ts";
import { ConflictError, NotSupportedError, type WorkerId } from "#src/core/mod.ts";
import type { ResourceLimits } from "./backend.ts";

/**
 * Changes what a live worker is held to.
 *
 * @param id Names the worker in errors.
 * @param group Its cgroup; undefined on a host where none can be made.
 * @param wanted The limits to change; 0 for none.
 * @returns All limits, before and as the kernel took them.
 * @throws {NotSupportedError} When its group does not have the controller that this takes.
 * @throws {ConflictError} When it already uses more memory than that.
 * @throws {RangeError} When a limit is none.
 * @throws {CgroupError} When the kernel refuses.
 */
export async function changeLimits(
  id: WorkerId,
  group: Pick<WorkerGroup, "limits" | "setLimits" | "usage"> | undefined,
  { memoryBytes, cpuCores }: { memoryBytes?: number; cpuCores?: number },
): Promise<{ before: ResourceLimits; after: ResourceLimits }> {
  if (group === undefined) {
    throw new NotSupportedError(`cannot limit worker ${id}: it has no cgroup`);
  }
  if (memoryBytes !== undefined && memoryBytes > 0) {
    const { memoryBytes: used = 0 } = await group.usage();
    if (used > memoryBytes) {
      throw new ConflictError(
        `cannot limit worker ${id} to ${memoryBytes} bytes of memory: it uses ${used}, and the ` +
          "kernel would end it",
      );
    }
  }
  const before = group.limits;
  const limits = {
    ...before,
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(cpuCores !== undefined && { cpuCores }),
  };
  try {
    return { before, after: await group.setLimits(limits) };
  } catch (error) {
    // Who asks knows the worker, not its group.
    if (!(error instanceof NotSupportedError)) throw error;
    throw new NotSupportedError(`cannot limit worker ${id}: ${error.message}`, { cause: error });
  }
}
