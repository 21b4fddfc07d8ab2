import type { WorkerGroups } from "#src/cgroup/mod.ts";
import type { ResourceLimits } from "./backend.ts";

/**
 * Leaves out of what workers are to be held to what this host cannot hold them to.
 *
 * @param wanted The limits of a worker; 0 for none.
 * @param options `defaults` are those of a worker that says nothing of one; `groups` is what cgroups
 * lack here, undefined where none can be made.
 * @returns The limits that can be enforced. That of processes always is: RLIMIT_NPROC does, too.
 */
export function enforcedLimits(
  wanted: Pick<ResourceLimits, "memoryBytes" | "cpuCores">,
  { defaults, groups }: {
    defaults: ResourceLimits;
    groups: Pick<WorkerGroups, "lacking"> | undefined;
  },
): ResourceLimits {
  const can = (controller: string) =>
    groups !== undefined && !groups.lacking.some(({ name }) => name === controller);
  return {
    memoryBytes: can("memory") ? wanted.memoryBytes || defaults.memoryBytes : 0,
    cpuCores: can("cpu") ? wanted.cpuCores || defaults.cpuCores : 0,
    pids: defaults.pids,
  };
}
