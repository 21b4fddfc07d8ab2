import type { PostgresConnection } from "./connection.ts";
import type { PostgresSession } from "./lease.ts";

/** A step from one version of the tables to the next. Once released, it never changes. */
export interface Migration {
  /** The version that it leads to: 1, 2 and so on without a gap. */
  readonly version: number;
  /** What it does, for people who look at the table of versions. */
  readonly name: string;
  /** SQL statements; they run inside a transaction. */
  readonly sql: string;
}

/** Tables that belong together and have a version of their own. */
export interface SchemaPart {
  /** What they are called in the table of versions. */
  readonly name: string;
  /** All steps, in order. */
  readonly migrations: readonly Migration[];
}

/** Long enough for another server's migration too, in milliseconds. */
const MIGRATION_DEADLINE_MS = 60_000;

const ACTION = "bring the tables of blockyard up to date";

const FIND_VERSIONS = {
  text: `SELECT to_regclass('blockyard.migrations') IS NOT NULL AS exists`,
};
const FIND_SCHEMA = { text: `SELECT to_regnamespace('blockyard') IS NOT NULL AS exists` };
const READ_VERSION = {
  text: `SELECT coalesce(max(version), 0) AS version FROM blockyard.migrations WHERE part = $1`,
};
const MAKE_VERSIONS = {
  text: `CREATE TABLE IF NOT EXISTS blockyard.migrations (
    part text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (part, version)
  )`,
};
const RECORD = {
  text: `INSERT INTO blockyard.migrations (part, version, name) VALUES ($1, $2, $3)`,
};
/** One at a time; ends with the transaction. */
const LOCK = { text: `SELECT pg_advisory_xact_lock(hashtextextended('blockyard', 0))` };

/**
 * Brings tables to the version that this program knows. Servers may do so at the same time. Where
 * nothing is to be done, reading the table of versions is all the right that is needed.
 *
 * @param connection The database.
 * @param part Which tables, and how to make them.
 * @returns A promise that resolves when the tables are there.
 * @throws {StoreUnavailableError} When the server is away.
 * @throws {Error} When the tables are newer than this program, or the role may not make them.
 */
export async function migrate(connection: PostgresConnection, part: SchemaPart): Promise<void> {
  const latest = part.migrations.length;
  const refuseNewer = (version: number) => {
    if (version <= latest) return;
    throw new Error(
      `cannot use postgres at ${connection.address}: its tables for ${part.name} are of version ` +
        `${version} and this program knows versions up to ${latest}, want a newer program`,
    );
  };
  const found = await connection.transaction((session) => readVersion(session, part.name), {
    action: ACTION,
    deadlineMs: connection.deadlineMs,
  });
  refuseNewer(found);
  if (found === latest) return;
  await connection.transaction(async (session) => {
    await session.query(LOCK);
    if (!await holds(session, FIND_SCHEMA)) {
      await session.query({ text: "CREATE SCHEMA blockyard" });
    }
    await session.query(MAKE_VERSIONS);
    // Another server may have been faster.
    const current = await readVersion(session, part.name);
    refuseNewer(current);
    for (const { version, name, sql } of part.migrations.slice(current)) {
      await session.query({ text: sql });
      await session.query(RECORD, [part.name, version, name]);
    }
  }, { action: ACTION, deadlineMs: MIGRATION_DEADLINE_MS });
}

async function readVersion(session: PostgresSession, part: string): Promise<number> {
  if (!await holds(session, FIND_VERSIONS)) return 0;
  const [row] = await session.query<{ version: number }>(READ_VERSION, [part]);
  return row?.version ?? 0;
}

async function holds(session: PostgresSession, question: { text: string }): Promise<boolean> {
  const [row] = await session.query<{ exists: boolean }>(question);
  return row?.exists === true;
}
