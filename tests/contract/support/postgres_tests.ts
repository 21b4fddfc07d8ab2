import { silentLogger, systemClock, type Uid } from "#src/core/mod.ts";
import { type ClaimOwner, type IsLive, UID_SLOTS } from "#src/allocator/mod.ts";
import { PostgresAllocator, type PostgresConnection } from "#src/allocator/postgres/mod.ts";
import { PostgresServer } from "#tests/support/postgres_server.ts";
import { PostgresStore } from "./postgres_store.ts";

/** The first uid of the ranges that tests use. */
export const BASE = 1_900_000_000;

/** The server that claims, when it does not matter which. */
export const OWNER: ClaimOwner = {
  hostId: "host-1",
  serverId: "server-1",
  pid: 4711,
  startedAt: "boot:17",
};

/** An allocator that is closed when it is disposed. */
export type DisposableAllocator = PostgresAllocator<Uid> & AsyncDisposable;

/**
 * Prepares the tests of one file: they share a server, and each has a database of its own.
 *
 * @returns Defines a test; its body is given the server and the test's database.
 */
export function postgresTests(): (
  behaviour: string,
  body: (store: PostgresStore, server: PostgresServer) => Promise<void>,
) => void {
  let server: PostgresServer;
  Deno.test.beforeAll(async () => {
    server = await PostgresServer.start();
  });
  Deno.test.afterAll(() => server[Symbol.asyncDispose]());
  return (name, body) =>
    Deno.test({
      name,
      sanitizeOps: true,
      sanitizeResources: true,
      async fn() {
        await using store = await PostgresStore.start(server, "tcp");
        await body(store, server);
      },
    });
}

/**
 * Opens an allocator of uids from {@linkcode BASE} on.
 *
 * @param postgres The database.
 * @param options `size` is how many uids there are; `serverId` which server claims; `isLive` whether
 * others live.
 * @returns The allocator.
 */
export async function openUids(
  postgres: PostgresConnection,
  { size = 5, serverId = OWNER.serverId, isLive = () => Promise.resolve(true) }: {
    size?: number;
    serverId?: string;
    isLive?: IsLive;
  } = {},
): Promise<DisposableAllocator> {
  const slots = await PostgresAllocator.open(UID_SLOTS, { start: BASE, end: BASE + size - 1 }, {
    postgres,
    owner: { ...OWNER, serverId },
    isLive,
    log: silentLogger,
    clock: systemClock,
  });
  return Object.assign(slots, { [Symbol.asyncDispose]: () => slots.close() });
}

/**
 * Claims slots one after the other.
 *
 * @param slots Where from.
 * @param count How many.
 * @returns The slots in the order of the claims.
 */
export async function claimMany(slots: PostgresAllocator<Uid>, count: number): Promise<Uid[]> {
  const claimed: Uid[] = [];
  while (claimed.length < count) claimed.push(await slots.claim());
  return claimed;
}
