/** Where something answers: at a TCP port or at a unix socket. */
export type Address =
  /** A name or an IP address, and a port. */
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  /** The absolute path of a unix socket. */
  | { readonly kind: "unix"; readonly path: string };

/**
 * Writes an address for people and programs to read.
 *
 * @param address The address.
 * @returns `127.0.0.1:10000`, or `unix:/the/path`.
 */
export function addressText(address: Address): string {
  return address.kind === "tcp" ? `${address.hostname}:${address.port}` : `unix:${address.path}`;
}
