/**
 * Tables that servers set. Each server has one of its own, also where several share their uids: what
 * is to be refused follows from each one's configuration, and a packet passes only if it passes all
 * tables. So no server has to know of the others, to agree with them or to be the last one.
 *
 * @module
 */
import { handTable, type Senders } from "./senders.ts";

/** The server that a table belongs to. */
export interface TableOwner {
  /** Its process id. */
  readonly pid: number;
  /** When that process was started: `BOOT:NAMESPACE:TICKS`. */
  readonly startedAt: string;
}

const NAME = /^blockyard_uids_(\d+)_(\d+)_[0-9a-f]{8}$/;
const OWNER = /comment "blockyard serve, process (\d+) of ([\w:-]+)"/;

/**
 * Names the table of a server.
 *
 * @param senders Whose packets its rules are for.
 * @param serverId The server: a UUID, new with each start.
 * @returns The name.
 */
export function serverTable(senders: Senders & { kind: "uids" }, serverId: string): string {
  return `${handTable(senders)}_${serverId.slice(0, 8)}`;
}

/**
 * Tells whether a name is one that {@linkcode serverTable} gives.
 *
 * @param table The name.
 * @param senders Whose packets its rules are for; anybody's if not given.
 * @returns Whether it is.
 */
export function isServerTable(table: string, senders?: Senders & { kind: "uids" }): boolean {
  const [name, start, end] = NAME.exec(table) ?? [];
  if (name === undefined) return false;
  return senders === undefined ||
    (Number(start) === senders.start && Number(end) === senders.end);
}

/**
 * Writes whose a table is, for the comment of its first rule. Comments hold 128 bytes.
 *
 * @param owner The server.
 * @returns The comment.
 */
export function ownerComment({ pid, startedAt }: TableOwner): string {
  return `blockyard serve, process ${pid} of ${startedAt}`;
}

/**
 * Reads whose a table is.
 *
 * @param listing The table, as nft lists it.
 * @returns The server; undefined when it says nothing of one.
 */
export function readOwner(listing: string): TableOwner | undefined {
  const [, pid, startedAt] = OWNER.exec(listing) ?? [];
  return startedAt === undefined ? undefined : { pid: Number(pid), startedAt };
}
