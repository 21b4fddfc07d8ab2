import { BlockList, isIPv4 } from "node:net";
import { type Finding, setting, warning } from "./finding.ts";
import { listText } from "./wording.ts";

/**
 * The shortest prefixes that are believed to be meant. The largest private network of IPv4 is
 * 10.0.0.0/8 (RFC 1918), and hardly anybody has more than an IPv4 /8 or an IPv6 /16 to themselves:
 * what is wider takes in the addresses of strangers.
 */
const MIN_PREFIX = { ipv4: 8, ipv6: 16 };
/** In how many bits an IPv4 address in IPv6 clothes is dressed (RFC 4291, 2.5.5.2). */
const MAPPED_BITS = 96;

/** Shorter ones of IPv6 that hold no public address (RFC 4193; RFC 4291, 2.5.6). */
const PRIVATE_IPV6 = [["fc00::", 7], ["fe80::", 10]] as const;
const MAPPED = new BlockList();
MAPPED.addSubnet("::ffff:0:0", MAPPED_BITS, "ipv6");

/**
 * Says whether the headers of strangers are believed.
 *
 * @param trustedProxies CIDRs of the configuration.
 * @returns A warning that names those which are too wide; nothing when there are none.
 */
export function judgeTrustedProxies(trustedProxies: readonly string[]): Finding[] {
  const wide = trustedProxies.filter(holdsStrangers);
  if (wide.length === 0) return [];
  const rest = trustedProxies.filter((network) => !wide.includes(network));
  // What is most often meant: a proxy on this host.
  const wanted = rest.length === 0 ? ["127.0.0.1/32"] : rest;
  return [
    warning(
      `server.trusted_proxies has ${listText(wide)}, so that everybody can write the headers ` +
        "that say who a client is",
      setting(`server.trusted_proxies: ${JSON.stringify(wanted)}`),
    ),
  ];
}

/**
 * Tells whether a network takes in the addresses of strangers by its sheer size.
 *
 * @param network A CIDR of the configuration.
 * @returns Whether it does.
 */
export function holdsStrangers(network: string): boolean {
  const [address = "", length] = network.split("/");
  const prefix = Number(length);
  if (isIPv4(address)) return prefix < MIN_PREFIX.ipv4;
  if (prefix >= MAPPED_BITS && MAPPED.check(address, "ipv6")) {
    return prefix - MAPPED_BITS < MIN_PREFIX.ipv4;
  }
  return prefix < MIN_PREFIX.ipv6 && !isPrivate(address, prefix);
}

function isPrivate(address: string, prefix: number): boolean {
  return PRIVATE_IPV6.some(([start, bits]) => {
    const range = new BlockList();
    range.addSubnet(start, bits, "ipv6");
    return prefix >= bits && range.check(address, "ipv6");
  });
}
