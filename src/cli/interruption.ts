/** The signals that ask a command to end, with their numbers, signal(7). */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const satisfies Partial<
  Record<Deno.Signal, number>
>;

/** What the number of a signal is added to for an exit code, as in the shells. */
const EXIT_SIGNALLED = 128;

/** Lets a command that is asked to end by a signal clear up first. */
export class Interruption implements Disposable {
  readonly #first = new AbortController();
  readonly #second = Promise.withResolvers<never>();
  readonly #handlers: { readonly signal: Deno.Signal; readonly handler: () => void }[];
  #exitCode: number | undefined;

  /** Begins to listen for signals, which end this process no more. */
  constructor() {
    // Not everybody waits for it.
    this.#second.promise.catch(() => undefined);
    this.#handlers = Object.entries(SIGNALS).map(([name, number]) => {
      const signal = name as keyof typeof SIGNALS;
      const handler = () => this.#take(number);
      Deno.addSignalListener(signal, handler);
      return { signal, handler };
    });
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#first.signal;
  }

  /** What the command exits with after a signal; undefined when none has come. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /**
   * Waits for what clears up after the first signal.
   *
   * @param work What is to be done; has {@linkcode Interruption.signal}.
   * @returns What comes of it.
   * @throws {DOMException} An `AbortError`, at once when a second signal comes.
   * @throws {Error} As `work`.
   */
  wait<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#second.promise]);
  }

  /** Ends listening. */
  [Symbol.dispose](): void {
    for (const { signal, handler } of this.#handlers) Deno.removeSignalListener(signal, handler);
  }

  #take(number: number): void {
    if (this.#first.signal.aborted) this.#second.reject(this.#first.signal.reason);
    this.#exitCode ??= EXIT_SIGNALLED + number;
    this.#first.abort();
  }
}
