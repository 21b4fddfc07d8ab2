import type { Clock } from "#src/core/mod.ts";

/** A call that has to end in time. */
export interface Deadline {
  /** When, on the monotonic clock. */
  readonly atMs: number;
  /** What happens if it has not ended then. */
  readonly expire: () => void;
}

/**
 * The deadlines of calls that all get the same time. The oldest is the first to expire, so that one
 * timer serves them all: a timer for each would cost more than the rest of a call.
 */
export class Deadlines {
  readonly #limitMs: number;
  readonly #clock: Clock;
  /** In the order of their times: a set keeps the order in which its members came. */
  readonly #open = new Set<Deadline>();
  #isWatching = false;
  readonly #closing = new AbortController();

  /**
   * Starts with none.
   *
   * @param limitMs What each call gets, in milliseconds.
   * @param clock Tells the time.
   */
  constructor(limitMs: number, clock: Clock) {
    this.#limitMs = limitMs;
    this.#clock = clock;
  }

  /**
   * Sets the deadline of a call that begins.
   *
   * @param expire Called once if the call does not end in time.
   * @returns What {@linkcode end} wants when the call ends.
   */
  start(expire: () => void): Deadline {
    const deadline = { atMs: this.#clock.monotonicMs() + this.#limitMs, expire };
    this.#open.add(deadline);
    if (!this.#isWatching) void this.#watch();
    return deadline;
  }

  /**
   * Ends a call.
   *
   * @param deadline Its deadline, which does not expire any more.
   */
  end(deadline: Deadline): void {
    this.#open.delete(deadline);
  }

  /** Stops watching: nothing expires any more, and no timer is left. */
  close(): void {
    this.#open.clear();
    this.#closing.abort();
  }

  async #watch(): Promise<void> {
    this.#isWatching = true;
    for (let next = this.#oldest(); next !== undefined; next = this.#oldest()) {
      const leftMs = next.atMs - this.#clock.monotonicMs();
      if (leftMs > 0) {
        await this.#clock.sleep(leftMs, { signal: this.#closing.signal });
      } else {
        this.#open.delete(next);
        next.expire();
      }
    }
    this.#isWatching = false;
  }

  #oldest(): Deadline | undefined {
    return this.#open.values().next().value;
  }
}
