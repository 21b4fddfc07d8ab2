/**
 * Ranges of IP addresses in CIDR notation (RFC 4632, RFC 4291), each in one form only, so that the
 * same range is always the same text.
 *
 * @module
 */

/** Addresses that begin with the same bits. */
export interface IpRange {
  /** The version of IP. */
  readonly family: 4 | 6;
  /** The first address: of IPv6 as RFC 5952 writes it. */
  readonly address: string;
  /** How many bits all of them share: 0 to 32, to 128 for IPv6; all for a single address. */
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/** IPv4 addresses in the clothes of IPv6, RFC 4291, 2.5.5.2: `::ffff:0:0/96`. */
const MAPPED = 0xffffn;

/**
 * Reads an address or a range of addresses.
 *
 * @param text `192.0.2.7`, `10.0.0.0/8`, `fd00::1`, `fd00::/8`; what follows the prefix may be any
 * address of the range. IPv4 written as IPv6 (`::ffff:192.0.2.7`) becomes IPv4, as it does on its
 * way through the kernel.
 * @returns The range; undefined when it is none. Zones (`fe80::1%eth0`) are not understood.
 */
export function parseIpRange(text: string): IpRange | undefined {
  const [, address = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const parsed = parseAddress(address);
  if (parsed === undefined) return undefined;
  const { family, value } = parsed;
  const prefix = length === undefined ? BITS[family] : Number(length);
  if (prefix > BITS[family]) return undefined;
  return family === 6 && prefix >= 96 && value >> 32n === MAPPED
    ? range(4, value & 0xffff_ffffn, prefix - 96)
    : range(family, value, prefix);
}

/**
 * Writes a range.
 *
 * @param range The range.
 * @returns Its CIDR; the address alone for a single one.
 */
export function ipRangeText({ family, address, prefix }: IpRange): string {
  return prefix === BITS[family] ? address : `${address}/${prefix}`;
}

/**
 * Takes out of some ranges those that lie within another one. What is left has no address twice:
 * two ranges of this kind never overlap in part.
 *
 * @param ranges The ranges.
 * @returns Those that are left, in their order.
 */
export function outermostIpRanges(ranges: readonly IpRange[]): IpRange[] {
  return ranges.filter((inner, index) =>
    !ranges.some((outer, other) =>
      other !== index && contains(outer, inner) && (!contains(inner, outer) || other < index)
    )
  );
}

function contains(outer: IpRange, inner: IpRange): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false;
  const first = parseAddress(inner.address)?.value ?? 0n;
  return range(outer.family, first, outer.prefix).address === outer.address;
}

function range(family: 4 | 6, value: bigint, prefix: number): IpRange {
  const rest = BigInt(BITS[family] - prefix);
  return { family, address: addressText(family, (value >> rest) << rest), prefix };
}

function parseAddress(text: string): { family: 4 | 6; value: bigint } | undefined {
  const parts = /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) ? text.split(".") : [];
  if (parts.length === 4) {
    // A leading zero means octal to some.
    const isValid = parts.every((part) => String(Number(part)) === part && Number(part) <= 255);
    return isValid ? { family: 4, value: join(parts.map(BigInt), 8n) } : undefined;
  }
  if (!/^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(text) || !URL.canParse(`http://[${text}]/`)) {
    return undefined;
  }
  const [head = "", tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split("::");
  const groups = (half: string | undefined) => half ? half.split(":") : [];
  const gap = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(gap).fill("0"), ...groups(tail)];
  return { family: 6, value: join(all.map((group) => BigInt(`0x${group}`)), 16n) };
}

function join(parts: readonly bigint[], bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | part, 0n);
}

function addressText(family: 4 | 6, value: bigint): string {
  const [bits, count] = family === 4 ? [8n, 4] : [16n, 8];
  const parts = Array.from(
    { length: count },
    (_, index) => (value >> (bits * BigInt(count - 1 - index))) & ((1n << bits) - 1n),
  );
  if (family === 4) return parts.join(".");
  const text = parts.map((part) => part.toString(16)).join(":");
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}
