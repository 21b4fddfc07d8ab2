import type { PreflightHost } from "./host.ts";
import { command, type Finding, warning } from "./finding.ts";
import { LOOK_AGAIN, lookAt } from "./not_found_out.ts";
import { readSysctl, sysctlCommand } from "./sysctl.ts";

const LIMIT = "user.max_user_namespaces";
/** How many user namespaces a sandbox takes: its own, and one in it in which no more can be made. */
const PER_SANDBOX = 2;
/** What the limit is set to at least: other programs of the user want some, too. */
const ENOUGH = 15_000;

/**
 * Looks whether all workers can have their user namespaces at the same time: the kernel counts for
 * each user (namespaces(7)), and those of a server that is not root are all the same one.
 *
 * @param host The host, on which a single one can be had.
 * @returns A warning where there are too few, or where that could not be found out.
 */
export async function findUsernsRoom(host: PreflightHost): Promise<Finding[]> {
  const { identity, roots, config: { proxy: { maxWorkers } } } = host;
  const limit = await lookAt(
    "how many user namespaces a user may have",
    () => readSysctl(roots, LIMIT),
  );
  // As root, what was tried with one worker holds for all of them.
  if ("unknown" in limit) return identity.isRoot ? [] : [limit.unknown];
  if (limit.seen === undefined) return [];
  const workers = identity.isRoot ? 1 : maxWorkers;
  const needed = PER_SANDBOX * workers;
  if (!/^\d+$/.test(limit.seen)) {
    return [warning(`${LIMIT} is ${JSON.stringify(limit.seen)}, want a number`, LOOK_AGAIN)];
  }
  if (Number(limit.seen) >= needed || Number(limit.seen) === 0) return [];
  const hasSysctl = await host.findProgram("sysctl") !== undefined;
  return [
    warning(
      `${LIMIT} is ${limit.seen}, and ${needed} are needed for ` +
        (identity.isRoot ? "a worker" : `the ${workers} workers of proxy.max_workers`),
      command(sysctlCommand(LIMIT, Math.max(ENOUGH, needed), { hasSysctl })),
    ),
  ];
}
