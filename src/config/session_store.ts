import type { RawConfig } from "./schema.ts";
import { DATABASE_URL_FORM, REDIS_URL_FORM } from "./store_url.ts";
import type { Path } from "./tree.ts";
import type { StoreConfig } from "./types.ts";
import type { Finding } from "./validate.ts";

type StoreKind = StoreConfig["kind"];

/** What each store is made of. */
const NEEDS: Readonly<Record<StoreKind, { redis: boolean; database: boolean }>> = {
  memory: { redis: false, database: false },
  redis: { redis: true, database: false },
  postgres: { redis: false, database: true },
  layered: { redis: true, database: true },
};

/**
 * Checks that the store that is asked for is there.
 *
 * @param raw The configuration; its keys must be valid by themselves.
 * @returns What is wrong.
 */
export function checkStore({ proxy, redis, database }: RawConfig): Finding[] {
  const findings: Finding[] = [];
  const halves: Finding["paths"] = [["database", "url"], ["database", "driver"]];
  if (database.url !== "" && database.driver === undefined) {
    const message = 'a URL alone says not what answers there, want "driver: postgres" beside it';
    findings.push({ paths: halves, message });
  }
  if (database.url === "" && database.driver !== undefined) {
    const message = `${database.driver} needs database.url, want ${DATABASE_URL_FORM} there`;
    findings.push({ paths: [["database", "driver"], ["database", "url"]], message });
  }
  if (proxy.session_store === "auto") return findings;
  const needs = NEEDS[proxy.session_store];
  const missing: { path: Path; want: string }[] = [];
  if (needs.redis && redis.url === "") {
    missing.push({ path: ["redis", "url"], want: REDIS_URL_FORM });
  }
  if (needs.database && database.driver === undefined && database.url === "") {
    missing.push({
      path: ["database", "url"],
      want: `${DATABASE_URL_FORM} with "driver: postgres" beside it`,
    });
  }
  if (missing.length > 0) {
    const keys = missing.map(({ path }) => path.join(".")).join(" and ");
    const wants = missing.map(({ want }) => want).join(" and ");
    findings.push({
      paths: [["proxy", "session_store"], ...missing.map(({ path }) => path)],
      message: `${proxy.session_store} needs ${keys}, want ${wants} there`,
    });
  }
  return findings;
}

/**
 * Picks the store that servers share.
 *
 * @param raw A configuration that has passed {@linkcode checkStore}.
 * @returns The one that is asked for; for `auto`, what is configured.
 */
export function chooseStore(raw: RawConfig): StoreConfig {
  const redis = { url: raw.redis.url, keyPrefix: raw.redis.key_prefix };
  const database = { url: raw.database.url };
  const { session_store: wanted } = raw.proxy;
  const kind = wanted === "auto"
    ? configured({ redis: redis.url !== "", database: database.url !== "" })
    : wanted;
  switch (kind) {
    case "memory":
      return { kind };
    case "redis":
      return { kind, redis };
    case "postgres":
      return { kind, database };
    case "layered":
      return { kind, redis, database };
  }
}

function configured({ redis, database }: { redis: boolean; database: boolean }): StoreKind {
  if (redis) return database ? "layered" : "redis";
  return database ? "postgres" : "memory";
}
