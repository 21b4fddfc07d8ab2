import { type IpRange, parseIpRange } from "#src/core/mod.ts";
import { isHostname } from "./network.ts";

/** What workers are to be kept from, besides what they always are. */
export type DenyTarget =
  /** Addresses, all of their ports or one. */
  | {
    readonly kind: "range";
    /** The addresses. */
    readonly range: IpRange;
    /** 1 to 65535; undefined for everything that can be sent there. */
    readonly port: number | undefined;
  }
  /** A port of each address that a name has. */
  | {
    readonly kind: "name";
    /** The name, to be looked up. */
    readonly hostname: string;
    /** 1 to 65535. */
    readonly port: number;
  };

/** How such a target can look, for messages. */
export const DENY_FORM = "an address, a CIDR or host:port such as 10.0.0.0/8 or db.internal:5432";

/**
 * Reads an entry of `firewall.deny`.
 *
 * @param text A CIDR or an address for all ports; `address:port` or `host:port` for one, an IPv6
 * address in brackets there. A name without a port is refused: what else is at its addresses is for
 * whoever names the entry to know.
 * @returns What it names.
 * @throws {RangeError} When it is none of these.
 */
export function parseDeny(text: string): DenyTarget {
  const all = parseIpRange(text);
  if (all !== undefined) return { kind: "range", range: all, port: undefined };
  const [, bracketed, plain, digits] = /^(?:\[([^\]/]*)\]|([^:/[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain ?? "";
  const port = Number(digits);
  const range = parseIpRange(hostname);
  const isHost = bracketed === undefined
    ? range !== undefined || isHostname(hostname)
    : /:/.test(bracketed) && range !== undefined;
  if (isHost && port >= 1 && port <= 65535) {
    return range === undefined ? { kind: "name", hostname, port } : { kind: "range", range, port };
  }
  throw new RangeError(
    `cannot keep workers from ${JSON.stringify(text)}: want an address or a CIDR such as ` +
      "10.0.0.0/8 or fd00::1, or one port as host:port such as db.internal:5432, 192.0.2.7:443 " +
      "or [fd00::1]:443",
  );
}
