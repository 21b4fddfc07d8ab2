import type { ClientBase } from "pg";
import { READ_ONLY } from "./failure.ts";

/**
 * Sets up a fresh connection. The server gives up a statement somewhat before its caller does, so
 * that the outcome is known and the connection can go on.
 *
 * @param client The connection.
 * @param options `deadlineMs` is the deadline of every call, in milliseconds.
 * @returns A promise that resolves when the connection can be used.
 * @throws {Error} With code 25006 when it can only read: a standby, or
 * `default_transaction_read_only`; or what the server says.
 */
export async function prepareSession(
  client: Pick<ClientBase, "query" | "on">,
  { deadlineMs }: { deadlineMs: number },
): Promise<void> {
  // What breaks a connection fails the call that uses it; the event only says it again.
  client.on("error", () => {});
  const setUp = {
    text: `SELECT set_config('statement_timeout', $1, false),
      set_config('idle_in_transaction_session_timeout', $1, false),
      current_setting('transaction_read_only') AS "readOnly"`,
    values: [String(Math.max(1, Math.floor(deadlineMs * 0.9)))],
    // The pool does not limit how long this takes.
    query_timeout: deadlineMs,
  };
  const { rows: [session] } = await client.query<{ readOnly: string }>(setUp);
  if (session?.readOnly === "on") {
    throw Object.assign(new Error("the session is read-only"), { code: READ_ONLY });
  }
}
