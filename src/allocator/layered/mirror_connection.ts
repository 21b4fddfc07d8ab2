import { openRedis, type RedisConnection, type RedisOptions } from "../redis/mod.ts";

/** Claims wait for the mirror this long when Redis stops to answer, and then no more; milliseconds. */
const DEADLINE_MS = 250;

/** The one connection of all mirrors of a server, made when it is first asked for. */
export class MirrorConnection implements AsyncDisposable {
  readonly #options: RedisOptions;
  #opening: Promise<RedisConnection> | undefined;

  /**
   * Prepares the connection.
   *
   * @param options Where the server is; each call gets a quarter of a second unless `deadlineMs` says
   * otherwise.
   */
  constructor(options: RedisOptions) {
    this.#options = { deadlineMs: DEADLINE_MS, ...options };
  }

  /**
   * Gives the connection, making it if there is none yet.
   *
   * @returns The connection; it comes back by itself when it breaks.
   * @throws {StoreUnavailableError} When the server cannot be used; the next call tries again.
   */
  connect(): Promise<RedisConnection> {
    return this.#opening ??= openRedis(this.#options).catch((error) => {
      this.#opening = undefined;
      throw error;
    });
  }

  /** Ends the connection, if there is one. */
  async [Symbol.asyncDispose](): Promise<void> {
    const redis = await this.#opening?.catch(() => undefined);
    await redis?.close();
  }
}
