/** A socket as a table of the kernel lists it. */
export interface SocketLine {
  /** The local address in the kernel's hex digits. */
  readonly address: string;
  /** The local port. */
  readonly port: number;
  /** The user that made it. */
  readonly uid: number;
  /** The state, `0A` for listening if not given. */
  readonly state?: string;
}

/**
 * Writes a table as Linux 6.18 writes `/proc/net/tcp` and `/proc/net/tcp6`.
 *
 * @param sockets What is in it.
 * @returns The text.
 */
export function socketTable(sockets: readonly SocketLine[]): string {
  const titles = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   " +
    "uid  timeout inode\n";
  return titles + sockets.map(({ address, port, uid, state = "0A" }, index) => {
    const remote = `${"0".repeat(address.length)}:0000`;
    const local = `${address}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    return `${String(index).padStart(4)}: ${local} ${remote} ${state} 00000000:00000000 ` +
      `00:00000000 00000000 ${String(uid).padStart(5)}        0 ${4000 + index} 1 ` +
      "0000000057b6fb53 100 0 0 10 0\n";
  }).join("");
}
