import { type IpRange, ipRangeText, outermostIpRanges, parseIpRange } from "#src/core/mod.ts";
import { METADATA_ADDRESSES, MORE_METADATA_RANGES } from "./metadata_addresses.ts";
import { type Senders, sendersMatch } from "./senders.ts";

/** What workers are kept from: addresses, and which port of them. */
export interface Endpoint {
  /** The addresses. */
  readonly range: IpRange;
  /** Of TCP and UDP; undefined for everything that can be sent there. */
  readonly port: number | undefined;
}

/** What a table of rules is made from. */
export interface Ruleset {
  /** Its name. */
  readonly table: string;
  /** Whose packets are looked at. */
  readonly senders: Senders;
  /** What is said beside the first rule, without quotes; nothing if not given. */
  readonly comment?: string | undefined;
  /** What an operator does not want workers to reach. */
  readonly denied: readonly Endpoint[];
  /** The addresses of name servers, whose port 53 stays open unless it is denied. */
  readonly nameServers: readonly IpRange[];
  /** Where the servers' stores are. */
  readonly services: {
    /** Redis; empty for none that is reached over a network. */
    readonly redis: readonly Endpoint[];
    /** The database; empty for none that is reached over a network. */
    readonly database: readonly Endpoint[];
  };
}

/** Names of priorities are those of nft(8): before and after the addresses of NAT are replaced. */
const BASE_CHAINS = [["before_nat", "mangle"], ["after_nat", "filter"]] as const;

/**
 * Writes the rules for nft(8): one transaction that puts the table in the place of one of that name,
 * so that there is no moment without rules.
 *
 * What is asked of the kernel, from top to bottom:
 *
 * - Packets of workers are looked at on their way out twice, since NAT of the host's own may turn an
 *   address of this host into that of a container, or one from outside into one of this host. An
 *   earlier "accept" of another table does not count: each base chain has its say.
 * - A worker may answer. What opens a connection is the one TCP segment with SYN and without ACK
 *   (RFC 9293, 3.5), so that all others belong to one that somebody else opened. Connection tracking
 *   would tell that, too, but would keep an entry for whatever workers open to the internet, and one
 *   worker could fill its table for the whole host. Over other protocols nobody waits for answers: a
 *   worker could give them in the place of a local service, with that service's port.
 * - `firewall.deny` goes before all that opens something, the name servers included.
 * - Name servers answer at port 53, wherever they are.
 * - Whatever is no unicast address elsewhere is this host, or reaches it as well: its own addresses,
 *   broadcast, multicast, anycast.
 *
 * @param ruleset What the rules are made from.
 * @returns The text for `nft -f`.
 * @throws {RangeError} When the path of a group cannot be written.
 */
export function rulesetText(ruleset: Ruleset): string {
  const { table, senders, comment, denied, nameServers, services } = ruleset;
  const from = sendersMatch(senders);
  const mark = comment === undefined ? "" : ` comment "${comment}"`;
  const rules = [
    `tcp flags & (syn | ack) != syn accept comment "answers"`,
    ...refusals(denied, "firewall.deny"),
    ...byAddress(nameServers, `${withPort(53)} accept comment "name servers"`),
    ...refusals(METADATA.map((range) => ({ range, port: undefined })), "cloud metadata"),
    ...refusals(services.redis, "Redis"),
    ...refusals(services.database, "database"),
    `fib daddr type != unicast goto refuse comment "this host"`,
  ];
  const chains = [
    ...BASE_CHAINS.map(([name, priority], index) =>
      chain(name, [
        `type filter hook output priority ${priority}; policy accept;`,
        `${from} goto workers${index === 0 ? mark : ""}`,
      ])
    ),
    chain("workers", rules),
    // A connection ends at once, and without the ICMP messages of which a host sends only so many.
    chain("refuse", ["meta l4proto tcp reject with tcp reset", "reject"]),
  ];
  return `${removalText(table)}table inet ${table} {\n${chains.join("\n")}}\n`;
}

/**
 * Writes what removes a table, also where there is none.
 *
 * @param table Its name.
 * @returns The text for `nft -f`.
 */
export function removalText(table: string): string {
  return `table inet ${table}\ndelete table inet ${table}\n`;
}

const METADATA: readonly IpRange[] = [...METADATA_ADDRESSES, ...MORE_METADATA_RANGES]
  .flatMap((text) => parseIpRange(text) ?? []);

function chain(name: string, lines: readonly string[]): string {
  return `\tchain ${name} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}\n`;
}

function refusals(endpoints: readonly Endpoint[], why: string): string[] {
  const byPort = Map.groupBy(endpoints, ({ port }) => port);
  return [...byPort].flatMap(([port, some]) =>
    byAddress(
      some.map(({ range }) => range),
      `${port === undefined ? "" : `${withPort(port)} `}goto refuse comment "${why}"`,
    )
  );
}

function withPort(port: number): string {
  return `meta l4proto { tcp, udp } th dport ${port}`;
}

/** One rule for each version of IP that is among the addresses. */
function byAddress(ranges: readonly IpRange[], statement: string): string[] {
  return ([4, 6] as const).flatMap((family) => {
    const own = outermostIpRanges(ranges.filter((range) => range.family === family));
    if (own.length === 0) return [];
    // Not every nft takes all addresses as an element of a set.
    if (own.some(({ prefix }) => prefix === 0)) return [`meta nfproto ipv${family} ${statement}`];
    const elements = own.map(ipRangeText).join(", ");
    return [`${family === 4 ? "ip" : "ip6"} daddr { ${elements} } ${statement}`];
  });
}
