import { formatDuration, StoreUnavailableError } from "#src/core/mod.ts";

/** What was tried, and where. */
export interface StoreCall {
  /** What was to be done: `claim a port`. */
  readonly action: string;
  /** The server as `HOST:PORT` or the path of its socket. */
  readonly address: string;
  /** How long it could take, in milliseconds. */
  readonly deadlineMs: number;
}

/** SQLSTATE of a change on a standby, or in a session that may only read. */
export const READ_ONLY = "25006";

/**
 * Classes of SQLSTATE that pass without anybody changing the configuration: connection, conflict
 * between transactions, resources, state of an object, operator, system.
 * https://www.postgresql.org/docs/15/errcodes-appendix.html
 */
const PASSING_CLASSES: ReadonlySet<string> = new Set(["08", "40", "53", "55", "57", "58"]);

/** query_canceled, which statement_timeout causes, and lock_not_available. */
const TOO_SLOW: ReadonlySet<string> = new Set(["57014", "55P03"]);

/**
 * Makes the error for a call that took too long.
 *
 * @param call What was tried.
 * @returns The error, to be thrown.
 */
export function tooSlow(call: StoreCall): StoreUnavailableError {
  return new StoreUnavailableError(
    `${start(call)} did not answer within ${formatDuration(call.deadlineMs)}`,
  );
}

/**
 * Says what went wrong in a call, without the credentials it was made with.
 *
 * @param cause What the driver threw.
 * @param call What was tried.
 * @returns A `StoreUnavailableError` when trying again later can succeed without any change to the
 * configuration, else an `Error` whose message says what is wanted; the cause is kept in both.
 */
export function storeFailure(cause: unknown, call: StoreCall): Error {
  const said = cause instanceof Error ? cause.message : String(cause);
  const state = sqlState(cause);
  if (state === undefined) {
    // What the driver says when the server asks for a password and there is none.
    if (said.startsWith("SASL")) return refused(cause, call);
    return new StoreUnavailableError(`${start(call)} cannot be reached: ${said}`, { cause });
  }
  if (TOO_SLOW.has(state)) return Object.assign(tooSlow(call), { cause });
  if (state === READ_ONLY) {
    return new StoreUnavailableError(
      `${start(call)} takes no changes, it is a standby or set to read-only: want the primary`,
      { cause },
    );
  }
  if (PASSING_CLASSES.has(state.slice(0, 2))) {
    return new StoreUnavailableError(`${start(call)} is not ready: ${said}`, { cause });
  }
  if (state === "28P01") return refused(cause, call);
  if (state === "42501") {
    return new Error(`${start(call)} does not allow it: ${said}`, { cause });
  }
  return new Error(`${start(call)} refuses it: ${said}`, { cause });
}

function refused(cause: unknown, call: StoreCall): Error {
  return new Error(
    `${start(call)} does not accept the user and password: want those of a role that may log in, ` +
      "in the URL or in PGPASSFILE",
    { cause },
  );
}

function start({ action, address }: StoreCall): string {
  return `cannot ${action}: postgres at ${address}`;
}

/** The five characters that the server puts on every error; the system's own codes have other forms. */
function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)
    ? code
    : undefined;
}
