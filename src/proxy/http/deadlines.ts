import type { Clock } from "#src/core/mod.ts";

/** Something whose time can run out. */
export interface Expiring {
  /**
   * Looks whether the time has run out.
   *
   * @param now The current tick; deadlines at or below it have passed.
   */
  expire(now: number): void;
}

/** A deadline that never passes. */
export const NEVER = Infinity;

/**
 * Time for many connections at the price of one timer. Time advances in ticks; a deadline is the
 * number of a tick, so that setting and clearing one is an assignment. It passes at its time or up
 * to two ticks later, never earlier.
 */
export class Deadlines {
  #now = 0;
  readonly #watched = new Set<Expiring>();

  /**
   * @param clock What drives the ticks.
   * @param tickMs The length of a tick in milliseconds, above 0.
   */
  constructor(readonly clock: Clock, readonly tickMs: number) {}

  /**
   * @param ms Milliseconds from now; `Infinity` for never.
   * @returns The deadline.
   */
  after(ms: number): number {
    return this.#now + Math.ceil(ms / this.tickMs) + 1;
  }

  /** @param expiring What is asked at each tick, until {@linkcode Deadlines.unwatch}. */
  watch(expiring: Expiring): void {
    this.#watched.add(expiring);
  }

  /** @param expiring What is asked no more. */
  unwatch(expiring: Expiring): void {
    this.#watched.delete(expiring);
  }

  /**
   * Lets the time run.
   *
   * @param signal Ends it.
   * @returns A promise that resolves once `signal` is aborted; it never rejects.
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.clock.sleep(this.tickMs, { signal });
      this.#now++;
      for (const expiring of this.#watched) expiring.expire(this.#now);
    }
  }
}
