/** Where a server listens. */
export interface BindAddress {
  /** A host name or an address; IPv6 without brackets. */
  readonly hostname: string;
  /** 1 to 65535, or 0 for a port that the kernel picks. */
  readonly port: number;
}

/**
 * Parses an address to listen on.
 *
 * @param text `host:port` with an IPv6 address in brackets: `127.0.0.1:8080`, `[::1]:8080`.
 * @returns Its two parts.
 * @throws {RangeError} When one of them is missing or is not what it should be.
 */
export function parseBind(text: string): BindAddress {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const hostname = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  const isHost = match?.[1] === undefined ? isHostname(hostname) : isIpv6(hostname);
  if (!match || !isHost || port > 65535) {
    throw new RangeError(
      `cannot listen on ${JSON.stringify(text)}: want host:port with a port from 0 to 65535, ` +
        "such as 127.0.0.1:8080 or [::1]:8080",
    );
  }
  return { hostname, port };
}

/**
 * Checks a range of addresses.
 *
 * @param text An address and the length of its prefix: `10.0.0.0/8`, `fd00::/8`.
 * @returns The same text.
 * @throws {RangeError} When it is none.
 */
export function checkCidr(text: string): string {
  const [, address = "", prefix = ""] = /^([0-9A-Fa-f:.]+)\/(\d{1,3})$/.exec(text) ?? [];
  const maxPrefix = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1;
  if (prefix === "" || Number(prefix) > maxPrefix) {
    throw new RangeError(
      `cannot use ${JSON.stringify(text)} as a range of addresses: want a CIDR such as ` +
        "10.0.0.0/8, fd00::/8 or, for one address, 192.0.2.7/32",
    );
  }
  return text;
}

/**
 * Tells whether a text can be the name of a host, or an IPv4 address.
 *
 * @param text The text.
 * @returns Whether it can.
 */
export function isHostname(text: string): boolean {
  // What looks like an IPv4 address has to be one: resolvers read 127.1 and 0177.0.0.1 in their own way.
  if (/^[\d.]*$/.test(text)) return isIpv4(text);
  return text.length <= 253 &&
    text.split(".").every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 &&
    parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  return /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(text) && URL.canParse(`http://[${text}]/`);
}
