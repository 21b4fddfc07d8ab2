import type { ProbeTarget } from "#src/probe/mod.ts";
import { METADATA_ADDRESSES } from "#src/firewall/mod.ts";

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

/** Keeps workers from cloud metadata, but not from the name server that some clouds run there. */
export const METADATA_RULE: EgressRule = {
  chain: "metadata",
  matches: ["ip", "ip6"].map((family) => {
    const own = METADATA_ADDRESSES.filter((it) => it.includes(":") === (family === "ip6"));
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
 */
export function serviceRule(
  chain: EgressRule["chain"],
  targets: readonly ProbeTarget[],
  { everyAddress }: { everyAddress: boolean },
): EgressRule {
  const matches = targets.flatMap((target) => {
    if (target.kind === "unix") return [];
    const { hostname, port } = target;
    const place = everyAddress
      ? "fib daddr type local"
      : `${hostname.includes(":") ? "ip6" : "ip"} daddr ${hostname}`;
    return [`${place} tcp dport ${port}`];
  });
  return { chain, matches: [...new Set(matches)] };
}

/**
 * Writes the command that makes rules. Each chain is emptied first, so that the command can be run
 * again, and chains that it does not name stay as they are.
 *
 * @param rules The rules.
 * @param uids Who they are for.
 * @returns A line for a shell.
 */
export function egressCommand(rules: readonly EgressRule[], { start, end }: UidRange): string {
  const table = "inet blockyard_egress";
  const lines = [`add table ${table}`];
  for (const { chain, matches } of rules) {
    lines.push(
      `add chain ${table} ${chain} { type filter hook output priority filter; policy accept; }`,
      `flush chain ${table} ${chain}`,
      // A worker's answers to the server are not what is to be rejected.
      `add rule ${table} ${chain} ct state established,related accept`,
      ...matches.map((match) =>
        `add rule ${table} ${chain} meta skuid ${start}-${end} ${match} reject`
      ),
    );
  }
  return `nft '${lines.join("; ")}'`;
}
