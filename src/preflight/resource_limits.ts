import type { Check } from "./check.ts";
import { type Finding, warning } from "./finding.ts";
import { checkGroupLimits } from "./group_limits.ts";
import type { PreflightHost } from "./host.ts";
import { LOOK_AGAIN } from "./not_found_out.ts";
import { judgeCapacity, readBounds } from "./process_capacity.ts";
import { checkProcessLimit } from "./process_limit.ts";

/**
 * What is asked for each kind of limit. Each question says itself when something could not be found
 * out, so that the others are heard too; what needs cgroups asks `findDelegation`.
 */
const QUESTIONS: readonly ((host: PreflightHost) => Promise<Finding | readonly Finding[]>)[] = [
  checkProcessLimit,
  checkGroupLimits,
  checkCapacity,
];

/** Whether the limits that the configuration asks for can be enforced here. */
export const resourceLimits: Check = {
  name: "resource_limits",
  category: "resources",
  async run(host) {
    return (await Promise.all(QUESTIONS.map((ask) => ask(host)))).flat();
  },
};

/** Whether as many processes can exist as the configuration lets workers have. */
async function checkCapacity({ config, identity, roots }: PreflightHost): Promise<Finding[]> {
  const { bounds, problems } = await readBounds(roots, identity);
  const limits = { perWorker: config.server.defaultPidsLimit, workers: config.proxy.maxWorkers };
  const unknown = "what bounds the number of processes could not be found out";
  return [
    ...judgeCapacity(bounds, limits),
    ...problems.map((problem) => warning(`${unknown}: ${problem}`, LOOK_AGAIN)),
  ];
}
