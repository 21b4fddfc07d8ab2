/**
 * Puts a whole server together.
 *
 * @module
 */
import { getresuid, openLibc } from "#ffi/mod.ts";
import { createApi } from "#src/api/mod.ts";
import type { Backend } from "#src/backend/mod.ts";
import type { Config } from "#src/config/mod.ts";
import { errorMessage, type Logger, systemClock } from "#src/core/mod.ts";
import { type PreflightReport, reportJson } from "#src/preflight/mod.ts";
import { type AppDefinition, createDataPlane, serveHttp } from "#src/proxy/mod.ts";
import { ADMIN_TOKEN_NAME, readAdminToken } from "./admin_token.ts";
import { DataDir } from "./data_dir.ts";
import { openBackend } from "./host_backend.ts";
import { sweepOrphans } from "./orphan_sweep.ts";

/** A running server. */
export interface Server {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Stops it: no new connections, then every worker, then everything else. A second call joins the
   * first.
   *
   * @returns A promise that resolves when no worker is left.
   */
  shutdown(): Promise<void>;
}

/** How long an app may take to finish when the server stops, in milliseconds. */
const WORKER_GRACE_MS = 5000;
/** How often a server looks for slots of servers that are gone, in milliseconds. */
const ORPHAN_SWEEP_MS = 60_000;

/**
 * Starts a server.
 *
 * @param config The whole configuration but for the apps.
 * @param options `apps` are served; `preflight` is what the host was found to be, if that was looked
 * at; `log` gets what happens.
 * @returns The server, listening.
 * @throws {Error} As `openBackend`, or when the address cannot be listened on.
 */
export async function startServer(
  config: Config,
  { apps, preflight, log }: {
    apps: readonly AppDefinition[];
    preflight?: PreflightReport | undefined;
    log: Logger;
  },
): Promise<Server> {
  await using opened = new AsyncDisposableStack();
  const listener = listen(config.server.bind);
  let isServed = false;
  opened.defer(() => {
    if (!isServed) listener.close();
  });
  const { backend, identity, missingLayers } = opened.use(
    await openBackend(config.process, {
      limits: {
        memoryBytes: config.server.defaultMemoryBytes,
        cpuCores: config.server.defaultCpuCores,
        pids: config.server.defaultPidsLimit,
      },
      store: config.store,
      log,
    }),
  );
  for (const layer of missingLayers) log.warn("isolation is incomplete", { missing: layer });
  const dataDir = await DataDir.open(config.server.dataDir, { uid: identity.uid });
  const token = await adminToken(config.server, { dataDir, uid: identity.uid });
  await warnOfMissingR(backend, { apps, log });
  opened.use(sweeping(backend, log));

  const plane = createDataPlane({
    backend,
    apps,
    limits: config.proxy,
    api: createApi({
      token,
      preflight: preflight && reportJson(preflight),
      backend,
      sessionsOf: (id) => plane.sessionsOf(id),
      log,
    }),
    trustedProxies: config.server.trustedProxies,
    clock: systemClock,
    log,
    onWorkerGone: (address) => http.forgetUpstream(address),
  });
  const url = urlOf(listener.addr);
  const startedAt = new Date(systemClock.now()).toISOString();
  await dataDir.announce({ pid: Deno.pid, url, startedAt });
  opened.defer(() => dataDir.retract(Deno.pid));
  const http = serveHttp(listener, { decide: plane.decide, log });
  isServed = true;
  plane.start();
  const running = opened.move();

  const { shutdownTimeoutMs } = config.server;
  let stopping: Promise<void> | undefined;
  const shutdown = async () => {
    const graceMs = Math.min(WORKER_GRACE_MS, shutdownTimeoutMs);
    await Promise.all([
      http.shutdown({ graceMs: shutdownTimeoutMs }),
      // The tunnels to a worker end with it.
      plane.close({ graceMs }).then(() => http.shutdown({ graceMs: 0 })),
    ]);
    await running.disposeAsync();
  };
  return { url, shutdown: () => stopping ??= shutdown() };
}

/**
 * Asks the kernel whether this process is root, which decides some defaults.
 *
 * @returns Whether the effective user id is 0.
 */
export function isRoot(): boolean {
  using libc = openLibc();
  return getresuid(libc).effective === 0;
}

function listen({ hostname, port }: Config["server"]["bind"]): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    throw new Error(`cannot listen on ${hostname}:${port}, want a free address of this host`, {
      cause: error,
    });
  }
}

function urlOf({ hostname, port }: Deno.NetAddr): string {
  return `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** A file that the configuration names is there, or something is wrong. */
function adminToken(
  { adminTokenFile }: Config["server"],
  { dataDir, uid }: { dataDir: DataDir; uid: number },
): Promise<string> {
  return adminTokenFile === undefined
    ? readAdminToken(`${dataDir.path}/${ADMIN_TOKEN_NAME}`, { uid, create: true })
    : readAdminToken(adminTokenFile, { uid, create: false });
}

/** One app that cannot run is no reason to keep the others from running. */
async function warnOfMissingR(
  backend: Backend,
  { apps, log }: { apps: readonly AppDefinition[]; log: Logger },
): Promise<void> {
  for (const { name, rVersion } of apps) {
    await backend.checkRVersion(rVersion).catch((error) =>
      log.warn("an app cannot be served", { app: name, error: errorMessage(error) })
    );
  }
}

function sweeping(backend: Backend, log: Logger): AsyncDisposable {
  const ending = new AbortController();
  const sweep = sweepOrphans(() => backend.cleanupOrphanResources(), {
    intervalMs: ORPHAN_SWEEP_MS,
    signal: ending.signal,
    clock: systemClock,
    log,
  });
  return {
    [Symbol.asyncDispose]() {
      ending.abort();
      return sweep;
    },
  };
}
