import { type IpRange, parseIpRange } from "#src/core/mod.ts";

/** Who is asked when nobody is named, resolv.conf(5). */
const DEFAULT = "127.0.0.1";

/** Addresses that mean this host to who connects to them, ip(7), ipv6(7). */
const THIS_HOST: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Reads which name servers a host asks.
 *
 * @param text The content of `/etc/resolv.conf`, resolv.conf(5); empty where there is none.
 * @returns Their addresses; what is none is left out.
 */
export function parseNameServers(text: string): IpRange[] {
  const named = text.split("\n").flatMap((line) => {
    const [, address = ""] = /^nameserver[ \t]+([0-9A-Fa-f.:]+)(?=[%#;\s]|$)/.exec(line) ?? [];
    return parseIpRange(THIS_HOST[address] ?? address) ?? [];
  });
  return named.length > 0 ? named : [parseIpRange(DEFAULT) ?? []].flat();
}
