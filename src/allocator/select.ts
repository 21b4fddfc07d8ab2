import type { Clock, Logger, Port, Uid } from "#src/core/mod.ts";
import type { SlotAllocator } from "./allocator.ts";
import { MemoryAllocator } from "./memory.ts";
import type { ClaimOwner, IsLive } from "./owner.ts";
import { PORT_SLOTS, type SlotKind, type SlotRange, UID_SLOTS } from "./range.ts";

/** Where claims are kept. */
export type SlotStore =
  /** In this process: for a server that is alone on its host. */
  | { readonly kind: "memory" }
  /** In Redis. */
  | { readonly kind: "redis"; readonly redis: RedisStore }
  /** In PostgreSQL. */
  | { readonly kind: "postgres"; readonly database: DatabaseStore }
  /** In PostgreSQL, with a mirror in Redis. */
  | { readonly kind: "layered"; readonly redis: RedisStore; readonly database: DatabaseStore };

/** A Redis server. */
export interface RedisStore {
  /** Its URL, `redis://`, `rediss://` or `redis+unix://`. */
  readonly url: string;
  /** What the names of all keys begin with, without braces. */
  readonly keyPrefix: string;
}

/** A PostgreSQL database. */
export interface DatabaseStore {
  /** Its URL, `postgresql://`. */
  readonly url: string;
}

/** What {@linkcode openSlots} needs. */
export interface OpenSlotsOptions {
  /** Where ports come from. */
  readonly ports: SlotRange;
  /** Where uids come from; absent when no worker gets one of its own. */
  readonly uids?: SlotRange;
  /** Says who claims and who of the others is gone. Only asked when the store is shared. */
  readonly identify: () => Promise<{ owner: ClaimOwner; isLive: IsLive }>;
  /** Is told what happens to the stores. */
  readonly log: Logger;
  /** Tells the time. */
  readonly clock: Clock;
}

/** The slots of this server. */
export interface HostSlots extends AsyncDisposable {
  /** Which kind of store they are in. */
  readonly kind: SlotStore["kind"];
  /** Its ports. */
  readonly ports: SlotAllocator<Port>;
  /** Its uids, if it has any. */
  readonly uids: SlotAllocator<Uid> | undefined;
  /** Ends their use, then the connections; a second call joins the first. */
  close(): Promise<void>;
}

type OpenKind = <Slot extends number>(
  kind: SlotKind<Slot>,
  range: SlotRange,
) => Promise<SlotAllocator<Slot>>;

/**
 * Opens the slots of this server where they are kept. Of a store that is not used nothing is
 * loaded.
 *
 * @param store Where they are kept.
 * @param options The ranges, and for whom.
 * @returns The slots; close them when nothing uses them any more.
 * @throws {StoreUnavailableError} When the store does not answer, or takes no changes.
 * @throws {Error} When the store does not let this server do what it has to.
 */
export async function openSlots(store: SlotStore, options: OpenSlotsOptions): Promise<HostSlots> {
  await using opened = new AsyncDisposableStack();
  const openKind = await openStore(store, options, opened);
  const open: OpenKind = async (kind, range) => {
    const slots = await openKind(kind, range);
    opened.defer(() => slots.close());
    return slots;
  };
  const ports = await open(PORT_SLOTS, options.ports);
  const uids = options.uids && await open(UID_SLOTS, options.uids);
  const closing = opened.move();
  let closed: Promise<void> | undefined;
  const close = () => closed ??= closing.disposeAsync();
  return { kind: store.kind, ports, uids, close, [Symbol.asyncDispose]: close };
}

async function openStore(
  store: SlotStore,
  { identify, log, clock }: OpenSlotsOptions,
  opened: AsyncDisposableStack,
): Promise<OpenKind> {
  if (store.kind === "memory") {
    return (kind, range) => Promise.resolve(new MemoryAllocator(kind, range));
  }
  const shared = { ...await identify(), log, clock };
  switch (store.kind) {
    case "redis": {
      const { openRedis, RedisAllocator } = await import("./redis/mod.ts");
      const { url, keyPrefix } = store.redis;
      const redis = await openRedis({ url, log, clock });
      opened.defer(() => redis.close());
      return (kind, range) => RedisAllocator.open(kind, range, { ...shared, redis, keyPrefix });
    }
    case "postgres": {
      const { openPostgres, PostgresAllocator } = await import("./postgres/mod.ts");
      const postgres = opened.use(await openPostgres({ ...store.database, log, clock }));
      return (kind, range) => PostgresAllocator.open(kind, range, { ...shared, postgres });
    }
    case "layered": {
      const { openPostgres } = await import("./postgres/mod.ts");
      const { LayeredAllocator, MirrorConnection } = await import("./layered/mod.ts");
      const postgres = opened.use(await openPostgres({ ...store.database, log, clock }));
      const { url, keyPrefix } = store.redis;
      const mirror = opened.use(new MirrorConnection({ url, log, clock }));
      const connectRedis = () => mirror.connect();
      return (kind, range) =>
        LayeredAllocator.open(kind, range, { ...shared, postgres, connectRedis, keyPrefix });
    }
  }
}
