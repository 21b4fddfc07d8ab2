/** The signals that ask this program to stop, as they come. Disposing it listens no more. */
export interface Signals extends Disposable {
  /**
   * Waits for the next one; one that came before is not lost.
   *
   * @returns Which it is.
   */
  next(): Promise<Deno.Signal>;
}

/** How something ended that a signal may end. */
export type Interruptible<T> =
  /** By itself. */
  | { readonly result: T }
  /** By a signal. */
  | {
    /** Which. */
    readonly signal: Deno.Signal;
    /** Whether it has ended all that it had started; a second signal came before that if not. */
    readonly isClean: boolean;
  };

/**
 * Listens for SIGINT and SIGTERM, which end this process no more from then on.
 *
 * @returns What comes.
 */
export function listenForSignals(): Signals {
  const queue: Deno.Signal[] = [];
  const waiting: ((signal: Deno.Signal) => void)[] = [];
  const handlers = (["SIGINT", "SIGTERM"] as const).map((signal) => {
    const handler = () => {
      const wake = waiting.shift();
      if (wake) wake(signal);
      else queue.push(signal);
    };
    Deno.addSignalListener(signal, handler);
    return { signal, handler };
  });
  return {
    next() {
      const signal = queue.shift();
      return signal ? Promise.resolve(signal) : new Promise((resolve) => waiting.push(resolve));
    },
    [Symbol.dispose]() {
      for (const { signal, handler } of handlers) Deno.removeSignalListener(signal, handler);
    },
  };
}

/**
 * Does something until a signal comes.
 *
 * @param action Does it. It is to give up when its signal is aborted, and to end all that it has
 * started before it settles.
 * @param options `asked` is the signal that ends it; `signals` are those after it, the first of which
 * ends the waiting for what cannot be ended.
 * @returns How it ended.
 * @throws {Error} What `action` throws before a signal came.
 */
export async function untilSignal<T>(
  action: (signal: AbortSignal) => Promise<T>,
  { asked, signals }: { asked: Promise<Deno.Signal>; signals: Pick<Signals, "next"> },
): Promise<Interruptible<T>> {
  const giveUp = new AbortController();
  const acting = action(giveUp.signal);
  const first = await Promise.race([
    acting.then((result) => ({ result })),
    asked.then((signal) => ({ signal })),
  ]);
  if ("result" in first) return first;
  giveUp.abort();
  const isClean = await Promise.race([
    acting.then(() => true, () => true),
    signals.next().then(() => false),
  ]);
  return { ...first, isClean };
}
