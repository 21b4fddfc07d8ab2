/**
 * IP addresses as proxies write them, and sets of them in CIDR notation.
 *
 * @module
 */
import { BlockList, isIP, isIPv4 } from "node:net";

/**
 * Reads an address as it appears in a socket or in `X-Forwarded-For`.
 *
 * @param text An IPv4 or IPv6 address, possibly with a port, in brackets or with a zone.
 * @returns The bare address; an IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`, RFC 4291,
 * 2.5.5.2) is undressed. Nothing when the text is no address.
 */
export function parseAddress(text: string): string | undefined {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text);
  let address = bracketed?.[1] ?? text;
  if (!bracketed && /^[\d.]+:\d+$/.test(address)) address = address.slice(0, address.indexOf(":"));
  const zone = address.indexOf("%");
  if (zone !== -1) address = address.slice(0, zone);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) address = mapped;
  return isIP(address) === 0 ? undefined : address;
}

/** A set of addresses, told by networks. */
export class AddressSet {
  readonly #networks = new BlockList();
  readonly #isEmpty: boolean;

  /**
   * Makes a set that does not change.
   *
   * @param networks Networks in CIDR notation, IPv4 or IPv6; a bare address stands for itself.
   * @throws {RangeError} When one of them is neither.
   */
  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0;
    for (const network of networks) this.#add(network);
  }

  /**
   * Looks an address up.
   *
   * @param address As {@linkcode parseAddress} gives it.
   * @returns Whether it lies in one of the networks, be it written as IPv4 or as mapped IPv6.
   */
  has(address: string): boolean {
    return !this.#isEmpty && this.#networks.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  }

  #add(network: string): void {
    const [, address = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
    const family = isIP(address);
    const bits = family === 4 ? 32 : 128;
    const prefix = length === undefined ? bits : Number(length);
    if (family === 0 || address.includes("%") || prefix > bits) {
      throw new RangeError(
        `cannot use ${JSON.stringify(network)} as a network: ` +
          `want an address or CIDR such as 10.0.0.0/8 or fd00::/8`,
      );
    }
    this.#networks.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  }
}
