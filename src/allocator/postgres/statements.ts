/**
 * The SQL of the slots. `$1` is the host and `$2` the kind in each, so that no statement can reach
 * the slots of others. What changes several rows takes them in the order of their numbers, so that
 * no two statements wait for one another.
 *
 * @module
 */
import type { Statement } from "./lease.ts";

/**
 * `$3`–`$5` the server, `$6` a token for each slot that is wanted, `$7`–`$8` the range, `$9` the first
 * turn to look at, `$10` the one to stop before. Rows that another claim is about to take are passed
 * over instead of waited for. Numbers come back as float8, which holds every slot and the turns of
 * the next millennia.
 */
export const CLAIM: Statement = {
  name: "blockyard_claim",
  text: `WITH free AS MATERIALIZED (
      SELECT ARRAY(
        SELECT slot FROM blockyard.slots
        WHERE host_id = $1 AND kind = $2 AND server_id IS NULL
          AND slot BETWEEN $7 AND $8 AND turn >= $9 AND turn < $10
        ORDER BY turn LIMIT cardinality($6::text[]) FOR UPDATE SKIP LOCKED
      ) AS picked
    )
    UPDATE blockyard.slots
    SET server_id = $3, pid = $4, started_at = $5, claimed_at = now(),
      token = ($6::text[])[array_position(free.picked, slot)]
    FROM free
    WHERE host_id = $1 AND kind = $2 AND slot = ANY(free.picked)
    RETURNING slot::float8 AS slot, turn::float8 AS turn, token`,
};

const SET_FREE = `UPDATE blockyard.slots
    SET server_id = NULL, pid = NULL, started_at = NULL, token = NULL, claimed_at = NULL,
      turn = nextval('blockyard.turns')`;

/** `$3` slots, `$4` the server, `$5` their tokens: no two claims ever have the same one. */
export const RELEASE: Statement = {
  name: "blockyard_release",
  text: `${SET_FREE}
    WHERE host_id = $1 AND kind = $2 AND slot = ANY($3::bigint[])
      AND server_id = $4 AND token = ANY($5::text[])
    RETURNING slot::float8 AS slot`,
};

/** `$3` the server, `$4` its pid, `$5` its start. */
export const FREE_SERVER: Statement = {
  text: `${SET_FREE}
    WHERE host_id = $1 AND kind = $2 AND server_id = $3 AND pid = $4 AND started_at = $5
    RETURNING slot`,
};

/** `$3`–`$6` the claim, `$7` the slot, `$8` its turn should there be no row any more. */
export const RESTORE: Statement = {
  text: `INSERT INTO blockyard.slots
      (host_id, kind, server_id, pid, started_at, token, slot, turn, claimed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())
    ON CONFLICT (host_id, kind, slot) DO UPDATE
    SET server_id = excluded.server_id, pid = excluded.pid, started_at = excluded.started_at,
      token = excluded.token, claimed_at = excluded.claimed_at
    WHERE slots.server_id IS NULL
      OR (slots.server_id = excluded.server_id AND slots.token = excluded.token)
    RETURNING slot`,
};

/** `$3`–`$4` the slots to add where they are missing, `$5` what makes a slot its first turn. */
export const FILL: Statement = {
  text: `INSERT INTO blockyard.slots (host_id, kind, slot, turn)
    SELECT $1, $2, slot, slot - $5::bigint
    FROM generate_series($3::bigint, $4::bigint) AS slot
    ON CONFLICT DO NOTHING`,
};

/**
 * Tells the planner what the table holds. For a role that does not own the table, or while others do
 * the same, the database does nothing.
 */
export const ANALYZE: Statement = { text: "ANALYZE (SKIP_LOCKED) blockyard.slots" };

/** `$3`–`$4` the range. */
export const COUNT: Statement = {
  name: "blockyard_count",
  text: `SELECT count(*)::float8 AS "rows", count(server_id)::float8 AS "inUse"
    FROM blockyard.slots WHERE host_id = $1 AND kind = $2 AND slot BETWEEN $3 AND $4`,
};

/** `$3` the server. */
export const LIST_OWN: Statement = {
  text: `SELECT slot::float8 AS slot, token FROM blockyard.slots
    WHERE host_id = $1 AND kind = $2 AND server_id = $3`,
};

/** All claims. */
export const LIST_CLAIMS: Statement = {
  name: "blockyard_list_claims",
  text: `SELECT slot::float8 AS slot, server_id AS "serverId", token FROM blockyard.slots
    WHERE host_id = $1 AND kind = $2 AND server_id IS NOT NULL`,
};

/** `$3` the server that asks. */
export const LIST_SERVERS: Statement = {
  text: `SELECT DISTINCT server_id AS "serverId", pid, started_at AS "startedAt"
    FROM blockyard.slots
    WHERE host_id = $1 AND kind = $2 AND server_id IS NOT NULL AND server_id <> $3`,
};
