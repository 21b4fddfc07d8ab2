/**
 * URLs of stores. They can hold passwords, so that no message repeats any part of one.
 *
 * @module
 */

/** How a URL of Redis can look, for messages. */
export const REDIS_URL_FORM = "a URL such as redis://127.0.0.1:6379";

/** How a URL of PostgreSQL can look, for messages. */
export const DATABASE_URL_FORM = "a URL such as postgresql://blockyard@127.0.0.1/blockyard";

const REDIS_SCHEMES = ["redis:", "rediss:", "redis+unix:", "unix:"];

/**
 * Checks the URL of a Redis server.
 *
 * @param text `redis://` or `rediss://` (TLS) with user and password where the server wants them, a
 * host, a port if it is not 6379 and the number of a database if it is not 0:
 * `redis://user:password@host:6379/0`; or `redis+unix:///path/of/socket`, also written `unix://`,
 * with `?db=0` and credentials before the path. Empty for none.
 * @returns The same text.
 * @throws {RangeError} When it is none.
 */
export function checkRedisUrl(text: string): string {
  if (text === "") return text;
  const refuse = (problem: string) => refusal("Redis", problem, REDIS_URL_FORM);
  const scheme = schemeOf(text);
  if (!REDIS_SCHEMES.includes(scheme)) {
    throw refuse("its scheme is none of redis, rediss, redis+unix and unix");
  }
  const { url, hasHost } = parse(text, refuse);
  if (scheme.endsWith("unix:")) {
    if (hasHost || url.pathname.length < 2) {
      throw refuse("it names no absolute path of a socket after the three slashes");
    }
    checkDatabaseNumber(url.searchParams.get("db") ?? "", refuse);
  } else {
    if (!hasHost) throw refuse("it names no host");
    if (url.search !== "" || url.hash !== "") throw refuse("something follows the database");
    checkDatabaseNumber(url.pathname.slice(1), refuse);
  }
  return text;
}

/**
 * Checks the URL of a PostgreSQL database, a connection URI as in the manual of libpq, 34.1.1.2.
 *
 * @param text `postgresql://` or `postgres://` with a user and a host, or with the folder of its
 * socket as `?host=/path`, and the name of the database. Empty for none.
 * @returns The same text.
 * @throws {RangeError} When it is none.
 */
export function checkDatabaseUrl(text: string): string {
  if (text === "") return text;
  const refuse = (problem: string) => refusal("PostgreSQL", problem, DATABASE_URL_FORM);
  if (!["postgresql:", "postgres:"].includes(schemeOf(text))) {
    throw refuse("its scheme is neither postgresql nor postgres");
  }
  const { url, hasHost } = parse(text, refuse);
  if (!hasHost && (url.searchParams.get("host") ?? "") === "") throw refuse("it names no host");
  if (url.pathname.length < 2) throw refuse("it names no database after the host");
  return text;
}

/**
 * Checks what the names of all keys in Redis begin with.
 *
 * @param text At most 64 of what can be seen in ASCII, without braces: what is in braces decides
 * where a cluster keeps a key.
 * @returns The same text.
 * @throws {RangeError} When it will not do.
 */
export function checkKeyPrefix(text: string): string {
  if (!/^[!-z|~]{0,64}$/.test(text)) {
    throw new RangeError(
      `cannot use ${JSON.stringify(text.slice(0, 80))} before the names of keys: want up to 64 ` +
        "letters, digits and signs without spaces and braces",
    );
  }
  return text;
}

function schemeOf(text: string): string {
  return /^([a-z+]+:)\/\//.exec(text)?.[1] ?? "";
}

function parse(
  text: string,
  refuse: (problem: string) => RangeError,
): { url: URL; hasHost: boolean } {
  // A user before an empty host is known to libpq and others, but not to the URL standard.
  const filled = text.replace(/^([a-z+]+:\/\/(?:[^@/?#]*@)?)(?=[/?#]|$)/, "$1socket");
  if (!URL.canParse(filled)) throw refuse("its parts cannot be told apart");
  const url = new URL(filled);
  try {
    for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part);
  } catch {
    throw refuse("a % in it is not followed by two hexadecimal digits, want %25 for a plain one");
  }
  return { url, hasHost: filled === text };
}

function checkDatabaseNumber(number: string, refuse: (problem: string) => RangeError): void {
  if (!/^\d{0,5}$/.test(number)) throw refuse("its database is no number");
}

function refusal(store: string, problem: string, form: string): RangeError {
  return new RangeError(`cannot use this as the URL of ${store}: ${problem}, want ${form}`);
}
