import type { Pool } from "pg";
import { type Clock, errorMessage, type Logger } from "#src/core/mod.ts";
import { type Deadline, Deadlines } from "../redis/deadlines.ts";
import { tooSlow } from "./failure.ts";
import { Lease, type PostgresSession, type Statement } from "./lease.ts";
import { prepareSession } from "./session.ts";
import { Sockets } from "./sockets.ts";
import { postgresAddress } from "./url.ts";

/** Connections of one server process. Each costs a process on the database's host. */
const MAX_CONNECTIONS = 4;

/** Shorter than the silence after which firewalls commonly forget a connection, in milliseconds. */
const IDLE_MS = 60_000;

/** A PostgreSQL server, over a few connections that come back by themselves. */
export interface PostgresConnection extends AsyncDisposable {
  /** The server as `HOST:PORT` or the path of its socket, for messages. */
  readonly address: string;
  /** How long a call may take, in milliseconds. */
  readonly deadlineMs: number;
  /**
   * Runs one statement, which is a transaction of its own.
   *
   * @param statement What to run.
   * @param values The values of `$1` and so on.
   * @param options `action` says in messages what it is for: `claim a port`.
   * @returns Its rows.
   * @throws {StoreUnavailableError} When the server is away or silent for longer than the deadline;
   * whether the statement took effect is unknown then.
   * @throws {Error} When the server refuses it.
   */
  run<Row>(
    statement: Statement,
    values: readonly unknown[],
    options: { action: string },
  ): Promise<Row[]>;
  /**
   * Runs several statements as one transaction, which is undone when one fails.
   *
   * @param body Runs them.
   * @param options `action` as above; `deadlineMs` is for all together, in milliseconds.
   * @returns What `body` returned.
   * @throws {StoreUnavailableError} As above.
   * @throws {Error} When the server refuses a statement, or `body` throws.
   */
  transaction<T>(
    body: (session: PostgresSession) => Promise<T>,
    options: { action: string; deadlineMs: number },
  ): Promise<T>;
  /** Closes all connections, within two deadlines; a second call joins the first. */
  close(): Promise<void>;
}

/** What {@linkcode openPostgres} needs. */
export interface PostgresOptions {
  /** `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, or with `?host=/FOLDER` for a socket. */
  readonly url: string;
  /** How long every call may take, in milliseconds, 1 or more; 2000 when absent. */
  readonly deadlineMs?: number;
  /** Is told of connections that were lost. */
  readonly log: Logger;
  /** Tells when a deadline is over. */
  readonly clock: Clock;
}

/**
 * Connects to PostgreSQL and sees that it can be written to. The driver is loaded only here.
 *
 * @param options Where the server is; what is absent in the URL comes from the variables of libpq
 * (PGHOST, PGPASSFILE…).
 * @returns The connection; close it.
 * @throws {UsageError} When the URL is none.
 * @throws {StoreUnavailableError} When the server is away, silent or read-only.
 * @throws {Error} When it does not accept the user, the password or the database.
 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresConnection> {
  const { default: pg } = await import("pg");
  const { url, deadlineMs = 2000, log, clock } = options;
  const address = postgresAddress(url, (text) => new pg.Client({ connectionString: text }));
  const sockets = new Sockets();
  const pool = new pg.Pool({
    connectionString: url,
    application_name: "blockyard",
    max: MAX_CONNECTIONS,
    // The pool's own limit only clears away what calls have given up.
    connectionTimeoutMillis: deadlineMs + 100,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    stream: () => sockets.create(),
    onConnect: (client) => prepareSession(client, { deadlineMs }),
  });
  // Without a listener, an idle connection that ends would end the program.
  pool.on("error", (error) => {
    log.debug("a connection was lost", { store: "postgres", address, error: errorMessage(error) });
  });
  const connection = new PooledConnection({ pool, sockets, address, deadlineMs, clock });
  try {
    await connection.run({ text: "SELECT" }, [], { action: "open the database" });
    return connection;
  } catch (error) {
    // A server that waits for a password would not say goodbye.
    await connection.close({ graceMs: 0 });
    throw error;
  }
}

class PooledConnection implements PostgresConnection {
  readonly address: string;
  readonly deadlineMs: number;
  readonly #pool: Pool;
  readonly #sockets: Sockets;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  #closing: Promise<void> | undefined;

  constructor({ pool, sockets, address, deadlineMs, clock }: {
    pool: Pool;
    sockets: Sockets;
    address: string;
    deadlineMs: number;
    clock: Clock;
  }) {
    this.#pool = pool;
    this.#sockets = sockets;
    this.address = address;
    this.deadlineMs = deadlineMs;
    this.#clock = clock;
    this.#deadlines = new Deadlines(deadlineMs, clock);
  }

  run<Row>(
    statement: Statement,
    values: readonly unknown[],
    { action }: { action: string },
  ): Promise<Row[]> {
    return this.#call(this.#deadlines, {
      action,
      deadlineMs: this.deadlineMs,
      body: (session) => session.query(statement, values),
    });
  }

  async transaction<T>(
    body: (session: PostgresSession) => Promise<T>,
    { action, deadlineMs }: { action: string; deadlineMs: number },
  ): Promise<T> {
    const deadlines = new Deadlines(deadlineMs, this.#clock);
    try {
      return await this.#call(deadlines, {
        action,
        deadlineMs,
        body: async (session) => {
          await session.query({ text: "BEGIN" });
          await session.query({ text: `SET LOCAL statement_timeout = ${deadlineMs}` });
          await session.query({
            text: `SET LOCAL idle_in_transaction_session_timeout = ${deadlineMs}`,
          });
          const result = await body(session);
          await session.query({ text: "COMMIT" });
          return result;
        },
      });
    } finally {
      deadlines.close();
    }
  }

  close({ graceMs = this.deadlineMs } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number): Promise<void> {
    // Waits for the calls under way, each of which has its deadline.
    await this.#pool.end();
    await this.#sockets.close({ graceMs, clock: this.#clock });
    this.#deadlines.close();
  }

  /** One deadline for the wait for a connection, for making one, and for what runs on it. */
  async #call<T>(
    deadlines: Deadlines,
    { body, ...options }: {
      action: string;
      deadlineMs: number;
      body: (session: PostgresSession) => Promise<T>;
    },
  ): Promise<T> {
    const call = { ...options, address: this.address };
    if (this.#closing) throw new Error(`cannot ${call.action}: the connection is closed`);
    const lease = new Lease(this.#pool, call);
    let deadline: Deadline | undefined;
    try {
      return await new Promise((resolve, reject) => {
        deadline = deadlines.start(() => reject(tooSlow(call)));
        lease.use(body).then(resolve, reject);
      });
    } finally {
      if (deadline) deadlines.end(deadline);
      lease.end();
    }
  }
}
