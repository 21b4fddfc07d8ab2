import type { SchemaPart } from "./migrate.ts";

/**
 * The tables of the slots. A row is a slot that some server of a host has had in its range; nothing
 * but its own columns says whether it is claimed.
 *
 * `turn` orders the free slots of a pool: below 0 those that were never used, by number; then those
 * that were freed, by when. Every claim and release changes what `slots_free` covers, so that each
 * leaves an entry of no use in it. Claims begin their search behind those (see `SlotRows`), and the
 * table is vacuumed early and in full, indexes included, so that they do not pile up.
 * https://www.postgresql.org/docs/15/sql-createtable.html#SQL-CREATETABLE-STORAGE-PARAMETERS
 *
 * The longest numbers and names of claims fit a row of 250 bytes; at a fill factor of 50 a page has
 * room for the next version of each of its rows.
 */
export const SLOT_TABLES: SchemaPart = {
  name: "slots",
  migrations: [
    {
      version: 1,
      name: "slots and their claims",
      sql: `
CREATE TABLE blockyard.slots (
  host_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  slot bigint NOT NULL,
  turn bigint NOT NULL,
  server_id text COLLATE "C",
  pid integer,
  started_at text COLLATE "C",
  token text COLLATE "C",
  claimed_at timestamptz,
  PRIMARY KEY (host_id, kind, slot),
  CHECK (num_nulls(server_id, pid, started_at, token, claimed_at) IN (0, 5))
) WITH (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0,
  vacuum_index_cleanup = on,
  vacuum_truncate = off
);
CREATE INDEX slots_free ON blockyard.slots (host_id, kind, turn) WHERE server_id IS NULL;
CREATE SEQUENCE blockyard.turns;
COMMENT ON TABLE blockyard.slots IS
  'Ports and user ids of hosts; a slot without a server_id is free, the lowest turn goes out next';
`,
    },
  ],
};
