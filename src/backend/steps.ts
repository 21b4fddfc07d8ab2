import {
  ConflictError,
  errorMessage,
  ExhaustedError,
  type Logger,
  NotFoundError,
  StoreUnavailableError,
} from "#src/core/mod.ts";

/** Runs one named step of an action. */
export type RunStep = <T>(name: string, run: () => T | Promise<T>) => Promise<T>;

/** Errors that callers branch on; a step that fails keeps their class. */
const KEPT_CLASSES = [ConflictError, ExhaustedError, NotFoundError, StoreUnavailableError];

/**
 * Makes steps that say in their errors which of them failed.
 *
 * @param action What they belong to, such as `cannot start worker x`.
 * @param signal Once aborted, no further step begins.
 * @returns Runs a step; rejects with `ACTION: STEP: why`, or with the signal's reason.
 */
export function stepsOf(action: string, signal: AbortSignal | undefined): RunStep {
  return async (name, run) => {
    signal?.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      const message = `${action}: ${name}: ${errorMessage(error)}`;
      const Class = KEPT_CLASSES.find((type) => error instanceof type) ?? Error;
      throw new Class(message, { cause: error });
    }
  };
}

/**
 * Turns a release that can fail into one that is carried out once and never rejects.
 *
 * @param release Gives something back.
 * @param options `what` names it for the log.
 * @returns The release; a second call joins the first.
 */
export function releaseOnce(
  release: () => Promise<void>,
  { what, log }: { what: string; log: Logger },
): () => Promise<void> {
  let released: Promise<void> | undefined;
  return () =>
    released ??= release().catch((error) =>
      log.error("a slot could not be released", { slot: what, error: errorMessage(error) })
    );
}
