import type { ServerConfig } from "#src/config/mod.ts";
import { parseIpRange } from "#src/core/mod.ts";
import { BlockList, isIP, isIPv4 } from "node:net";
import { advice, type Finding, info, setting, warning } from "./finding.ts";
import { lookAt } from "./not_found_out.ts";
import { locateService } from "./services.ts";

/** Addresses that no other host reaches (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3). */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Says who can talk to the server without TLS.
 *
 * @param server The server's configuration.
 * @returns Nothing for a server that only its own host reaches. Never rejects.
 */
export async function judgeBind({ bind, trustedProxies }: ServerConfig): Promise<Finding[]> {
  const look = await lookAt("who can reach the server", () => addressesOf(bind));
  if ("unknown" in look) return [look.unknown];
  if (look.seen.every(isLoopback)) return [];
  const { hostname, port } = bind;
  const place = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  if (trustedProxies.length === 0) {
    return [
      warning(
        `server.bind ${place} takes plain HTTP from the network, and server.trusted_proxies names ` +
          "no proxy that would speak TLS",
        setting(`server.bind: 127.0.0.1:${port}`),
      ),
    ];
  }
  // Such proxies are no reason to take anything from the network.
  if (trustedProxies.every(isOnThisHost)) {
    const isIpv6 = trustedProxies.every((network) => network.includes(":"));
    return [
      warning(
        `server.bind ${place} takes plain HTTP from the network, and all of server.trusted_proxies ` +
          "are on this host",
        // YAML takes a bracket for the beginning of a list.
        setting(`server.bind: ${isIpv6 ? `"[::1]:${port}"` : `127.0.0.1:${port}`}`),
      ),
    ];
  }
  return [
    info(
      `server.bind ${place} takes plain HTTP from the network; TLS is the business of the proxies in ` +
        "server.trusted_proxies",
      advice("See to it that only those proxies can reach the port, by a firewall for instance"),
    ),
  ];
}

async function addressesOf({ hostname, port }: ServerConfig["bind"]): Promise<string[]> {
  // That name is loopback by definition (RFC 6761, 6.3), whatever a name server says.
  if (hostname.toLowerCase() === "localhost") return ["127.0.0.1"];
  if (isIP(hostname) !== 0) return [hostname];
  const target = { kind: "tcp", hostname, port } as const;
  const { targets } = await locateService({ kind: "server", target });
  return targets.flatMap((target) => target.kind === "tcp" ? [target.hostname] : []);
}

function isOnThisHost(network: string): boolean {
  const range = parseIpRange(network);
  if (range === undefined) return false;
  return isLoopback(range.address) && range.prefix >= (range.family === 4 ? 8 : 128);
}

function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}
