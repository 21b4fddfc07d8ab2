/**
 * What is said of what workers were seen to reach, and of what could not be seen.
 *
 * @module
 */
import { type ProbeOutcome, type ProbeTarget, targetText } from "#src/probe/mod.ts";
import { keepingOut } from "./egress_fix.ts";
import { METADATA_RULE, serviceRule } from "./egress_rules.ts";
import { advice, error, type Finding, type Fix, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { LOOK_AGAIN } from "./not_found_out.ts";
import type { ServerStandIn } from "./server_stand_in.ts";
import { isWildcard, type LocatedService, SERVICE_NAMES } from "./services.ts";

/** What came of connecting, by the targets' texts. */
export type Outcomes = ReadonlyMap<string, ProbeOutcome>;

/**
 * Says what workers can connect to over the network, with what keeps them from it.
 *
 * @param host The host.
 * @param options `metadata` and `reached` are what they can connect to; `standIn` is what listens in
 * place of the server.
 * @returns An error for cloud metadata, warnings for services.
 */
export async function reachedOverNetwork(
  host: PreflightHost,
  { metadata, reached, standIn }: {
    metadata: readonly ProbeTarget[];
    reached: readonly LocatedService[];
    standIn: ServerStandIn;
  },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (metadata.length > 0) {
    const message = `a worker reaches cloud metadata, and with it this machine's credentials, at ` +
      metadata.map(targetText).join(", ");
    const fix = await keepingOut(host, [METADATA_RULE]);
    findings.push(error(message + managedHint(host, fix), fix));
  }
  const overTcp = reached.filter(({ target }) => target.kind === "tcp");
  const withRules = overTcp.filter(({ kind }) => !(kind === "server" && standIn.hasAnyPort));
  if (withRules.length > 0) {
    const rules = withRules.map(({ kind, target, targets }) =>
      serviceRule(kind, targets, { everyAddress: isWildcard(target) })
    );
    const fix = await keepingOut(host, rules);
    findings.push(warning(`a worker reaches ${list(withRules)}${managedHint(host, fix)}`, fix));
  }
  if (withRules.length < overTcp.length) {
    const { hostname } = host.config.server.bind;
    findings.push(
      warning(
        `a worker reaches the server itself at ${hostname}, whatever port it gets`,
        advice(
          "Set firewall.mode: managed, or give server.bind a port, for which rules can be set",
        ),
      ),
    );
  }
  return findings;
}

/** A server that can set its own rules needs no others. */
function managedHint({ firewall }: PreflightHost, fix: Fix): string {
  return firewall === undefined && fix.kind === "command"
    ? "; with firewall.mode: managed, the server would keep workers from it"
    : "";
}

/**
 * Says which unix sockets every worker is shown and can connect to.
 *
 * @param reached What workers can connect to.
 * @returns A warning, if there are any.
 */
export function reachedOverSockets(reached: readonly LocatedService[]): Finding[] {
  const overSockets = reached.filter(({ target }) => target.kind === "unix");
  if (overSockets.length === 0) return [];
  const fix = advice("Take the folder of the socket out of what workers are shown");
  return [warning(`a worker reaches ${list(overSockets)}`, fix)];
}

/**
 * Says what a worker could not even try to connect to.
 *
 * @param targets What it was to try.
 * @param inside What came of it.
 * @returns A warning, if there is anything.
 */
export function notTried(targets: readonly ProbeTarget[], inside: Outcomes): Finding[] {
  const failed = targets.flatMap((target) => {
    const outcome = inside.get(targetText(target));
    return outcome?.result === "error" ? [`${outcome.target} (${outcome.message ?? ""})`] : [];
  });
  return failed.length === 0 ? [] : [notKnown(`a worker could not try ${failed.join(", ")}`)];
}

/**
 * Says of which services nothing can be said: that a worker does not reach what does not answer the
 * server either means nothing. A service that answers at one of its addresses may not listen at the
 * others, which nobody reaches then.
 *
 * @param services The services.
 * @param options `inside` is what came of a worker's attempts and `outside` of the server's; `standIn`
 * is what listens in place of the server.
 * @returns A warning for each.
 */
export function silentServices(
  services: readonly LocatedService[],
  { inside, outside, standIn }: { inside: Outcomes; outside: Outcomes; standIn: ServerStandIn },
): Finding[] {
  return services.flatMap(({ kind, target, targets }) => {
    const results = targets.map((it) => [resultOf(inside, it), resultOf(outside, it)]);
    if (results.some((of) => of.includes("connected"))) {
      const unclear = targets.filter((_, index) => {
        const [worker, server] = results[index] ?? [];
        return worker !== "connected" && (server === "timeout" || server === "error");
      });
      return unclear.length === 0 ? [] : [
        notKnown(`the server itself does not reach ${unclear.map(targetText).join(", ")}`),
      ];
    }
    const place = `${SERVICE_NAMES[kind]} at ${targetText(target)}`;
    const { problem } = standIn;
    return [
      kind === "server"
        ? notKnown(
          `nothing listens at ${targetText(target)}` +
            (problem === undefined ? "" : `, and the preflight cannot: ${problem}`),
          advice("Set server.bind to an address of this host and a free port"),
        )
        : notKnown(
          `${place} does not answer the server either`,
          advice(
            `Start ${SERVICE_NAMES[kind]}, or correct ${kind}.url, and run the preflight again`,
          ),
        ),
    ];
  });
}

/**
 * Tells how the attempt to connect to a target ended.
 *
 * @param outcomes What came of all attempts.
 * @param target The target.
 * @returns Its result; undefined when there is none.
 */
export function resultOf(
  outcomes: Outcomes,
  target: ProbeTarget,
): ProbeOutcome["result"] | undefined {
  return outcomes.get(targetText(target))?.result;
}

function list(services: readonly LocatedService[]): string {
  return services.map(({ kind, target }) => `${SERVICE_NAMES[kind]} at ${targetText(target)}`)
    .join(", ");
}

/**
 * Says that something could not be found out.
 *
 * @param reason Why.
 * @param fix What to do about it; what all such findings have if not given.
 * @returns The warning.
 */
export function notKnown(reason: string, fix: Fix = LOOK_AGAIN): Finding {
  return warning(
    `whether workers reach what only the server should could not be found out: ${reason}`,
    fix,
  );
}
