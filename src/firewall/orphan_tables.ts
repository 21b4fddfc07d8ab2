import type { Nft } from "./nft.ts";
import { isServerTable, readOwner, type TableOwner } from "./server_table.ts";
import type { Senders } from "./senders.ts";

/** A table of a server, and whose it is. */
export interface ServerTable {
  /** Its name. */
  readonly table: string;
  /** Whose it is; undefined when it does not say. */
  readonly owner: TableOwner | undefined;
}

/**
 * Removes tables of servers that were killed, and with them their workers.
 *
 * @param nft The tables of the host.
 * @param options `isLive` tells whether a server may still run; `senders` are those whose tables
 * are looked at, all if not given.
 * @returns Which tables were removed, and which belong to servers that may still run.
 * @throws {Error} When it cannot be told or done.
 */
export async function removeOrphanTables(
  nft: Nft,
  { isLive, senders }: {
    isLive: (owner: TableOwner) => Promise<boolean>;
    senders?: Senders & { kind: "uids" };
  },
): Promise<{ removed: string[]; kept: ServerTable[] }> {
  const removed: string[] = [];
  const kept: ServerTable[] = [];
  for (const table of await nft.tables()) {
    if (!isServerTable(table, senders)) continue;
    const listing = await nft.list(table);
    // Another server has just removed it.
    if (listing === undefined) continue;
    const owner = readOwner(listing);
    if (owner === undefined || await isLive(owner)) {
      kept.push({ table, owner });
    } else {
      await nft.remove(table);
      removed.push(table);
    }
  }
  return { removed, kept };
}
