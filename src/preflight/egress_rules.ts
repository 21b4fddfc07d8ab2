import { ipRangeText, parseIpRange } from "#src/core/mod.ts";
import { METADATA_ADDRESSES } from "#src/firewall/mod.ts";
import type { ProbeTarget } from "#src/probe/mod.ts";

/** The uids of workers, the last one included. */
export interface UidRange {
  /** The first one. */
  readonly start: number;
  /** The last one. */
  readonly end: number;
}

/** What workers are to be kept from, by the name of the chain that does. */
export interface EgressRule {
  /** A chain of its own, so that commands can be run in any order and again. */
  readonly chain: "metadata" | "redis" | "database" | "server";
  /** What nft(8) matches, besides the worker's uid. */
  readonly matches: readonly string[];
}

/** OpenStack's, on whatever link, which the preflight does not look for on every one. */
const ON_LINK = "fe80::a9fe:a9fe";

/** Keeps workers from cloud metadata, but not from the name server that some clouds run there. */
export const METADATA_RULE: EgressRule = {
  chain: "metadata",
  matches: ["ip", "ip6"].map((family) => {
    const all = [...METADATA_ADDRESSES, ON_LINK];
    const own = all.filter((it) => it.includes(":") === (family === "ip6"));
    return `${family} daddr { ${own.join(", ")} } meta l4proto { tcp, udp } th dport != 53`;
  }),
};

/**
 * Makes the rule that keeps workers from a service.
 *
 * @param chain The service's chain.
 * @param targets Its addresses; unix sockets are left out.
 * @param options `everyAddress` is for a server that listens on every address of the host.
 * @returns The rule.
 * @throws {RangeError} When one of them is no address.
 */
export function serviceRule(
  chain: EgressRule["chain"],
  targets: readonly ProbeTarget[],
  { everyAddress }: { everyAddress: boolean },
): EgressRule {
  const matches = targets.flatMap((target) => {
    if (target.kind === "unix") return [];
    const { hostname, port } = target;
    const place = everyAddress ? "fib daddr type local" : addressMatch(hostname);
    return [`${place} tcp dport ${port}`];
  });
  return { chain, matches: [...new Set(matches)] };
}

/** As packets have it: without a zone, and IPv4 even where it is written as IPv6. */
function addressMatch(address: string): string {
  const bare = address.replace(/%.*$/, "");
  const range = parseIpRange(bare);
  if (range === undefined) {
    throw new RangeError(`cannot write a rule for ${address}: want an address`);
  }
  return `${range.family === 4 ? "ip" : "ip6"} daddr ${ipRangeText(range)}`;
}

/**
 * Writes what makes rules. Each chain is emptied first, so that it can be done again, and chains that
 * it does not name stay as they are.
 *
 * - Packets are looked at before NAT of the host's own, of container engines for instance, which
 *   replaces the address that a worker asked for.
 * - Only the TCP segment that opens a connection is refused, the one with SYN and without ACK
 *   (RFC 9293, 3.5): a worker has to answer the server. Connection tracking would tell that, too, but
 *   keep an entry for whatever workers open, and one of them could fill its table for the whole host.
 *
 * @param rules The rules.
 * @param uids Who they are for.
 * @returns Commands for nft(8), in one line without single quotes.
 */
export function egressScript(rules: readonly EgressRule[], { start, end }: UidRange): string {
  const table = "inet blockyard_egress";
  const lines = [`add table ${table}`];
  for (const { chain, matches } of rules) {
    lines.push(
      `add chain ${table} ${chain} { type filter hook output priority mangle; policy accept; }`,
      `flush chain ${table} ${chain}`,
      `add rule ${table} ${chain} tcp flags & (syn | ack) != syn accept`,
      ...matches.map((match) =>
        `add rule ${table} ${chain} meta skuid ${start}-${end} ${match} reject`
      ),
    );
  }
  return lines.join("; ");
}
