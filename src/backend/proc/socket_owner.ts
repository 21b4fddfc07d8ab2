import { type Pid, type Port, toUid, type Uid } from "#src/core/mod.ts";
import { parseHexAddress } from "./hex_address.ts";
import { isGone, listIfThere, mapInBatches, procRoot } from "./read.ts";
import type { ProcOptions } from "./read.ts";
import type { SocketTables } from "./socket_tables.ts";

/** A TCP socket that waits for connections. */
export interface Listener {
  /** The address it is bound to: `127.0.0.1`, `0.0.0.0`, `::1`, `::`, `::ffff:127.0.0.1`. */
  readonly address: string;
  /** The user that made the socket. */
  readonly uid: Uid;
  /** Names the socket, also in {@linkcode socketInodes}. */
  readonly inode: number;
}

/** TCP_LISTEN of the kernel's include/net/tcp_states.h, as the table writes it. */
const LISTEN = "0A";

/**
 * Finds the sockets that listen on a port. There can be several: one per address, or many with
 * SO_REUSEPORT.
 *
 * @param port The port.
 * @param tables The kernel's lists of sockets.
 * @returns The listeners, IPv4 before IPv6.
 * @throws {SyntaxError} When a table has another form than it should.
 */
export function findListeners(port: Port, { v4, v6 }: SocketTables): Listener[] {
  return [...parseListeners(v4, port), ...parseListeners(v6, port)];
}

/**
 * Parses `/proc/net/tcp` or `/proc/net/tcp6` (proc_pid_net(5), the kernel's
 * Documentation/networking/proc_net_tcp.rst).
 *
 * @param text The content of the file, its line of titles first.
 * @param port The port that is looked for.
 * @returns Its listening sockets on that port.
 * @throws {SyntaxError} When the line of such a socket has another form than it should.
 */
export function parseListeners(text: string, port: Port): Listener[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const listeners: Listener[] = [];
  for (const line of text.split("\n").slice(1)) {
    if (!line.includes(wanted)) continue;
    const [, local = "", , state, , , , uid = "", , inode = ""] = line.trim().split(/\s+/);
    if (state !== LISTEN || !local.endsWith(wanted)) continue;
    if (!/^\d+$/.test(uid) || !/^\d+$/.test(inode)) {
      throw new SyntaxError(`cannot parse ${JSON.stringify(line)}: want a line of /proc/net/tcp`);
    }
    const address = parseHexAddress(local.slice(0, -wanted.length));
    listeners.push({ address, uid: toUid(Number(uid)), inode: Number(inode) });
  }
  return listeners;
}

/**
 * Chooses those listeners that a connection to an IPv4 address can end at: bound to that address or
 * to all addresses, in IPv4 or through IPv6. Whether a socket on `::` takes IPv4 (it does unless
 * IPV6_V6ONLY is set) the kernel's table does not say, so that it counts.
 *
 * @param listeners Listeners on one port.
 * @param hostname The IPv4 address, such as `127.0.0.1`.
 * @returns Those that may answer.
 */
export function answeringAt(listeners: readonly Listener[], hostname: string): Listener[] {
  const addresses = [hostname, "0.0.0.0", `::ffff:${hostname}`, "::ffff:0.0.0.0", "::"];
  return listeners.filter(({ address }) => addresses.includes(address));
}

/**
 * Lists the sockets that a process has open, to tell whose a listener is where workers share a uid.
 *
 * @param pid The process.
 * @param options `proc` is the root of the procfs.
 * @returns The inodes of its sockets; empty when the process is gone.
 * @throws {Error} When the process is another user's and this one may not look.
 */
export async function socketInodes(pid: Pid, options: ProcOptions = {}): Promise<Set<number>> {
  const folder = `${procRoot(options)}/${pid}/fd`;
  const targets = await mapInBatches(
    await listIfThere(folder) ?? [],
    (fd) => readLinkIfThere(`${folder}/${fd}`),
  );
  const inodes = new Set<number>();
  for (const target of targets) {
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) inodes.add(Number(inode));
  }
  return inodes;
}

async function readLinkIfThere(path: string): Promise<string> {
  try {
    return await Deno.readLink(path);
  } catch (error) {
    if (isGone(error)) return "";
    throw new Error(`cannot look where ${path} leads`, { cause: error });
  }
}
