import type { Delegation, LimitController } from "#src/cgroup/mod.ts";
import type { Config } from "#src/config/mod.ts";
import { findDelegation } from "./cgroup_delegation.ts";
import { advice, type Finding, ok, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { lookAt } from "./not_found_out.ts";
import { listText } from "./wording.ts";

/** What each configured limit needs. */
const CONTROLLERS = { memory: "memory", cpu: "cpu" } as const satisfies Record<
  string,
  LimitController
>;

/**
 * Finds out whether the limits of memory and processor time that the configuration asks for can be
 * enforced here, which takes cgroups with their controllers.
 *
 * @param host The host, and what is to run on it.
 * @returns What was found out; nothing where no such limit is asked for.
 */
export async function checkGroupLimits(host: PreflightHost): Promise<Finding[]> {
  const wanted = wantedLimits(host.config);
  if (wanted.length === 0) return [];
  const keys = listText(wanted.map(({ key }) => key));
  const found = await lookAt(`whether ${keys} can be enforced`, () => findDelegation(host));
  if (!("seen" in found)) return [found.unknown];
  return judgeGroupLimits(wanted, found.seen.delegation);
}

/** A limit that the configuration asks for. */
export interface WantedLimit {
  /** The key that asks for it, such as `server.default_memory_limit`. */
  readonly key: string;
  /** What enforces it. */
  readonly controller: LimitController;
}

/**
 * Lists the limits that take a controller.
 *
 * @param config The configuration.
 * @returns Those that are not 0, in the order of the file.
 */
export function wantedLimits({ server, apps }: Pick<Config, "server" | "apps">): WantedLimit[] {
  const limits: WantedLimit[] = [];
  const add = (bytes: number, cores: number, [memory, cpu]: readonly [string, string]) => {
    if (bytes > 0) limits.push({ key: memory, controller: CONTROLLERS.memory });
    if (cores > 0) limits.push({ key: cpu, controller: CONTROLLERS.cpu });
  };
  const keys = ["server.default_memory_limit", "server.default_cpu_limit"] as const;
  add(server.defaultMemoryBytes, server.defaultCpuCores, keys);
  for (const { name, memoryBytes, cpuCores } of apps) {
    add(memoryBytes, cpuCores, [`apps.${name}.memory_limit`, `apps.${name}.cpu_limit`]);
  }
  return limits;
}

/**
 * Tells whether groups of workers can be given a controller.
 *
 * @param delegation What can be done with cgroups.
 * @param controller The controller.
 * @returns Whether they can.
 */
export function canLimit(delegation: Delegation, controller: LimitController): boolean {
  return delegation.kind === "limits" ||
    (delegation.kind === "grouping" && delegation.controllers.includes(controller));
}

/**
 * Holds limits against what the host lets be done with cgroups.
 *
 * @param wanted The limits, one at least.
 * @param delegation What can be done.
 * @returns That they are enforced, or which of them are not.
 */
export function judgeGroupLimits(
  wanted: readonly WantedLimit[],
  delegation: Delegation,
): Finding[] {
  const lacking = wanted.filter(({ controller }) => !canLimit(delegation, controller));
  const keysOf = (limits: readonly WantedLimit[]) => listText(limits.map(({ key }) => key));
  if (lacking.length === 0) return [ok(`the cgroups of workers enforce ${keysOf(wanted)}`)];
  const names = listText([...new Set(lacking.map(({ controller }) => controller))]);
  return [warning(
    `workers are not held to ${keysOf(lacking)}, because their cgroups have no controller for ` +
      names,
    advice("See what cgroup_delegation says, and do that"),
  )];
}
