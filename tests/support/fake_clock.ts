import { setImmediate } from "node:timers/promises";
import type { Clock } from "#src/core/mod.ts";

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still until it is moved. Both scales start at a fixed moment and move
 * together.
 */
export class FakeClock implements Clock {
  #elapsedMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  /** How many waits are going on: 0 once nothing under test holds a timer any more. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  now(): number {
    return Date.UTC(2030, 0, 1) + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper: Sleeper = { dueMs: this.#elapsedMs + ms, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /**
   * Moves the time on, waking sleepers one by one in the order they are due, and lets everything
   * run that follows from each.
   *
   * @param ms How far, in milliseconds.
   */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#elapsedMs + ms;
    await settle();
    for (let next = this.#next(targetMs); next; next = this.#next(targetMs)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.wake();
      await settle();
    }
    this.#elapsedMs = targetMs;
  }

  #next(targetMs: number): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueMs <= targetMs && (!next || sleeper.dueMs < next.dueMs)) next = sleeper;
    }
    return next;
  }
}

/** Lets all promises settle that wait for nothing but one another. */
export async function settle(): Promise<void> {
  await setImmediate();
}
