/** Time as the code needs it, so that tests can hold it. */
export interface Clock {
  /**
   * Tells the time of day, for people and records.
   *
   * @returns Milliseconds since 1970.
   */
  now(): number;
  /**
   * Tells the time for measuring; never steps back.
   *
   * @returns Milliseconds from an arbitrary start.
   */
  monotonicMs(): number;
  /**
   * Waits.
   *
   * @param ms How long, in milliseconds.
   * @param options `signal` ends the wait early.
   * @returns A promise that resolves after `ms`, or at once when `signal` is aborted; it never
   * rejects, and leaves no timer behind.
   */
  sleep(ms: number, options?: { signal?: AbortSignal | undefined }): Promise<void>;
}

/** What setTimeout can wait: it holds its delay in 31 bits, and a longer one would end at once. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep(ms, { signal } = {}) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      let remainingMs = ms;
      let timer: ReturnType<typeof setTimeout>;
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const wait = () => {
        const stepMs = Math.min(remainingMs, MAX_TIMER_MS);
        remainingMs -= stepMs;
        timer = setTimeout(remainingMs > 0 ? wait : done, stepMs);
      };
      wait();
      signal?.addEventListener("abort", done, { once: true });
    });
  },
};
