import { type AppConfig, appDefaults, type Config } from "#src/config/mod.ts";
import { DEFAULT_LIMITS } from "#src/proxy/mod.ts";
import { networksInUse } from "./networks_in_use.ts";

/**
 * File descriptors of a server that serves nobody: 25 were counted, nine of them the runtime's caches
 * that only a server from the sources has; the rest is for what is read at the same time, connections
 * to stores and requests to the API.
 */
export const BASE_FDS = 64;

/** A waiting launcher: three ends of its standard streams, and a handle on the process. */
export const LAUNCHER_FDS = 4;

/**
 * A worker: two ends of its output and handles on two of its processes while it runs, its input and
 * its port until it has started; one connection at a time for health checks after that.
 */
export const WORKER_FDS = 6;

/** What a worker without a network takes besides: handles on its socket and the folder of it. */
export const SOCKET_FDS = 2;

/**
 * A session: its WebSocket and one more request on average, each a connection from the client and one
 * to the worker. A page that is loaded takes up to seven at once, but not all sessions load at once.
 */
export const SESSION_FDS = 4;

/** What decides about the need. */
type Needing = Pick<Config, "apps" | "process" | "proxy" | "hasDemo">;

/** How many file descriptors a server may come to need. */
export interface FdNeed {
  /** Without any session. */
  readonly workers: number;
  /** With as many sessions as its workers take. */
  readonly withSessions: number;
  /** How many sessions these are. */
  readonly sessions: number;
}

/**
 * Calculates how many file descriptors a server needs when everything that the configuration allows
 * is used.
 *
 * @param config The configuration.
 * @returns The need.
 */
export function fdNeed(
  { apps, process, proxy: { maxWorkers }, hasDemo }: Needing,
): FdNeed {
  const sessions = maxSessions(hasDemo ? [...apps, appDefaults] : apps, maxWorkers);
  const perWorker = WORKER_FDS + (networksInUse({ apps, process }).has("none") ? SOCKET_FDS : 0);
  const workers = BASE_FDS + LAUNCHER_FDS * process.standbyLaunchers + perWorker * maxWorkers;
  // Each connection of a client has at most one to a worker.
  const connections = Math.min(SESSION_FDS * sessions, 2 * DEFAULT_LIMITS.maxConnections);
  return { workers, withSessions: workers + connections, sessions };
}

/**
 * Finds the largest number of workers with which a server gets along.
 *
 * @param config The configuration.
 * @param fds How many file descriptors it may have.
 * @returns The value for `proxy.max_workers`; undefined when none that the configuration allows is
 * small enough.
 */
export function maxWorkersWithin(
  config: Needing,
  fds: number,
): number | undefined {
  const lowest = Math.max(1, config.apps.reduce((sum, { warmWorkers }) => sum + warmWorkers, 0));
  for (let { maxWorkers } = config.proxy; maxWorkers >= lowest; maxWorkers--) {
    const proxy = { ...config.proxy, maxWorkers };
    if (fdNeed({ ...config, proxy }).withSessions <= fds) return maxWorkers;
  }
  return undefined;
}

/** The most sessions there can be: when the apps whose workers take most of them have the workers. */
function maxSessions(
  apps: readonly Pick<AppConfig, "maxSessionsPerWorker" | "maxWorkers">[],
  maxWorkers: number,
): number {
  let left = maxWorkers;
  let sessions = 0;
  for (const app of apps.toSorted((a, b) => b.maxSessionsPerWorker - a.maxSessionsPerWorker)) {
    const workers = Math.min(left, app.maxWorkers);
    sessions += workers * app.maxSessionsPerWorker;
    left -= workers;
  }
  return sessions;
}
