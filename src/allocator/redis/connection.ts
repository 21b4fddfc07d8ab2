import { type Clock, errorMessage, type Logger, StoreUnavailableError } from "#src/core/mod.ts";
import { backoffMs } from "../backoff.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { dialRedis, loadRedisClient, type RedisLink } from "./dial.ts";
import { describeRedisFailure, isUnknownScript, NO_ANSWER } from "./redis_failure.ts";
import { parseRedisUrl, type RedisTarget } from "./redis_url.ts";
import type { RedisScript, ScriptInput } from "./script.ts";

/** What a call gets unless something else is asked for, in milliseconds. */
const DEFAULT_DEADLINE_MS = 2000;

/** How to open a {@linkcode RedisConnection}. */
export interface RedisOptions {
  /** Where the server is, as {@linkcode parseRedisUrl} wants it. */
  readonly url: string;
  /** What each call gets, the way to the server included, in milliseconds; 2000 if absent. */
  readonly deadlineMs?: number;
  /** Is told when the server goes away and when it is back. */
  readonly log: Logger;
  /** Tells the time. */
  readonly clock: Clock;
}

/**
 * One connection to a Redis server, shared by everything that needs the server. Calls that are made
 * at once travel together. When the connection breaks, calls fail at once or at their deadline and
 * none is kept for later; the connection comes back by itself, and a call tries without waiting.
 */
export class RedisConnection {
  /** The server in a message: `redis at HOST:PORT`, or with the path of its socket. */
  readonly name: string;
  /** What each call gets, in milliseconds. */
  readonly deadlineMs: number;
  readonly #target: RedisTarget;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #deadlines: Deadlines;
  readonly #onReconnect = new Set<() => void>();
  #link: RedisLink | undefined;
  #dialing: Promise<RedisLink> | undefined;
  #returning: Promise<void> | undefined;
  #wasConnected = false;
  readonly #closing = new AbortController();

  /**
   * Prepares a connection; {@linkcode openRedis} makes it.
   *
   * @param options As for `openRedis`.
   * @throws {RangeError} When the URL is none.
   */
  constructor({ url, deadlineMs = DEFAULT_DEADLINE_MS, log, clock }: RedisOptions) {
    this.#target = parseRedisUrl(url);
    this.name = `redis at ${this.#target.place}`;
    this.deadlineMs = deadlineMs;
    this.#clock = clock;
    this.#log = log.with({ store: this.name });
    this.#deadlines = new Deadlines(deadlineMs, clock);
  }

  /**
   * Sends one command.
   *
   * @param action What it is for, to begin a message with: `cannot count the ports in use`.
   * @param command The command and its arguments.
   * @returns The reply, as RESP3 has it.
   * @throws {StoreUnavailableError} When there is no reply in time, or it is an error.
   */
  call(action: string, command: readonly string[]): Promise<unknown> {
    return this.#exchange(action, (link) => link.send(command));
  }

