import type { Clock } from "#src/core/mod.ts";

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 60_000;

/**
 * How long to leave an app alone whose starts fail: one second, then twice as long with each
 * failure, a minute at most.
 */
export class Backoff {
  readonly #clock: Clock;
  #delayMs = 0;
  #failedAtMs = -Infinity;

  /**
   * Makes one that has seen no failure.
   *
   * @param clock What tells how much time went by.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long to wait before the next try, in milliseconds; 0 when there is no need to. */
  get remainingMs(): number {
    return Math.max(0, this.#failedAtMs + this.#delayMs - this.#clock.monotonicMs());
  }

  /**
   * Notes a failure.
   *
   * @param begunAtMs When the try began, on the monotonic scale, in milliseconds. Tries that ran
   * side by side count as one.
   */
  fail(begunAtMs: number): void {
    if (begunAtMs < this.#failedAtMs) return;
    this.#delayMs = Math.min(MAX_DELAY_MS, this.#delayMs * 2 || FIRST_DELAY_MS);
    this.#failedAtMs = this.#clock.monotonicMs();
  }

  /**
   * Notes a failure that is not the app's: the pause is a second, however often it comes.
   *
   * @param begunAtMs As for {@linkcode Backoff.fail}.
   */
  failElsewhere(begunAtMs: number): void {
    if (begunAtMs < this.#failedAtMs) return;
    this.#delayMs = FIRST_DELAY_MS;
    this.#failedAtMs = this.#clock.monotonicMs();
  }

  /** Notes that a try worked. */
  succeed(): void {
    this.#delayMs = 0;
  }
}
