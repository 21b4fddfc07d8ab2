import type { Clock } from "#src/core/mod.ts";

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** First come, first served: who waits for something, in order. */
export class WaitingLine<T> {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter<T>>();

  /**
   * Makes an empty line.
   *
   * @param clock What tells when somebody has waited for too long.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Queues.
   *
   * @param options `signal` gives the place in the line up; after `patienceMs` (milliseconds)
   * `onLate` is asked, with how many wait in front, for the error to fail with; without one the
   * waiter stays.
   * @returns What the waiter is served with.
   * @throws {unknown} The reason of `signal`, the error of `onLate`, or that of
   * {@linkcode WaitingLine.failBehind}.
   */
  async join(
    options: {
      signal: AbortSignal;
      patienceMs: number;
      onLate: (ahead: number) => Error | undefined;
    },
  ): Promise<T> {
    options.signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter: Waiter<T> = { resolve, reject };
    const over = new AbortController();
    const giveUp = () => this.#fail(waiter, options.signal.reason);
    options.signal.addEventListener("abort", giveUp, { once: true });
    this.#waiters.add(waiter);
    this.#clock.sleep(options.patienceMs, { signal: over.signal }).then(() => {
      if (!this.#waiters.has(waiter)) return;
      const error = options.onLate(this.#ahead(waiter));
      if (error) this.#fail(waiter, error);
    });
    try {
      return await promise;
    } finally {
      options.signal.removeEventListener("abort", giveUp);
      over.abort();
    }
  }

  /**
   * Serves the first one.
   *
   * @param value What it is served with.
   */
  serve(value: T): void {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter.resolve(value);
      return;
    }
  }

  /**
   * Fails everyone but the first ones.
   *
   * @param count How many stay, 0 or more.
   * @param error What the others get.
   */
  failBehind(count: number, error: Error): void {
    for (const waiter of [...this.#waiters].slice(count)) this.#fail(waiter, error);
  }

  #fail(waiter: Waiter<T>, reason: unknown): void {
    if (this.#waiters.delete(waiter)) waiter.reject(reason);
  }

  #ahead(waiter: Waiter<T>): number {
    let ahead = 0;
    for (const other of this.#waiters) {
      if (other === waiter) break;
      ahead++;
    }
    return ahead;
  }
}
