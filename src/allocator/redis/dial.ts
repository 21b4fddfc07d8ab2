import type { Clock } from "#src/core/mod.ts";
import { NO_ANSWER } from "./redis_failure.ts";
import type { RedisTarget } from "./redis_url.ts";

/** A connection to a server that is up, until it breaks. */
export interface RedisLink {
  /**
   * Sends one command.
   *
   * @param command The command and its arguments.
   * @returns The reply.
   * @throws {Error} When the reply is an error, or the connection breaks before it comes.
   */
  send(command: readonly string[]): Promise<unknown>;
  /** Why it broke, once it has. */
  readonly brokenBy: Error | undefined;
  /** Resolves when it breaks; never when it is closed from here. */
  readonly broken: Promise<Error>;
  /**
   * Ends it; commands without a reply fail. A second call does nothing.
   *
   * @param reason Why, if something is wrong with it.
   */
  close(reason?: Error): void;
}

/** The name of our connections in `CLIENT LIST`. */
const CLIENT_NAME = "blockyard";

/**
 * Loads the client library, unless it is loaded.
 *
 * @returns The library.
 */
export async function loadRedisClient(): Promise<typeof import("@redis/client")> {
  // The one export that a CommonJS package keeps in a bundle.
  const { default: library } = await import("@redis/client");
  return library;
}

/**
 * Makes one connection, with user, password and database; nothing is tried twice, and nothing is
 * kept for a later connection.
 *
 * @param target Where to.
 * @param options `timeoutMs` is how long it may take, in milliseconds; `signal` gives it up.
 * @returns The connection.
 * @throws {Error} Why it could not be made.
 */
export async function dialRedis(
  target: RedisTarget,
  { timeoutMs, signal, clock }: { timeoutMs: number; signal: AbortSignal; clock: Clock },
): Promise<RedisLink> {
  const { createClient } = await loadRedisClient();
  const client = createClient({
    // Its own timers are one for each command, and watch only what is not sent yet.
    commandOptions: { timeout: 0 },
    database: target.database,
    disableClientInfo: true,
    disableOfflineQueue: true,
    maintNotifications: "disabled",
    name: CLIENT_NAME,
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    socket: { ...target.socket, connectTimeout: timeoutMs, reconnectStrategy: false },
  });
  const { promise: broken, resolve: isBroken } = Promise.withResolvers<Error>();
  let brokenBy: Error | undefined;
  client.on("error", (error: Error) => {
    brokenBy ??= error;
    // A reply that cannot be read leaves the commands before it without an answer.
    client.destroy();
    isBroken(brokenBy);
  });

  // A server that accepts and then says nothing holds up the library's handshake for good.
  const timer = new AbortController();
  const limit = AbortSignal.any([signal, timer.signal]);
  const tooLate = clock.sleep(timeoutMs, { signal: limit }).then(() => {
    if (timer.signal.aborted) return;
    brokenBy ??= new Error(NO_ANSWER);
    client.destroy();
  });
  try {
    await client.connect();
  } catch (error) {
    throw brokenBy ?? error;
  } finally {
    timer.abort();
    await tooLate;
  }
  return {
    send: (command) => client.sendCommand(command),
    get brokenBy() {
      return brokenBy;
    },
    broken,
    close(reason) {
      brokenBy ??= reason;
      client.destroy();
    },
  };
}
