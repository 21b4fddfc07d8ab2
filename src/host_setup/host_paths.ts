import type { Config, StoreConfig } from "#src/config/mod.ts";

/** What of the host's files a server needs, besides the system's own programs. */
export interface HostPaths {
  /** Absolute paths of what it reads or connects to. */
  readonly read: readonly string[];
  /** Absolute paths of what it or its workers write. */
  readonly written: readonly string[];
}

/**
 * Lists the files and folders that a configuration names.
 *
 * @param config The configuration.
 * @param files `executable` and `configPath` are read, too.
 * @returns The paths, each once.
 */
export function hostPaths(
  { server, process, store, apps }: Config,
  { executable, configPath }: { executable: string; configPath: string | undefined },
): HostPaths {
  const mounts = apps.flatMap((app) => app.mounts);
  const programs = [process.bwrapPath, process.rPath].filter((path) => path.startsWith("/"));
  const read = [
    executable,
    configPath,
    server.adminTokenFile,
    process.seccompProfile?.kind === "file" ? process.seccompProfile.path : undefined,
    process.rigBase,
    ...programs,
    ...storeSockets(store),
    ...apps.map(({ path }) => path),
    ...mounts.filter(({ readOnly }) => readOnly).map(({ source }) => source),
  ];
  const written = [
    server.dataDir,
    ...mounts.filter(({ readOnly }) => !readOnly).map(({ source }) => source),
  ];
  return {
    read: [...new Set(read.filter((path) => path !== undefined))],
    written: [...new Set(written)],
  };
}

/**
 * Lists the unix sockets at which a server reaches its stores.
 *
 * @param store Where it keeps what servers share.
 * @returns Absolute paths: of the socket of Redis, of the folder with PostgreSQL's.
 */
export function storeSockets(store: StoreConfig): string[] {
  const sockets: string[] = [];
  if ("redis" in store) {
    const path = /^(?:redis\+)?unix:\/\/[^/]*(\/[^?#]+)/.exec(store.redis.url)?.[1];
    if (path !== undefined) sockets.push(decodeURIComponent(path));
  }
  if ("database" in store) {
    // As the driver reads it, the host behind the question mark goes before the one in front.
    const [, authority = "", query = ""] =
      /^[a-z]+:\/\/(?:[^@/?#]*@)?([^/?#]*)[^?]*(?:\?(.*))?$/.exec(store.database.url) ?? [];
    const host = new URLSearchParams(query).get("host") || decodeURIComponent(authority);
    if (host.startsWith("/")) sockets.push(host);
  }
  return sockets;
}

/**
 * Tells whether a path is a folder or lies in it.
 *
 * @param path Absolute path without `..`.
 * @param folder Absolute path of the folder.
 * @returns Whether it does.
 */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
