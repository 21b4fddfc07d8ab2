import { type Logger, silentLogger, systemClock, type Uid } from "#src/core/mod.ts";
import { type SlotAllocator, type SlotRange, UID_SLOTS } from "#src/allocator/mod.ts";
import {
  openPostgres,
  PostgresAllocator,
  type PostgresConnection,
} from "#src/allocator/postgres/mod.ts";
import type { PostgresServer } from "#tests/support/postgres_server.ts";
import { StreamProxy } from "#tests/support/stream_proxy.ts";
import type { OpenOptions, SharedStore } from "../shared_allocator_suite.ts";

/** How clients reach the server. */
export type Transport = "tcp" | "unix";

let databases = 0;

/** A database of its own for one test, with a proxy before its server. */
export class PostgresStore implements SharedStore {
  /** Between the allocators and the server. */
  readonly proxy: StreamProxy;
  /** The name of the database. */
  readonly database: string;
  readonly #server: PostgresServer;
  readonly #opened = new AsyncDisposableStack();

  private constructor(server: PostgresServer, database: string, proxy: StreamProxy) {
    this.#server = server;
    this.database = database;
    this.#opened.defer(async () => {
      await server.psql(`DROP DATABASE ${database} WITH (FORCE)`);
    });
    this.proxy = this.#opened.use(proxy);
  }

  /**
   * Makes one.
   *
   * @param server The server that has the database.
   * @param transport How allocators reach it.
   * @returns The store, without tables yet.
   */
  static async start(server: PostgresServer, transport: Transport): Promise<PostgresStore> {
    const database = `test_${++databases}`;
    await server.psql(`CREATE DATABASE ${database}`);
    if (transport === "tcp") {
      return new PostgresStore(server, database, StreamProxy.start({ port: server.port }));
    }
    const folder = `${server.socketFolder}/${database}`;
    await Deno.mkdir(folder);
    const name = `.s.PGSQL.${server.port}`;
    const target = { path: `${server.socketFolder}/${name}` };
    return new PostgresStore(
      server,
      database,
      StreamProxy.start(target, { path: `${folder}/${name}` }),
    );
  }

  /**
   * Names the way to the database.
   *
   * @param direct Whether it goes around the proxy.
   * @returns A URL.
   */
  url(direct: boolean): string {
    const { database } = this;
    const { address } = this.proxy;
    if ("path" in address) {
      const socketFolder = direct
        ? this.#server.socketFolder
        : address.path.replace(/\/[^/]+$/, "");
      return this.#server.url({ database, socketFolder });
    }
    return this.#server.url({ database, port: direct ? this.#server.port : address.port });
  }

  /**
   * Connects; the store closes it.
   *
   * @param options `direct` goes around the proxy; `deadlineMs` is what each call gets, in
   * milliseconds; `log` is told what happens.
   * @returns The connection.
   */
  async connect(
    { direct = true, deadlineMs = 30_000, log = silentLogger }: {
      direct?: boolean;
      deadlineMs?: number;
      log?: Logger;
    } = {},
  ): Promise<PostgresConnection> {
    const url = this.url(direct);
    const postgres = await openPostgres({ url, deadlineMs, log, clock: systemClock });
    this.#opened.use(postgres);
    return postgres;
  }

  /** As {@linkcode SharedStore.open}. */
  async open(
    range: SlotRange,
    options: OpenOptions & { log?: Logger },
  ): Promise<SlotAllocator<Uid>> {
    const slots = await PostgresAllocator.open(UID_SLOTS, range, {
      postgres: await this.connect(options),
      owner: options.owner,
      isLive: options.isLive,
      log: options.log ?? silentLogger,
      clock: systemClock,
    });
    this.#opened.defer(() => slots.close());
    return slots;
  }

  /**
   * Asks the database through its own client.
   *
   * @param sql Statements.
   * @returns The rows of the answers, a line each, columns joined with `|`.
   */
  psql(sql: string): Promise<string[]> {
    return this.#server.psql(sql, { database: this.database });
  }

  /** Closes what was opened, then the proxy, and drops the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}
