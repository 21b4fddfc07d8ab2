import { type Logger, silentLogger, systemClock, type Uid } from "#src/core/mod.ts";
import { type SlotAllocator, type SlotRange, UID_SLOTS } from "#src/allocator/mod.ts";
import { openRedis, RedisAllocator, type RedisConnection } from "#src/allocator/redis/mod.ts";
import { RedisServer, type RedisServerOptions } from "#tests/support/redis_server.ts";
import { StreamProxy } from "#tests/support/stream_proxy.ts";
import type { OpenOptions, SharedStore } from "../shared_allocator_suite.ts";

/** How clients reach the server. */
export type Transport = "tcp" | "unix";

/** A Redis server of its own for one test, with a proxy before it. */
export class RedisStore implements SharedStore {
  /** Between the allocators and the server. */
  readonly proxy: StreamProxy;
  /** The server. */
  readonly server: RedisServer;
  readonly #opened = new AsyncDisposableStack();

  private constructor(server: RedisServer, proxy: StreamProxy) {
    this.server = this.#opened.use(server);
    this.proxy = this.#opened.use(proxy);
  }

  /**
   * Starts one.
   *
   * @param transport How allocators reach it.
   * @param options The settings of the server.
   * @returns The store.
   */
  static async start(transport: Transport, options?: RedisServerOptions): Promise<RedisStore> {
    const server = await RedisServer.start(options);
    const proxy = transport === "tcp"
      ? StreamProxy.start({ port: server.port })
      : StreamProxy.start({ path: server.socketPath }, { path: `${server.socketPath}.proxy` });
    return new RedisStore(server, proxy);
  }

  /**
   * Names the way to the server.
   *
   * @param direct Whether it goes around the proxy.
   * @returns A URL.
   */
  url(direct: boolean): string {
    const address = this.proxy.address;
    if ("path" in address) {
      return `redis+unix://${direct ? this.server.socketPath : address.path}`;
    }
    return `redis://127.0.0.1:${direct ? this.server.port : address.port}`;
  }

  /**
   * Connects; the store closes it.
   *
   * @param options `direct` goes around the proxy; `deadlineMs` is what each call gets, in
   * milliseconds; `log` is told what happens.
   * @returns The connection.
   */
  async connect(
    { direct = false, deadlineMs = 30_000, log = silentLogger }: {
      direct?: boolean;
      deadlineMs?: number;
      log?: Logger;
    } = {},
  ): Promise<RedisConnection> {
    const url = this.url(direct);
    const redis = await openRedis({ url, deadlineMs, log, clock: systemClock });
    this.#opened.defer(() => redis.close());
    return redis;
  }

  /** As {@linkcode SharedStore.open}. */
  async open(
    range: SlotRange,
    options: OpenOptions & { log?: Logger },
  ): Promise<SlotAllocator<Uid>> {
    const slots = await RedisAllocator.open(UID_SLOTS, range, {
      redis: await this.connect(options),
      owner: options.owner,
      isLive: options.isLive,
      keyPrefix: "test:",
      log: options.log ?? silentLogger,
      clock: systemClock,
    });
    this.#opened.defer(() => slots.close());
    return slots;
  }

  /** Closes what was opened, then the proxy and the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}
