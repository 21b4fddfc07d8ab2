/** Where a Redis server is, and as whom to talk to it. */
export interface RedisTarget {
  /** For messages: `HOST:PORT`, or the path of the socket. Holds no credentials. */
  readonly place: string;
  /** What to connect to. */
  readonly socket:
    | { readonly host: string; readonly port: number; readonly tls: true }
    | { readonly host: string; readonly port: number; readonly tls: false }
    | { readonly path: string; readonly tls: false };
  /** The user, if one is named. */
  readonly username?: string;
  /** The password, if there is one. */
  readonly password?: string;
  /** The number of the database, 0 or above. */
  readonly database: number;
}

/** The port of Redis when a URL names none, as registered with IANA. */
const DEFAULT_PORT = 6379;

const UNIX_URL = /^(?:redis\+)?unix:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?(\/[^?#]+)(?:\?([^#]*))?$/i;

/**
 * Parses the URL of a Redis server.
 *
 * @param url `redis://` or `rediss://` (TLS) as registered with IANA,
 * `redis://user:password@host:6379/0`, or the path of a socket as
 * `redis+unix:///run/redis.sock?db=0`, also written `unix://`.
 * @returns Its parts, decoded.
 * @throws {RangeError} When it is none; the message repeats no part of it, for it can hold a password.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const unix = UNIX_URL.exec(url);
  try {
    return unix ? unixTarget(unix) : tcpTarget(new URL(url));
  } catch {
    throw new RangeError(
      "cannot use this as the URL of Redis: want one such as redis://user:password@host:6379/0, " +
        "rediss://host or redis+unix:///path/of/socket?db=0",
    );
  }
}

function unixTarget([, username, password, path = "", query]: RegExpExecArray): RedisTarget {
  const decoded = decodeURIComponent(path);
  return {
    place: decoded,
    socket: { path: decoded, tls: false },
    ...credentials(username, password),
    database: databaseNumber(new URLSearchParams(query).get("db") ?? ""),
  };
}

function tcpTarget(url: URL): RedisTarget {
  const tls = url.protocol === "rediss:";
  if ((!tls && url.protocol !== "redis:") || url.hostname === "") {
    throw new RangeError("want a scheme of Redis and a host");
  }
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  const host = url.hostname.replaceAll(/[[\]]/g, "");
  return {
    place: `${url.hostname}:${port}`,
    socket: tls ? { host, port, tls: true } : { host, port, tls: false },
    ...credentials(url.username, url.password),
    database: databaseNumber(url.pathname.slice(1)),
  };
}

function credentials(
  username: string | undefined = "",
  password: string | undefined = "",
): Pick<RedisTarget, "username" | "password"> {
  return {
    ...(username === "" ? {} : { username: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
  };
}

function databaseNumber(text: string): number {
  if (!/^\d{0,5}$/.test(text)) throw new RangeError("want the number of a database");
  return Number(text);
}
