import type { Pool, PoolClient } from "pg";
import { type StoreCall, storeFailure } from "./failure.ts";

/** One SQL statement. */
export interface Statement {
  /** Under which the server keeps it prepared; absent for what is sent rarely. */
  readonly name?: string;
  /** The SQL, with `$1` and so on for values. */
  readonly text: string;
}

/** What can be asked while a connection is held. */
export interface PostgresSession {
  /**
   * Runs a statement.
   *
   * @param statement What to run.
   * @param values The values of `$1` and so on.
   * @returns Its rows.
   * @throws {StoreUnavailableError} When the server is away, or not ready.
   * @throws {Error} When the server refuses it.
   */
  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

/** One connection of the pool, for the time of one call. */
export class Lease {
  readonly #pool: Pool;
  readonly #call: StoreCall;
  #client: PoolClient | undefined;
  #hasEnded = false;

  /**
   * Prepares a call.
   *
   * @param pool Where the connection comes from.
   * @param call What it is for, in messages.
   */
  constructor(pool: Pool, call: StoreCall) {
    this.#pool = pool;
    this.#call = call;
  }

  /**
   * Gets a connection and uses it. A connection on which something failed is not used again: in
   * which state it is does not matter then.
   *
   * @param body Uses it.
   * @returns What `body` returned.
   * @throws {StoreUnavailableError} When there is no connection in time, or the server is away.
   * @throws {Error} When the server refuses something, or what `body` throws.
   */
  async use<T>(body: (session: PostgresSession) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error) => {
      throw storeFailure(error, this.#call);
    });
    this.#client = client;
    if (this.#hasEnded) this.#giveBack({ reusable: true });
    const result = await body({ query: (statement, values) => this.#query(statement, values) });
    this.#giveBack({ reusable: true });
    return result;
  }

  /** Ends the call; a connection that is still at work is closed. A second call does nothing. */
  end(): void {
    this.#hasEnded = true;
    this.#giveBack({ reusable: false });
  }

  async #query<Row>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.#client === undefined) throw new Error(`cannot ${this.#call.action}: it was given up`);
    try {
      const { rows } = await this.#client.query({ ...statement, values: [...values] });
      return rows;
    } catch (error) {
      throw storeFailure(error, this.#call);
    }
  }

  #giveBack({ reusable }: { reusable: boolean }): void {
    const client = this.#client;
    this.#client = undefined;
    client?.release(!reusable);
  }
}
