import { addressText, type Clock } from "#src/core/mod.ts";
import { type Deadlines, NEVER } from "./deadlines.ts";
import type { Upstream } from "./exchange.ts";
import type { HttpLimits } from "./limits.ts";
import { Wire } from "./wire.ts";

/** How long to wait before a unix socket is tried again whose listener lets too few wait. */
const BUSY_RETRY_MS = 10;

/** The idle connections of one upstream. There is a new shelf once the upstream was forgotten. */
export interface Shelf {
  /** The upstream as {@linkcode addressText} writes it. */
  readonly key: string;
  /** The one used last is the last one. */
  readonly idle: Lease[];
}

/** A connection to an upstream, used by one exchange at a time. */
export interface Lease {
  readonly wire: Wire;
  /** Where the pool keeps it. */
  readonly shelf: Shelf;
}

/**
 * Connections to upstreams. An idle one is always being read, so that one that has ended, or that
 * sends something nobody asked for, is thrown away at once.
 */
export class UpstreamPool {
  readonly #shelves = new Map<string, Shelf>();
  readonly #deadlines: Deadlines;
  readonly #limits: HttpLimits;
  #closed = false;

  /**
   * @param deadlines Watches the connections.
   * @param limits Of these the ones for upstreams count.
   */
  constructor(deadlines: Deadlines, limits: HttpLimits) {
    this.#deadlines = deadlines;
    this.#limits = limits;
  }

  /**
   * Takes an idle connection, the one used last.
   *
   * @param upstream Where to.
   * @returns The connection, or undefined when there is none. It can end at any time, so that only
   * what may be sent twice should be sent on it.
   */
  takeIdle(upstream: Upstream): Lease | undefined {
    const shelf = this.#shelves.get(keyOf(upstream));
    for (let lease = shelf?.idle.pop(); lease !== undefined; lease = shelf?.idle.pop()) {
      const { wire } = lease;
      if (!wire.ended && wire.buffered === 0) {
        wire.readBy = NEVER;
        return lease;
      }
      wire.close();
    }
    return undefined;
  }

  /**
   * Makes a connection.
   *
   * @param upstream Where to.
   * @param options `signal` gives up.
   * @returns The connection, which must be given to {@linkcode UpstreamPool.release} or closed.
   * @throws {Error} When nobody listens, connecting takes too long, or the upstream was forgotten
   * in the meantime: its port may belong to somebody else by then.
   */
  async dial(upstream: Upstream, { signal }: { signal: AbortSignal }): Promise<Lease> {
    const shelf = this.#shelfOf(upstream);
    const conn = await connect(upstream, {
      signal,
      clock: this.#deadlines.clock,
      withinMs: this.#limits.connectMs,
    });
    if (this.#closed || this.#shelves.get(shelf.key) !== shelf) {
      conn.close();
      throw new Error(`cannot use the connection to ${shelf.key}: the upstream is gone`);
    }
    if ("setNoDelay" in conn) conn.setNoDelay(true);
    return { wire: new Wire(conn, this.#deadlines, NEVER), shelf };
  }

  /**
   * Gives a connection back after a whole exchange, for the next one to use.
   *
   * @param lease The connection; closed here when it cannot be kept.
   */
  release(lease: Lease): void {
    const { wire, shelf } = lease;
    const keep = !this.#closed && this.#shelves.get(shelf.key) === shelf &&
      shelf.idle.length < this.#limits.idlePerUpstream && !wire.ended && !wire.closed &&
      wire.buffered === 0;
    if (!keep) {
      wire.close();
      return;
    }
    shelf.idle.push(lease);
    wire.readBy = this.#deadlines.after(this.#limits.upstreamIdleMs);
    void wire.fill().then(() => {
      if (!shelf.idle.includes(lease)) return;
      shelf.idle.splice(shelf.idle.indexOf(lease), 1);
      wire.close();
    });
  }

  /**
   * Closes the idle connections to an upstream, and makes sure that those in use are not kept.
   *
   * @param upstream The one that is gone.
   */
  forget(upstream: Upstream): void {
    const key = keyOf(upstream);
    const shelf = this.#shelves.get(key);
    this.#shelves.delete(key);
    for (const { wire } of shelf?.idle.splice(0) ?? []) wire.close();
  }

  /** Closes all idle connections and keeps none from now on. */
  close(): void {
    this.#closed = true;
    for (const { idle } of this.#shelves.values()) {
      for (const { wire } of idle.splice(0)) wire.close();
    }
    this.#shelves.clear();
  }

  #shelfOf(upstream: Upstream): Shelf {
    const key = keyOf(upstream);
    let shelf = this.#shelves.get(key);
    if (shelf === undefined) {
      shelf = { key, idle: [] };
      this.#shelves.set(key, shelf);
    }
    return shelf;
  }
}

function keyOf(upstream: Upstream): string {
  return addressText(upstream);
}

async function connect(
  upstream: Upstream,
  { signal, clock, withinMs }: { signal: AbortSignal; clock: Clock; withinMs: number },
): Promise<Deno.TcpConn | Deno.UnixConn> {
  const done = new AbortController();
  const late = new AbortController();
  const giveUp = () => late.abort();
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  void clock.sleep(withinMs, { signal: done.signal }).then(() => {
    if (!done.signal.aborted) giveUp();
  });
  try {
    if (upstream.kind === "unix") {
      return await connectUnix(upstream.connectPath, { clock, signal: late.signal });
    }
    const { hostname, port } = upstream;
    return await Deno.connect({ hostname, port, signal: late.signal });
  } catch (cause) {
    const why = late.signal.aborted && !signal.aborted ? `no answer within ${withinMs} ms` : "";
    throw new Error(
      `cannot connect to ${addressText(upstream)}${why === "" ? "" : `: ${why}`}`,
      { cause },
    );
  } finally {
    done.abort();
    signal.removeEventListener("abort", giveUp);
  }
}

/**
 * A TCP connection to a busy listener waits by itself; at a unix socket the kernel says at once that
 * too many wait already (EAGAIN in connect(2)).
 */
async function connectUnix(
  path: string,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Deno.UnixConn> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    }
    await clock.sleep(BUSY_RETRY_MS, { signal });
  }
}
