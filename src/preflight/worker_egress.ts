import { errorMessage } from "#src/core/mod.ts";
import { type ProbeTarget, probeTargets, targetText } from "#src/probe/mod.ts";
import type { Check } from "./check.ts";
import {
  notKnown,
  notTried,
  type Outcomes,
  reachedOverNetwork,
  reachedOverSockets,
  resultOf,
  silentServices,
} from "./egress_findings.ts";
import { probeFromSandbox } from "./egress_probe.ts";
import { advice, type Finding, ok } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { underManagedFirewall } from "./managed_egress.ts";
import { METADATA_TARGETS } from "./metadata_services.ts";
import { type ServerStandIn, standInForServer } from "./server_stand_in.ts";
import {
  configuredServices,
  type LocatedService,
  locateService,
  type Service,
} from "./services.ts";
import { judgeShownSockets } from "./shown_sockets.ts";

/** How long a service may take to answer the server itself, in milliseconds. */
const SERVER_TIMEOUT_MS = 2000;

/** Whether workers reach what only the server should. */
export const workerEgress: Check = {
  name: "worker_egress",
  category: "network",
  async run(host) {
    using standIn = standInForServer(host.config.server.bind);
    const { overNetwork, others } = await look(host, standIn);
    return [...await underManagedFirewall(host, overNetwork), ...others];
  },
};

/** What was found, that which rules can change on its own. */
interface Found {
  readonly overNetwork: readonly Finding[];
  readonly others: readonly Finding[];
}

async function look(host: PreflightHost, standIn: ServerStandIn): Promise<Found> {
  const services = [
    ...configuredServices(host.config).filter(({ kind }) => kind !== "server"),
    ...standIn.service === undefined ? [] : [standIn.service],
  ];
  const { located, unknown } = await locate(services);
  const problems = [...unknown];
  if (standIn.service === undefined) {
    problems.push(notKnown(
      `nothing can listen in place of the server: ${standIn.problem}`,
      advice("Set server.bind to an address of this host"),
    ));
  }
  const metadata = host.config.process.skipMetadataCheck ? [] : METADATA_TARGETS;
  const ofServices = located.flatMap(({ targets }) => targets);
  const targets = [...metadata, ...ofServices];
  if (targets.length === 0) return { overNetwork: [], others: problems };
  // At the same time, since each may have to wait for what never answers.
  const [attempt, outside, shown] = await Promise.all([
    probeFromSandbox(host, targets).then(
      (inside) => ({ inside }),
      (error: unknown) => ({ error }),
    ),
    probeTargets(ofServices, { timeoutMs: SERVER_TIMEOUT_MS }),
    judgeShownSockets(host, services),
  ]);
  problems.push(...shown);
  if ("error" in attempt) {
    return { overNetwork: [], others: [...problems, notKnown(errorMessage(attempt.error))] };
  }
  const { inside } = attempt;
  const isReached = (target: ProbeTarget) => resultOf(inside, target) === "connected";
  const reached = located.filter(({ targets }) => targets.some(isReached));
  const overNetwork = await reachedOverNetwork(host, {
    metadata: metadata.filter(isReached),
    reached,
    standIn,
  });
  problems.push(
    ...reachedOverSockets(reached),
    ...notTried(targets, inside),
    ...silentServices(located, {
      inside,
      outside: new Map(outside.map((outcome) => [outcome.target, outcome])),
      standIn,
    }),
  );
  if (problems.length > 0 || overNetwork.length > 0) return { overNetwork, others: problems };
  const list = targets.map((target) => describe(target, inside)).join(", ");
  return { overNetwork, others: [ok(`a worker reaches none of ${list}`)] };
}

async function locate(
  services: readonly Service[],
): Promise<{ located: LocatedService[]; unknown: Finding[] }> {
  const looked = await Promise.allSettled(services.map(locateService));
  return {
    located: looked.flatMap((it) => it.status === "fulfilled" ? [it.value] : []),
    unknown: looked.flatMap((it) =>
      it.status === "rejected" ? [notKnown(errorMessage(it.reason))] : []
    ),
  };
}

function describe(target: ProbeTarget, inside: Outcomes): string {
  const result = resultOf(inside, target);
  return `${targetText(target)} (${result === "timeout" ? "no answer" : result ?? "unknown"})`;
}
