/**
 * Claims that are kept in PostgreSQL.
 *
 * @module
 */
export { PostgresAllocator, type PostgresAllocatorOptions } from "./allocator.ts";
export { openPostgres, type PostgresConnection, type PostgresOptions } from "./connection.ts";
export type { PostgresSession, Statement } from "./lease.ts";
export { migrate, type Migration, type SchemaPart } from "./migrate.ts";
export { SLOT_TABLES } from "./migrations.ts";
export type { ServerClaim, SlotObserver } from "./slot_rows.ts";
export type { StoredClaim } from "../unsettled.ts";
