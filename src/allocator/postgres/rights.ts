import type { PostgresConnection } from "./connection.ts";

/** All that a server needs once the tables are there. */
const MISSING_RIGHTS = {
  text: `SELECT wanted FROM (VALUES
    ('SELECT on blockyard.slots', has_table_privilege('blockyard.slots', 'SELECT')),
    ('INSERT on blockyard.slots', has_table_privilege('blockyard.slots', 'INSERT')),
    ('UPDATE on blockyard.slots', has_table_privilege('blockyard.slots', 'UPDATE')),
    ('USAGE on blockyard.turns', has_sequence_privilege('blockyard.turns', 'USAGE'))
  ) AS needed (wanted, is_granted) WHERE NOT is_granted`,
};

/**
 * Sees at the start that no right will be missing later, in the middle of a spawn.
 *
 * @param connection The database, with its tables.
 * @returns A promise that resolves when the role has what it needs.
 * @throws {StoreUnavailableError} When the server is away.
 * @throws {Error} When it lacks rights; the message lists them.
 */
export async function requireRights(connection: PostgresConnection): Promise<void> {
  const missing = await connection.run<{ wanted: string }>(MISSING_RIGHTS, [], {
    action: "look at the rights on the tables of blockyard",
  });
  if (missing.length === 0) return;
  throw new Error(
    `cannot use postgres at ${connection.address}: the role of its URL lacks rights, want ` +
      missing.map(({ wanted }) => wanted).join(", "),
  );
}
