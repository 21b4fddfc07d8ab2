import type { Client } from "pg";
import { UsageError } from "#src/core/mod.ts";

const WANTED = "want postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or " +
  "postgresql:///DATABASE?host=/FOLDER for the socket in a folder";

/**
 * Tells which server a URL means.
 *
 * @param url The URL; what it leaves out comes from the environment (PGHOST, PGPORT).
 * @param parse Reads it as the driver does, so that both mean the same server.
 * @returns `HOST:PORT`, or the path of the socket: text for messages, without credentials.
 * @throws {UsageError} When it is no URL of a PostgreSQL server, or names a file that cannot be
 * read; the URL is not repeated, for it may hold a password.
 */
export function postgresAddress(
  url: string,
  parse: (url: string) => Pick<Client, "host" | "port">,
): string {
  if (!/^postgres(?:ql)?:\/\//.test(url)) {
    throw new UsageError(`cannot use the URL of the database: ${WANTED}`);
  }
  try {
    const { host, port } = parse(url);
    if (!(port >= 1 && port <= 65535)) throw new RangeError("no port");
    if (host.startsWith("/")) return `${host}/.s.PGSQL.${port}`;
    return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  } catch (error) {
    // Only errors of the file system are safe to show: a certificate that cannot be read.
    const reason = error instanceof Error && "syscall" in error ? `: ${error.message}` : "";
    throw new UsageError(`cannot use the URL of the database${reason}: ${WANTED}`);
  }
}
