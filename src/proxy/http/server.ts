import { type Clock, errorMessage, type Logger, systemClock } from "#src/core/mod.ts";
import { Connection } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import type { Decide, Upstream } from "./exchange.ts";
import type { Engine } from "./exchange_context.ts";
import { completeLimits, type HttpLimits } from "./limits.ts";
import { UpstreamPool } from "./upstream_pool.ts";
import { Wire } from "./wire.ts";

/** How exact deadlines are at most, in milliseconds. */
const LONGEST_TICK_MS = 250;
/** How long to wait when a connection could not be accepted, as with no fd left; milliseconds. */
const ACCEPT_RETRY_MS = 100;

/** What a server is made of. */
export interface ServeHttpOptions {
  /** Decides about each request. */
  readonly decide: Decide;
  /** Gets what operators should know: failing upstreams, failing decisions. */
  readonly log: Logger;
  /** The limits that differ from the usual ones. */
  readonly limits?: Partial<HttpLimits>;
  /** Time; the system's if not given. */
  readonly clock?: Clock;
}

/** A server that accepts connections until it is shut down. */
export interface HttpServer {
  /** Where it listens. */
  readonly addr: Deno.NetAddr;
  /**
   * Counts.
   *
   * @returns How many client connections are open, tunnels included.
   */
  connections(): number;
  /**
   * Closes the idle connections to an upstream and keeps none of those in use: to be called when a
   * worker has ended, before its port can go to another one.
   *
   * @param upstream The one that is gone.
   */
  forgetUpstream(upstream: Upstream): void;
  /**
   * Stops accepting, closes idle connections at once, and lets exchanges and tunnels finish. A
   * further call can shorten the time.
   *
   * @param options After `graceMs` milliseconds what is left is closed.
   * @returns A promise that resolves when no connection is left.
   */
  shutdown(options: { graceMs: number }): Promise<void>;
  /** Resolves when the server was shut down and no connection is left; never rejects. */
  readonly finished: Promise<void>;
}

/**
 * Serves HTTP/1.1 on a listener: reads requests, asks what to do with each, and answers or forwards
 * it.
 *
 * @param listener Where connections come from; closed by {@linkcode HttpServer.shutdown}.
 * @param options How.
 * @returns The running server.
 * @throws {RangeError} When a limit is out of its range.
 */
export function serveHttp(listener: Deno.TcpListener, options: ServeHttpOptions): HttpServer {
  return new Server(listener, options);
}

class Server implements HttpServer {
  readonly addr: Deno.NetAddr;
  readonly finished: Promise<void>;
  readonly #listener: Deno.TcpListener;
  readonly #clock: Clock;
  readonly #decide: Decide;
  readonly #engine: Engine;
  readonly #open = new Set<Connection>();
  readonly #stop = new AbortController();
  readonly #over = new AbortController();
  #onFewer: (() => void) | undefined;

  constructor(
    listener: Deno.TcpListener,
    { decide, log, limits: some = {}, clock = systemClock }: ServeHttpOptions,
  ) {
    const limits = completeLimits(some);
    const deadlines = new Deadlines(clock, tickMs(limits));
    this.addr = listener.addr;
    this.#listener = listener;
    this.#clock = clock;
    this.#decide = decide;
    this.#engine = {
      limits,
      deadlines,
      log,
      pool: new UpstreamPool(deadlines, limits),
      stopping: false,
    };
    this.finished = this.#run();
  }

  connections(): number {
    return this.#open.size;
  }

  forgetUpstream(upstream: Upstream): void {
    this.#engine.pool.forget(upstream);
  }

  async shutdown({ graceMs }: { graceMs: number }): Promise<void> {
    if (!this.#engine.stopping) {
      this.#engine.stopping = true;
      this.#stop.abort();
      this.#closeListener();
      for (const connection of this.#open) connection.closeIfIdle();
    }
    await Promise.race([
      this.finished,
      this.#clock.sleep(graceMs, { signal: this.#over.signal }),
    ]);
    for (const connection of this.#open) connection.close();
    await this.finished;
  }

  async #run(): Promise<void> {
    const { deadlines, pool, limits } = this.#engine;
    const ticking = deadlines.run(this.#over.signal);
    while (!this.#engine.stopping) {
      if (this.#open.size >= limits.maxConnections) {
        await this.#fewer();
        continue;
      }
      const conn = await this.#accept();
      if (conn !== undefined) this.#serve(conn);
    }
    while (this.#open.size > 0) await this.#fewer();
    pool.close();
    this.#over.abort();
    await ticking;
  }

  async #accept(): Promise<Deno.TcpConn | undefined> {
    try {
      return await this.#listener.accept();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
        // The listener was closed, here or by its owner.
        this.#engine.stopping = true;
      } else {
        this.#engine.log.warn("a connection could not be accepted", {
          reason: errorMessage(error),
        });
        await this.#clock.sleep(ACCEPT_RETRY_MS, { signal: this.#stop.signal });
      }
      return undefined;
    }
  }

  #serve(conn: Deno.TcpConn): void {
    let remoteAddress: string;
    try {
      remoteAddress = conn.remoteAddr.hostname;
      conn.setNoDelay(true);
    } catch {
      // The client has already gone.
      conn.close();
      return;
    }
    const { deadlines, limits } = this.#engine;
    const connection = new Connection(new Wire(conn, deadlines, limits.stallMs), {
      engine: this.#engine,
      decide: this.#decide,
      remoteAddress,
    });
    this.#open.add(connection);
    void connection.run().then(() => {
      this.#open.delete(connection);
      this.#onFewer?.();
    });
    if (this.#engine.stopping) connection.closeIfIdle();
  }

  /** Waits until a connection has ended or the server is to stop. */
  #fewer(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFewer = resolve;
    });
  }

  #closeListener(): void {
    this.#onFewer?.();
    try {
      this.#listener.close();
    } catch {
      // Its owner has closed it before.
    }
  }
}

/** Short enough for the shortest limit to be kept to about a quarter. */
function tickMs(limits: HttpLimits): number {
  const shortest = Math.min(
    limits.headMs,
    limits.keepAliveMs,
    limits.stallMs,
    limits.lingerMs,
    limits.halfClosedMs,
    limits.upstreamIdleMs,
  );
  return Math.max(1, Math.min(LONGEST_TICK_MS, Math.floor(shortest / 4)));
}
