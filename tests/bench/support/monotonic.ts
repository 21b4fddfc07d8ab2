/** CLOCK_MONOTONIC of linux/time.h. */
const CLOCK_MONOTONIC = 1;

const SYMBOLS = {
  /** int clock_gettime(clockid_t clock, struct timespec *now) */
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * The monotonic clock of the kernel, which all processes share: Deno's own one starts at zero with
 * each process, so that its values mean nothing to another. See clock_gettime(2).
 */
export class MonotonicClock implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", SYMBOLS);
  readonly #timespec = new BigInt64Array(2);

  /**
   * Tells the time.
   *
   * @returns Nanoseconds since the kernel's own start of time.
   */
  nowNs(): bigint {
    this.#libc.symbols.clock_gettime(CLOCK_MONOTONIC, this.#timespec);
    const [seconds = 0n, nanoseconds = 0n] = this.#timespec;
    return seconds * 1_000_000_000n + nanoseconds;
  }

  /** Closes the library. */
  [Symbol.dispose](): void {
    this.#libc.close();
  }
}
