import { type Logger, silentLogger, systemClock, type Uid } from "#src/core/mod.ts";
import { type SlotRange, UID_SLOTS } from "#src/allocator/mod.ts";
import { LayeredAllocator, MirrorConnection } from "#src/allocator/layered/mod.ts";
import type { PostgresServer } from "#tests/support/postgres_server.ts";
import type { StreamProxy } from "#tests/support/stream_proxy.ts";
import type { OpenOptions, SharedStore } from "../shared_allocator_suite.ts";
import { PostgresStore } from "./postgres_store.ts";

let prefixes = 0;

/** A database of its own for one test, with a proxy before it, and keys of its own in Redis. */
export class LayeredStore implements SharedStore {
  /** The database. */
  readonly postgres: PostgresStore;
  /** What the keys of this test begin with. */
  readonly keyPrefix = `test-${++prefixes}:`;
  readonly #redisUrl: string;
  readonly #opened = new AsyncDisposableStack();

  private constructor(postgres: PostgresStore, redisUrl: string) {
    this.postgres = this.#opened.use(postgres);
    this.#redisUrl = redisUrl;
  }

  /**
   * Makes one.
   *
   * @param server The server that gets the database.
   * @param redisUrl Where Redis is, or nothing is.
   * @returns The store, without tables yet.
   */
  static async start(server: PostgresServer, redisUrl: string): Promise<LayeredStore> {
    return new LayeredStore(await PostgresStore.start(server, "tcp"), redisUrl);
  }

  /** Between the allocators and the database. */
  get proxy(): StreamProxy {
    return this.postgres.proxy;
  }

  /** As {@linkcode SharedStore.open}; each allocator has a connection to Redis of its own. */
  async open(
    range: SlotRange,
    options: OpenOptions & { log?: Logger },
  ): Promise<LayeredAllocator<Uid>> {
    const { owner, isLive, log = silentLogger } = options;
    const mirror = this.#opened.use(
      new MirrorConnection({ url: this.#redisUrl, log, clock: systemClock }),
    );
    const slots = await LayeredAllocator.open(UID_SLOTS, range, {
      postgres: await this.postgres.connect(options),
      connectRedis: () => mirror.connect(),
      keyPrefix: this.keyPrefix,
      owner,
      isLive,
      log,
      clock: systemClock,
    });
    this.#opened.defer(() => slots.close());
    return slots;
  }

  /** Closes what was opened, and drops the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}
