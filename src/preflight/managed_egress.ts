import { advice, error, type Finding, info } from "./finding.ts";
import type { PreflightHost } from "./host.ts";

/** No other rule can let through what these refuse. */
const RULES_GONE = advice(
  'See by "nft list tables" whether the server\'s table "blockyard_uids_…" is there, keep from ' +
    'removing it what does so, such as a "flush ruleset" of another program, and start serve again',
);

/**
 * Says what a managed firewall makes of what workers reach. Before a server has set its rules, that
 * is to be known and no more, as long as the kernel would take them.
 *
 * @param host The host.
 * @param reached What workers reach over the network, each with what is to be done without a managed
 * firewall.
 * @returns What to report in its place.
 */
export async function underManagedFirewall(
  { firewall, identity }: PreflightHost,
  reached: readonly Finding[],
): Promise<readonly Finding[]> {
  if (firewall === undefined) return reached;
  // Reached in spite of the rules, which were there a moment ago.
  if (firewall.isSet) return reached.map((finding) => ({ ...finding, fix: RULES_GONE }));
  const problem = await firewall.problem();
  if (problem !== undefined) {
    const message = `serve will not start with firewall.mode managed: ${problem}`;
    const fix = identity.isRoot
      ? "Repair what the message names, or set firewall.mode to off"
      : "Set firewall.mode to off, or run the server as root";
    return [error(message, advice(fix)), ...reached];
  }
  return reached.map(({ message }) =>
    info(
      `${message}, as long as no rules are set: serve does that before any worker starts`,
      advice('Start serve, or set them now by "blockyard firewall apply"'),
    )
  );
}
