/**
 * Reads an address of `/proc/net/tcp` or `/proc/net/tcp6`: one or four words of 32 bits, each in
 * the byte order of the machine. That is little-endian wherever this program runs.
 *
 * @param hex 8 digits for IPv4, 32 for IPv6.
 * @returns The address as RFC 5952 wants it written.
 * @throws {SyntaxError} When it is anything else.
 */
export function parseHexAddress(hex: string): string {
  if (!/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/i.test(hex)) {
    throw new SyntaxError(`cannot parse address ${JSON.stringify(hex)}: want 8 or 32 hex digits`);
  }
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let digit = 6; digit >= 0; digit -= 2) {
      bytes.push(parseInt(hex.slice(word + digit, word + digit + 2), 16));
    }
  }
  return bytes.length === 4 ? bytes.join(".") : formatIpv6(bytes);
}

/** ::ffff:0:0/96, IPv4 in an IPv6 socket (RFC 4291, 2.5.5.2). */
function isMapped(bytes: readonly number[]): boolean {
  return bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
}

function formatIpv6(bytes: readonly number[]): string {
  if (isMapped(bytes)) return `::ffff:${bytes.slice(12).join(".")}`;
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0));
  const { start, length } = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, index) => {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: index - length + 1, length };
  });
  return longest;
}
