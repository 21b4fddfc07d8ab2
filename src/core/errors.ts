/**
 * The errors that callers branch on. Everything else is a built-in error; the original failure,
 * where there is one, is always kept in `cause`.
 *
 * @module
 */

/** What was asked for is right, but this host or this configuration cannot do it. */
export class NotSupportedError extends Error {
  /** The class, for callers that branch. */
  override readonly name: string = "NotSupportedError";
}

/** Something is named that does not exist: a worker, an app, an R version. */
export class NotFoundError extends Error {
  /** The class, for callers that branch. */
  override readonly name: string = "NotFoundError";
}

/** The name is taken, or the thing is in a state that forbids the call. */
export class ConflictError extends Error {
  /** The class, for callers that branch. */
  override readonly name: string = "ConflictError";
}

/** A limit is reached: no slot, no worker place left. Trying again later can succeed. */
export class ExhaustedError extends Error {
  /** The class, for callers that branch. */
  override readonly name: string = "ExhaustedError";
}

/**
 * Where claims or other shared state are kept does not answer, or refuses to take changes at the
 * moment. Nothing is wrong with what was asked for; trying again later can succeed.
 */
export class StoreUnavailableError extends Error {
  /** The class, for callers that branch. */
  override readonly name: string = "StoreUnavailableError";
}

/** A command line or a configuration that cannot be used; the message is written for its author. */
export class UsageError extends Error {
  /** The class, for callers that branch. */
  override readonly name: string = "UsageError";
}

/**
 * One line that describes an error and the errors that caused it, without stack traces.
 *
 * @param error Anything that was thrown.
 * @returns The messages from the outermost to the innermost, joined with `": "`; line ends in them
 * become `"; "`. The errors of an `AggregateError` and of a `SuppressedError` count as causes. An
 * error without any message is described by its name.
 */
export function errorMessage(error: unknown): string {
  const messages: string[] = [];
  const seen = new Set<unknown>();
  const pending = [error];
  while (pending.length > 0) {
    const current = pending.shift();
    if (current === undefined || current === null || seen.has(current)) continue;
    seen.add(current);
    const message = ownMessage(current).trim().replaceAll(/\s*[\r\n]+\s*/g, "; ");
    if (message !== "" && !messages.some((earlier) => earlier.includes(message))) {
      messages.push(message);
    }
    pending.unshift(...causesOf(current));
  }
  if (messages.length === 0 && error instanceof Error) return error.name;
  return messages.join(": ");
}

function ownMessage(value: unknown): string {
  if (value instanceof Error) return value.message;
  try {
    return String(value);
  } catch {
    // An object without a prototype has no conversion to text.
    return Object.prototype.toString.call(value);
  }
}

function causesOf(value: unknown): unknown[] {
  if (!(value instanceof Error)) return [];
  if (value instanceof AggregateError) return [...value.errors, value.cause];
  if (value instanceof SuppressedError) return [value.error, value.suppressed, value.cause];
  return [value.cause];
}
