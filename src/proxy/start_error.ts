import { type AppName, formatDuration } from "#src/core/mod.ts";
import type { ExitReason, LogLine } from "#src/backend/mod.ts";

/** A worker did not come up. */
export class StartError extends Error {
  /** Tells it from other errors. */
  override readonly name = "StartError";
  /** The app that was to be started. */
  readonly app: AppName;
  /** How the worker ended, or, if it never ran, what went wrong, in words. */
  readonly reason: ExitReason | string;
  /** The last lines that the worker wrote, the oldest first. */
  readonly lines: readonly LogLine[];
  /**
   * What the last health check saw of a worker that did not answer, in words; undefined when there
   * was none. For operators: it tells of ports and user ids.
   */
  readonly lastCheck: string | undefined;
  /** In how long another start will be tried, in milliseconds; 0 for at once. */
  readonly retryAfterMs: number;
  readonly #afterMs: number;

  /**
   * Describes a start that failed.
   *
   * @param app The app that was to be started.
   * @param details `reason`, `lines`, `lastCheck` and `retryAfterMs` as the properties; `afterMs` is
   * how long the worker had been given or taken, in milliseconds; `cause` is the error behind it.
   */
  constructor(
    app: AppName,
    details: {
      reason: ExitReason | string;
      afterMs: number;
      lines?: readonly LogLine[];
      lastCheck?: string | undefined;
      retryAfterMs?: number;
      cause?: unknown;
    },
  ) {
    super(
      `cannot start app ${app}: ${describeReason(details.reason, details.afterMs)}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.app = app;
    this.reason = details.reason;
    this.lines = details.lines ?? [];
    this.lastCheck = details.lastCheck;
    this.retryAfterMs = details.retryAfterMs ?? 0;
    this.#afterMs = details.afterMs;
  }

  /** Whether the worker took too long. */
  get isTimeout(): boolean {
    return typeof this.reason === "object" && this.reason.kind === "start_timeout";
  }

  /** What went wrong, in words for the visitor of the app: a clause without a full stop. */
  get explanation(): string {
    return describeReason(this.reason, this.#afterMs);
  }

  /**
   * The same failure for a request that comes before another start is tried.
   *
   * @param retryAfterMs In how long a start will be tried, in milliseconds.
   * @returns A new error that has this one as its cause.
   */
  withRetryAfter(retryAfterMs: number): StartError {
    const { app, reason, lines, lastCheck } = this;
    return new StartError(app, {
      reason,
      afterMs: this.#afterMs,
      lines,
      lastCheck,
      retryAfterMs,
      cause: this,
    });
  }
}

/** Places come free when sessions end: nobody knows when, and asking is cheap. */
const BUSY_RETRY_MS = 10_000;

/** There is no place for a session now; later there may be. */
export class BusyError extends Error {
  /** Tells it from other errors. */
  override readonly name = "BusyError";
  /** When it is worth trying again, in milliseconds. */
  readonly retryAfterMs = BUSY_RETRY_MS;
}

function describeReason(reason: ExitReason | string, afterMs: number): string {
  if (typeof reason === "string") return reason;
  switch (reason.kind) {
    case "code":
      return `it ended with exit code ${reason.code} before it answered`;
    case "signal":
      return `it was ended by ${reason.signal} before it answered`;
    case "oom":
      return "it needed more memory than it may have";
    case "stopped":
      return "it was stopped before it answered";
    case "start_timeout":
      return `it did not answer within ${formatDuration(afterMs)}`;
    case "lost":
      return "its process is gone, and nothing is known about the end of it";
  }
}
