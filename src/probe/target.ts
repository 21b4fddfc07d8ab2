/** A place that something may listen at. */
export type ProbeTarget =
  | {
    readonly kind: "tcp";
    /** A host name or an address; IPv6 without brackets, with its zone if it has one. */
    readonly hostname: string;
    /** 1 to 65535. */
    readonly port: number;
  }
  | {
    readonly kind: "unix";
    /** Absolute path of the socket; for an abstract one its name behind a NUL, unix(7). */
    readonly path: string;
  };

/**
 * Writes a target as the probe's command line takes it and its output names it.
 *
 * @param target The target.
 * @returns `host:port` with an IPv6 address in brackets, or the path of the socket; that of an abstract
 * one begins with `@` in place of the NUL.
 */
export function targetText(target: ProbeTarget): string {
  if (target.kind === "unix") return target.path.replace(/^\0/, "@");
  const { hostname, port } = target;
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Addresses of the link alone have a zone: `fe80::1%eth0` (RFC 4007, 11.2). */
const TCP = /^(?:\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[^\[\]\s]+)?)\]|([^:[\]\s]+)):(\d{1,5})$/;

/**
 * Reads the text of a TCP target.
 *
 * @param text `host:port` with an IPv6 address in brackets, in which it may have a zone.
 * @returns The target; undefined when it is none.
 */
export function parseTcpTarget(text: string): ProbeTarget | undefined {
  const match = TCP.exec(text);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (hostname === undefined || port < 1 || port > 65535) return undefined;
  return { kind: "tcp", hostname, port };
}