  /**
   * Runs a script: in one round trip, or in two when the server does not know it yet.
   *
   * @param action What it is for, to begin a message with: `cannot claim a port`.
   * @param script The script.
   * @param input Its keys and arguments.
   * @returns The reply, as RESP3 has it.
   * @throws {StoreUnavailableError} When there is no reply in time, or it is an error.
   */
  run(action: string, script: RedisScript, input: ScriptInput): Promise<unknown> {
    const rest = [String(input.keys.length), ...input.keys, ...input.args];
    return this.#exchange(
      action,
      (link) =>
        link.send(["EVALSHA", script.sha, ...rest]).catch((error) => {
          if (!isUnknownScript(error)) throw error;
          return link.send(["EVAL", script.source, ...rest]);
        }),
    );
  }

  /**
   * Asks to be told when the server answers on a new connection.
   *
   * @param listener Called each time, before the calls that wait for the connection are sent.
   * @returns Ends that.
   */
  onReconnect(listener: () => void): () => void {
    this.#onReconnect.add(listener);
    return () => {
      this.#onReconnect.delete(listener);
    };
  }

  /** Ends the connection; calls that are open fail. A second call does nothing. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#link?.close();
    this.#link = undefined;
    await Promise.allSettled([this.#dialing, this.#returning]);
    this.#deadlines.close();
  }

  #exchange(
    action: string,
    send: (link: RedisLink) => Promise<unknown>,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let link = this.#link;
      let isTooLate = false;
      const deadline: Deadline = this.#deadlines.start(() => {
        isTooLate = true;
        reject(this.#unavailable(action, `did not answer within ${this.deadlineMs / 1000} s`));
        // What is still on its way could arrive at any time: only a new connection is in step.
        if (link !== undefined) this.#lose(link, new Error(NO_ANSWER));
      });
      const settle = (reply: unknown) => {
        this.#deadlines.end(deadline);
        resolve(reply);
      };
      const fail = (error: unknown) => {
        this.#deadlines.end(deadline);
        const cause = link?.brokenBy ?? error;
        reject(this.#unavailable(action, describeRedisFailure(cause), cause));
      };
      const sendUnlessTooLate = (fresh: RedisLink) => {
        if (isTooLate) throw new Error(NO_ANSWER);
        link = fresh;
        return send(fresh);
      };
      const reply = link === undefined ? this.#connect().then(sendUnlessTooLate) : send(link);
      reply.then(settle, fail);
    });
  }

  /** Joins the attempt that is being made, or makes one. */
  #connect(): Promise<RedisLink> {
    if (this.#link !== undefined) return Promise.resolve(this.#link);
    if (this.#closing.signal.aborted) {
      return Promise.reject(new Error("the connection is closed"));
    }
    this.#dialing ??= this.#dial().finally(() => {
      this.#dialing = undefined;
    });
    return this.#dialing;
  }

  async #dial(): Promise<RedisLink> {
    const link = await dialRedis(this.#target, {
      timeoutMs: this.deadlineMs,
      signal: this.#closing.signal,
      clock: this.#clock,
    });
    if (this.#closing.signal.aborted) {
      link.close();
      throw new Error("the connection is closed");
    }
    this.#link = link;
    void link.broken.then((error) => this.#lose(link, error));
    if (this.#wasConnected) {
      this.#log.info("the store is back");
      for (const listener of this.#onReconnect) listener();
    }
    this.#wasConnected = true;
    return link;
  }

  #lose(link: RedisLink, error: Error): void {
    link.close(error);
    if (this.#link !== link) return;
    this.#link = undefined;
    if (this.#closing.signal.aborted) return;
    this.#log.warn("the store is away", { error: errorMessage(error) });
    this.#returning ??= this.#comeBack().finally(() => {
      this.#returning = undefined;
    });
  }

  async #comeBack(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 1; this.#link === undefined && !signal.aborted; failures++) {
      await this.#clock.sleep(backoffMs(failures), { signal });
      if (signal.aborted) return;
      await this.#connect().catch((error) =>
        this.#log.debug("the store is still away", { error: errorMessage(error) })
      );
    }
  }

  #unavailable(action: string, what: string, cause?: unknown): StoreUnavailableError {
    return new StoreUnavailableError(
      `${action}: ${this.name} ${what}`,
      cause === undefined ? undefined : { cause },
    );
  }
}

/**
 * Connects to a Redis server. The client library is loaded by this call, not before.
 *
 * @param options Where it is, and how long calls may take.
 * @returns The connection, after the server has answered and taken user, password and database.
 * @throws {RangeError} When the URL is none.
 * @throws {StoreUnavailableError} When the server cannot be used; the message says why, and names
 * its host and port or its socket.
 */
export async function openRedis(options: RedisOptions): Promise<RedisConnection> {
  const connection = new RedisConnection(options);
  // The time that it takes to load is not the server's.
  await loadRedisClient();
  try {
    await connection.call("cannot open the store", ["PING"]);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}
