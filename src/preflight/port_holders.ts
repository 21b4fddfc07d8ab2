import {
  answeringAt,
  findListeners,
  readSocketTables,
  type SocketTables,
} from "#src/backend/mod.ts";
import { type Port, toPort, type Uid } from "#src/core/mod.ts";
import { isIn, type NumberRange } from "./number_ranges.ts";

/** Who listens on a port where a worker would. */
export interface PortHolder {
  /** The port. */
  readonly port: Port;
  /** The user that made the socket. */
  readonly uid: Uid;
}

/** Where workers listen. */
const WORKER_ADDRESS = "127.0.0.1";
/** TCP_LISTEN of the kernel's include/net/tcp_states.h, as the table writes it. */
const LISTEN = "0A";

/**
 * Finds who listens where a worker with a port of a range would: on that port of loopback, or of all
 * addresses.
 *
 * @param range The ports.
 * @param options `proc` is the root of the procfs.
 * @returns Each user of each port once, by port.
 * @throws {SyntaxError} When a table of the kernel has another form than it should.
 * @throws {Error} When it cannot be read.
 */
export async function findPortHolders(
  range: NumberRange,
  { proc }: { proc: string },
): Promise<PortHolder[]> {
  const { ports, tables } = listenersOnly(await readSocketTables({ proc }));
  const holders = new Map<string, PortHolder>();
  for (const port of ports) {
    if (!isIn(port, range)) continue;
    for (const { uid } of answeringAt(findListeners(port, tables), WORKER_ADDRESS)) {
      holders.set(`${port} ${uid}`, { port, uid });
    }
  }
  return [...holders.values()];
}

/**
 * Leaves out of the kernel's lists what does not listen: asking about each port of a range, or in
 * lists with all connections of a busy host, would take seconds.
 *
 * @param tables The lists.
 * @returns The ports with listeners, ascending, and the lists with these alone.
 * @throws {SyntaxError} When a list has another form than it should.
 */
export function listenersOnly(
  { v4, v6 }: SocketTables,
): { ports: readonly Port[]; tables: SocketTables } {
  const ports = new Set<Port>();
  const filter = (table: string) => {
    const [titles = "", ...lines] = table.trimEnd().split("\n");
    if (!/^\s*sl\s+local_address\s/.test(titles)) throw malformed(titles);
    const listening = lines.filter((line) => {
      const [, port, state] = SOCKET_LINE.exec(line) ?? [];
      if (port === undefined) throw malformed(line);
      if (state === LISTEN) ports.add(toPort(parseInt(port, 16)));
      return state === LISTEN;
    });
    return [titles, ...listening].join("\n");
  };
  const tables = { v4: filter(v4), v6: v6 === "" ? "" : filter(v6) };
  return { ports: [...ports].sort((a, b) => a - b), tables };
}

/** Number, local address, remote address, state; more follows. */
const SOCKET_LINE = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /;

function malformed(line: string): SyntaxError {
  return new SyntaxError(
    `cannot parse ${JSON.stringify(line.slice(0, 200))}: want a line of /proc/net/tcp`,
  );
}
