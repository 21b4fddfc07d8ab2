import { errorMessage } from "#src/core/mod.ts";
import { type ProbeOutcome, type ProbeTarget, probeTargets, targetText } from "#src/probe/mod.ts";
import type { Check } from "./check.ts";
import { probeFromSandbox } from "./egress_probe.ts";
import { egressCommand, type EgressRule, METADATA_RULE, serviceRule } from "./egress_rules.ts";
import { advice, command, error, type Finding, type Fix, ok, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { underManagedFirewall } from "./managed_egress.ts";
import { METADATA_TARGETS } from "./metadata_services.ts";
import { configuredServices, isWildcard, type LocatedService, locateService } from "./services.ts";

/** How long a service may take to answer the server itself, in milliseconds. */
const SERVER_TIMEOUT_MS = 2000;
const NAMES = { redis: "Redis", database: "the database", server: "the server itself" } as const;

/** Whether workers reach what only the server should. */
export const workerEgress: Check = {
  name: "worker_egress",
  category: "network",
  async run(host) {
    const { overNetwork, others } = await look(host);
    return [...await underManagedFirewall(host, overNetwork), ...others];
  },
};

/** What was found, that which rules can change on its own. */
interface Found {
  readonly overNetwork: readonly Finding[];
  readonly others: readonly Finding[];
}

async function look(host: PreflightHost): Promise<Found> {
  const none = { overNetwork: [] };
  const findings: Finding[] = [];
  const services: LocatedService[] = [];
  for (
    const located of await Promise.allSettled(configuredServices(host.config).map(locateService))
  ) {
    if (located.status === "fulfilled") services.push(located.value);
    else findings.push(notKnown(errorMessage(located.reason)));
  }
  const metadata = host.config.process.skipMetadataCheck ? [] : METADATA_TARGETS;
  const ofServices = services.flatMap(({ targets }) => targets);
  const targets = [...metadata, ...ofServices];
  if (targets.length === 0) {
    return {
      ...none,
      others: findings.length > 0 ? findings : [notKnown("there is nothing to probe")],
    };
  }
  // A port that nobody listens on says nothing about what rules would let through.
  using _listeners = listenWhereFree(services);
  // At the same time, since each may have to wait for what never answers.
  const [attempt, outside] = await Promise.all([
    probeFromSandbox(host, targets).then(
      (inside) => ({ inside }),
      (error: unknown) => ({ error }),
    ),
    probeTargets(ofServices, { timeoutMs: SERVER_TIMEOUT_MS }),
  ]);
  if ("error" in attempt) {
    return { ...none, others: [...findings, notKnown(errorMessage(attempt.error))] };
  }
  const { inside } = attempt;
  const silent = outside.filter(({ target, result }) =>
    result !== "connected" && inside.get(target)?.result !== "connected"
  );
  const failed = targets.flatMap((target) => {
    const outcome = inside.get(targetText(target));
    return outcome?.result === "error" ? [`${outcome.target} (${outcome.message ?? ""})`] : [];
  });
  const isReached = (target: ProbeTarget) => inside.get(targetText(target))?.result === "connected";
  const reached = services.filter(({ targets }) => targets.some(isReached));
  const overNetwork = await reachedOverNetwork(host, {
    metadata: metadata.filter(isReached),
    reached,
  });
  findings.push(...reachedOverSockets(reached));
  if (failed.length > 0) findings.push(notKnown(`a worker could not try ${failed.join(", ")}`));
  if (silent.length > 0) {
    const names = silent.map(({ target }) => target).join(", ");
    findings.push(notKnown(`the server itself does not reach ${names}`));
  }
  if (findings.length > 0 || overNetwork.length > 0) return { overNetwork, others: findings };
  return {
    ...none,
    others: [
      ok(`a worker reaches none of ${targets.map((it) => describe(it, inside)).join(", ")}`),
    ],
  };
}

/** What workers can connect to over the network, with what keeps them from it. */
async function reachedOverNetwork(
  host: PreflightHost,
  { metadata, reached }: {
    metadata: readonly ProbeTarget[];
    reached: readonly LocatedService[];
  },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (metadata.length > 0) {
    const message = `a worker reaches cloud metadata, and with it this machine's credentials, at ` +
      metadata.map(targetText).join(", ");
    findings.push(error(message, await rejecting(host, [METADATA_RULE])));
  }
  const overTcp = reached.filter(({ target }) => target.kind === "tcp");
  if (overTcp.length > 0) {
    const rules = overTcp.map(({ kind, target, targets }) =>
      serviceRule(kind, targets, { everyAddress: isWildcard(target) })
    );
    findings.push(warning(`a worker reaches ${list(overTcp)}`, await rejecting(host, rules)));
  }
  return findings;
}

function reachedOverSockets(reached: readonly LocatedService[]): Finding[] {
  const overSockets = reached.filter(({ target }) => target.kind === "unix");
  if (overSockets.length === 0) return [];
  const fix = advice("Take the folder of the socket out of what workers are shown");
  return [warning(`a worker reaches ${list(overSockets)}`, fix)];
}

function list(services: readonly LocatedService[]): string {
  return services.map(({ kind, target }) => `${NAMES[kind]} at ${targetText(target)}`).join(", ");
}

async function rejecting(host: PreflightHost, rules: readonly EgressRule[]): Promise<Fix> {
  if (!host.identity.isRoot) {
    return advice(
      'Have an administrator set the rules that "blockyard firewall show" prints, or run the server ' +
        "as root with firewall.mode: managed",
    );
  }
  const { workerUidRangeStart: start, workerUidRangeEnd: end } = host.config.process;
  const line = egressCommand(rules, { start, end });
  if (await host.findProgram("nft") === undefined) {
    return advice(
      `Install nftables, which brings nft, and set firewall.mode: managed, or run the command ${line}`,
    );
  }
  return command(line);
}

function notKnown(reason: string): Finding {
  return warning(
    `whether workers reach what only the server should could not be found out: ${reason}`,
    advice("Repair what the message names and run the preflight again"),
  );
}

function describe(target: ProbeTarget, inside: ReadonlyMap<string, ProbeOutcome>): string {
  const text = targetText(target);
  const result = inside.get(text)?.result;
  return `${text} (${result === "timeout" ? "no answer" : result ?? "unknown"})`;
}

/** Listens in place of a server that does not run yet. */
function listenWhereFree(services: readonly LocatedService[]): Disposable {
  const listeners = new DisposableStack();
  for (const { kind, target } of services) {
    if (kind !== "server" || target.kind !== "tcp") continue;
    try {
      const { hostname, port } = target;
      listeners.use(Deno.listen({ hostname, port }));
    } catch {
      // A server runs there, or none can; the latter is seen when this process connects.
    }
  }
  return listeners;
}
