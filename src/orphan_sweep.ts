import { type Clock, errorMessage, type Logger } from "#src/core/mod.ts";

/** What {@linkcode sweepOrphans} works with. */
export interface OrphanSweepOptions {
  /** How long to wait before each look, in milliseconds. */
  readonly intervalMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Tells when it is time. */
  readonly clock: Clock;
  /** Is told what was taken back. */
  readonly log: Logger;
}

/**
 * Takes back the slots of servers that are gone, again and again: a server that is killed gives
 * nothing back itself, and need not be started again for its slots to be of use.
 *
 * @param takeBack Does it, and tells how many slots that were.
 * @param options How often, and until when.
 * @returns A promise that resolves once `signal` is aborted and nothing is under way; it never rejects.
 */
export async function sweepOrphans(
  takeBack: () => Promise<number>,
  { intervalMs, signal, clock, log }: OrphanSweepOptions,
): Promise<void> {
  while (true) {
    await clock.sleep(intervalMs, { signal });
    if (signal.aborted) return;
    try {
      const slots = await takeBack();
      if (slots > 0) log.info("slots of servers that are gone were taken back", { slots });
    } catch (error) {
      log.warn("slots of servers that are gone cannot be taken back now", {
        error: errorMessage(error),
      });
    }
  }
}
