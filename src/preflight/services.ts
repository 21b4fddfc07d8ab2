import type { Config, StoreConfig } from "#src/config/mod.ts";
import { parseIpRange, systemClock } from "#src/core/mod.ts";
import { type ProbeTarget, targetText } from "#src/probe/mod.ts";
import { lookup } from "node:dns/promises";

/** What a worker has no business with. */
export interface Service {
  /** Which; names a chain of rules, too. */
  readonly kind: "redis" | "database" | "server";
  /** Where it is, as it is configured, without credentials. */
  readonly target: ProbeTarget;
}

/** What the services are called in messages. */
export const SERVICE_NAMES = {
  redis: "Redis",
  database: "the database",
  server: "the server itself",
} as const satisfies Record<Service["kind"], string>;

/** A service whose name was looked up. */
export interface LocatedService extends Service {
  /** Each address of it; one with the path for a unix socket. */
  readonly targets: readonly ProbeTarget[];
}

/** How long looking up a name may take, in milliseconds. */
const LOOKUP_TIMEOUT_MS = 2000;
/** The port of Redis when its URL names none. */
const REDIS_PORT = 6379;
/** The port of PostgreSQL when its URL names none. */
const POSTGRES_PORT = 5432;

/**
 * Lists what the server uses or is, and what workers should not reach.
 *
 * @param config What is to run.
 * @param env The variables that the driver of the database reads besides its URL; this process's own
 * if not given.
 * @returns The services; the server itself only when its port is known beforehand.
 */
export function configuredServices(
  { store, server }: Config,
  env: Pick<Deno.Env, "get"> = Deno.env,
): Service[] {
  const services: Service[] = [];
  const redis = redisTarget(store);
  if (redis) services.push({ kind: "redis", target: redis });
  if ("database" in store) {
    services.push({ kind: "database", target: databaseTarget(store.database.url, env) });
  }
  const { hostname, port } = server.bind;
  if (port !== 0) services.push({ kind: "server", target: { kind: "tcp", hostname, port } });
  return services;
}

/**
 * Tells where Redis is.
 *
 * @param store Where servers keep what they share.
 * @returns Its address, without credentials; undefined when there is none.
 */
export function redisTarget(store: StoreConfig): ProbeTarget | undefined {
  if (!("redis" in store)) return undefined;
  const url = parseUrl(store.redis.url);
  if (/^(?:redis\+)?unix:/.test(url.protocol)) {
    return { kind: "unix", path: decodeURIComponent(url.pathname) };
  }
  return tcp(url.hostname, url.port, REDIS_PORT);
}

/**
 * As the driver reads it, `host` and `port` behind the question mark go before those in front, and
 * where there is no port, that of the environment is meant (libpq, 34.15).
 */
function databaseTarget(text: string, env: Pick<Deno.Env, "get">): ProbeTarget {
  const url = parseUrl(text);
  const host = url.searchParams.get("host") || decodeURIComponent(url.hostname);
  const port = url.searchParams.get("port") || url.port || env.get("PGPORT") || "";
  if (host.startsWith("/")) {
    return { kind: "unix", path: `${host}/.s.PGSQL.${port || POSTGRES_PORT}` };
  }
  return tcp(host, port, POSTGRES_PORT);
}

/** A user before an empty host is known to libpq and others, but not to the URL standard. */
function parseUrl(text: string): URL {
  return new URL(text.replace(/^([a-z+]+:\/\/(?:[^@/?#]*@)?)(?=[/?#]|$)/, "$1socket"));
}

function tcp(host: string, port: string, defaultPort: number): ProbeTarget {
  const hostname = host.replace(/^\[(.*)\]$/, "$1");
  return { kind: "tcp", hostname, port: port === "" ? defaultPort : Number(port) };
}

/** How many of a host's own addresses a server is looked for at. */
const MAX_OWN_ADDRESSES = 16;

/**
 * Looks up the addresses of a service, as rules need them.
 *
 * @param service The service.
 * @returns The service with its addresses; a server that listens on every address is looked for on
 * loopback and at the host's own addresses, as far as they need no zone.
 * @throws {Error} When its name is not known.
 */
export async function locateService(service: Service): Promise<LocatedService> {
  const { kind, target } = service;
  if (target.kind === "unix") return { ...service, targets: [target] };
  const { hostname, port } = target;
  const family = wildcardFamily(hostname);
  if (family !== undefined) {
    const own = kind === "server" ? ownAddresses(family) : [];
    const loopback = family === 4
      ? ["127.0.0.1"]
      : ["::1", ...kind === "server" ? ["127.0.0.1"] : []];
    const targets = [...loopback, ...own].map((it) =>
      ({ kind: "tcp", hostname: it, port }) as const
    );
    return { ...service, targets };
  }
  try {
    const addresses = await lookUpName(hostname);
    return {
      ...service,
      targets: addresses.map((address) => ({ kind: "tcp", hostname: address, port })),
    };
  } catch (cause) {
    throw new Error(`cannot look up ${targetText(target)}`, { cause });
  }
}

/**
 * Asks the system for the addresses of a name.
 *
 * @param hostname The name, or an address.
 * @returns Each address once, at least one.
 * @throws {Error} When it is not known, or nobody answers in time.
 */
export async function lookUpName(hostname: string): Promise<string[]> {
  const found = await withinTime(lookup(hostname, { all: true }));
  const addresses = [...new Set(found.map(({ address }) => address))];
  if (addresses.length === 0) throw new Error("it has no address");
  return addresses;
}

/** A lookup that is given up goes on by itself: the system's resolver cannot be told to stop. */
async function withinTime<T>(lookup: Promise<T>): Promise<T> {
  const waiting = new AbortController();
  try {
    return await Promise.race([
      lookup,
      systemClock.sleep(LOOKUP_TIMEOUT_MS, { signal: waiting.signal }).then(() => {
        throw new Error(`no name server answered within ${LOOKUP_TIMEOUT_MS / 1000} s`);
      }),
    ]);
  } finally {
    waiting.abort();
  }
}

/**
 * Tells whether a server listens on every address of the host.
 *
 * @param target Where it listens.
 * @returns Whether it does.
 */
export function isWildcard(target: ProbeTarget): boolean {
  return target.kind === "tcp" && wildcardFamily(target.hostname) !== undefined;
}

/** However the address is written; sockets at that of IPv6 take IPv4 as well, ipv6(7). */
function wildcardFamily(hostname: string): 4 | 6 | undefined {
  const range = parseIpRange(hostname);
  return range?.address === "0.0.0.0" || range?.address === "::" ? range.family : undefined;
}

function ownAddresses(family: 4 | 6): string[] {
  const all = Deno.networkInterfaces().map(({ address }) => address);
  const others = all.filter((address) =>
    !/^(?:127\.|::1$|fe[89ab])/i.test(address) && (family === 6 || !address.includes(":"))
  );
  return [...new Set(others)].slice(0, MAX_OWN_ADDRESSES);
}
