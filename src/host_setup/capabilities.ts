import type { Config } from "#src/config/mod.ts";
import { storeSockets } from "./host_paths.ts";

/** A capability of capabilities(7) that a server which runs as root cannot do without. */
export interface NeededCapability {
  /** Its name. */
  readonly name: `CAP_${string}`;
  /** What for, in a few words. */
  readonly why: string;
}

/** Found by taking away one after the other. */
const ALWAYS: readonly NeededCapability[] = [
  { name: "CAP_SETUID", why: "launchers go over to the user id of a worker" },
  { name: "CAP_SETGID", why: "and to its group" },
  { name: "CAP_KILL", why: "workers are stopped, and looked after, by signals" },
  { name: "CAP_DAC_READ_SEARCH", why: "an app's folder may be readable for its workers alone" },
];

/** The first port that needs no capability; the default of `net.ipv4.ip_unprivileged_port_start`. */
const FIRST_FREE_PORT = 1024;

/**
 * Lists the capabilities that a server needs as root.
 *
 * @param config What it serves.
 * @returns The capabilities, each with its reason.
 */
export function neededCapabilities(
  { server, process, firewall, apps, store }: Config,
): NeededCapability[] {
  const { port } = server.bind;
  const needed = [...ALWAYS];
  if (port > 0 && port < FIRST_FREE_PORT) {
    needed.push({ name: "CAP_NET_BIND_SERVICE", why: `server.bind names port ${port}` });
  }
  const hasSockets = process.network === "none" || apps.some(({ network }) => network === "none");
  if (hasSockets) {
    const why = "the socket of a worker with network: none is in its sandbox";
    needed.push({ name: "CAP_SYS_PTRACE", why });
  }
  const [socket] = storeSockets(store);
  const isForOthers = [
    ...(hasSockets ? ["that socket is for the worker's own user"] : []),
    ...(socket === undefined ? [] : [`${socket} may be for a group alone`]),
  ];
  if (isForOthers.length > 0) {
    needed.push({ name: "CAP_DAC_OVERRIDE", why: isForOthers.join(", and ") });
  }
  if (firewall.mode === "managed") {
    needed.push({ name: "CAP_NET_ADMIN", why: "firewall.mode is managed, and nft sets its rules" });
  }
  return needed;
}
