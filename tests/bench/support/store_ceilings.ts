import { run } from "#scripts/support/run.ts";
import type { PostgresServer } from "#tests/support/postgres_server.ts";
import type { RedisServer } from "#tests/support/redis_server.ts";

/** How a store's own program loads it. */
export interface CeilingLoad {
  /** How many connections ask at a time, each waiting for its answer. */
  readonly clients: number;
  /** For how long, in seconds; about, where the program counts requests. */
  readonly seconds: number;
}

/** About what redis-benchmark reaches, to turn seconds into requests. */
const REDIS_PER_SECOND = 50_000;

/**
 * Measures how many scripts of one line Redis runs in a second, by redis-benchmark.
 *
 * @param server The server.
 * @param load How.
 * @returns Scripts in a second.
 */
export async function redisCeiling(
  server: RedisServer,
  { clients, seconds }: CeilingLoad,
): Promise<number> {
  const sha = await server.cli("SCRIPT", "LOAD", "return redis.call('HINCRBY', KEYS[1], 'n', 1)");
  const requests = Math.round(REDIS_PER_SECOND * seconds);
  const csv = await run("redis-benchmark", [
    ...["-p", String(server.port), "-c", String(clients), "-n", String(requests), "--csv"],
    ...["EVALSHA", sha, "1", "{bench}:key"],
  ]);
  return numberIn(csv, /^"EVALSHA[^"]*","([\d.]+)"/m);
}

/** Rows of the table that pgbench changes, one of them with each transaction. */
const ROWS = 1000;

/**
 * Makes what {@linkcode postgresCeiling} works on.
 *
 * @param server The server.
 */
export async function prepareCeiling(server: PostgresServer): Promise<void> {
  await server.psql(
    `CREATE TABLE ceiling (id int PRIMARY KEY, n int NOT NULL) WITH (fillfactor = 50);
     INSERT INTO ceiling SELECT id, 0 FROM generate_series(1, ${ROWS}) AS id`,
  );
}

/**
 * Measures how many rows PostgreSQL changes in a second, each by its key and in a transaction of its
 * own, by pgbench with prepared statements.
 *
 * @param server The server, prepared.
 * @param options How, and `folder` for a file.
 * @returns Transactions in a second.
 */
export async function postgresCeiling(
  server: PostgresServer,
  { clients, seconds, folder }: CeilingLoad & { folder: string },
): Promise<number> {
  const script = `${folder}/update.sql`;
  await Deno.writeTextFile(
    script,
    `\\set id random(1, ${ROWS})\nUPDATE ceiling SET n = n + 1 WHERE id = :id;\n`,
  );
  const text = await run("pgbench", [
    ...["-h", server.socketFolder, "-p", String(server.port), "-U", "postgres", "-n"],
    ...["-M", "prepared", "-c", String(clients), "-T", String(seconds), "-f", script, "postgres"],
  ]);
  return numberIn(text, /^tps = ([\d.]+)/m);
}

function numberIn(text: string, pattern: RegExp): number {
  const number = Number(pattern.exec(text)?.[1]);
  if (!(number > 0)) throw new Error(`no number in what the program wrote: ${text}`);
  return number;
}
