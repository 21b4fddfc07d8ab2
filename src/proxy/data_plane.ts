import {
  type AppName,
  type Clock,
  errorMessage,
  type Logger,
  type WorkerId,
} from "#src/core/mod.ts";
import type { Backend, WorkerAddress } from "#src/backend/mod.ts";
import { Admissions } from "./admission.ts";
import type { AppDefinition } from "./apps.ts";
import { Forwarding } from "./forwarded.ts";
import type { Decide } from "./http/mod.ts";
import { WorkerPlaces } from "./places.ts";
import { createRouter } from "./router.ts";
import { MemorySessionStore } from "./sessions.ts";
import { type PooledWorkerInfo, WorkerPool } from "./worker_pool.ts";

/** How often expired sessions, idle workers and workers to be kept ready are looked after. */
const TEND_INTERVAL_MS = 1000;

/** How much the data plane may use, and how long things may take. */
export interface DataPlaneLimits {
  /** How many workers all apps together may have, 1 or more. */
  readonly maxWorkers: number;
  /** How long a session without a request or an open WebSocket lives, in milliseconds. */
  readonly sessionIdleTtlMs: number;
  /** How long a worker without sessions is kept, in milliseconds. */
  readonly idleWorkerTimeoutMs: number;
  /** How long a worker may take to start, and a request waits for a place; milliseconds. */
  readonly workerStartTimeoutMs: number;
  /** How often ready workers are looked at, in milliseconds. */
  readonly healthIntervalMs: number;
}

/** What a data plane is made of. */
export interface DataPlaneOptions {
  /** What runs the workers. */
  readonly backend: Backend;
  /** The apps to serve, each name once. */
  readonly apps: readonly AppDefinition[];
  /** How much they may use. */
  readonly limits: DataPlaneLimits;
  /** Answers requests below `/api`; without it there is nothing. */
  readonly api?: (request: Request) => Promise<Response>;
  /** Networks in CIDR notation whose word about clients is believed. */
  readonly trustedProxies: readonly string[];
  /** What every wait goes by. */
  readonly clock: Clock;
  /** Told what happens to workers. */
  readonly log: Logger;
  /**
   * Told when a worker ends: as soon as that is known or wanted, and again once its address can be
   * used by another. Connections that are kept open to the address must be dropped then.
   */
  readonly onWorkerGone?: (address: WorkerAddress) => void;
}

/** An app as it is now. */
export interface AppStats {
  /** Its name. */
  readonly app: AppName;
  /** Its workers that hold a place, in the order they were started. */
  readonly workers: readonly PooledWorkerInfo[];
  /** How many requests wait for a worker. */
  readonly waiting: number;
}

/** What brings requests to workers. */
export interface DataPlane {
  /** Decides about each request. */
  readonly decide: Decide;
  /** Starts the workers to be kept ready, and looks after sessions and workers from now on. */
  start(): void;
  /** Takes no more sessions; those that exist go on. */
  drain(): void;
  /**
   * Takes no more sessions and stops every worker.
   *
   * @param options `graceMs` as for `Backend.stop`.
   * @returns When every worker has ended and nothing runs any more.
   */
  close(options?: { graceMs?: number }): Promise<void>;
  /**
   * Tells how it goes.
   *
   * @returns Every app, in the order of the definitions.
   */
  stats(): AppStats[];
  /**
   * Counts the sessions that are held to a worker.
   *
   * @param id The worker.
   * @returns Their number; 0 for one that serves none or is not known.
   */
  sessionsOf(id: WorkerId): number;
}

/**
 * Puts the data plane together. Nothing runs before a request comes or it is started.
 *
 * @param options The parts to use.
 * @returns The data plane.
 * @throws {RangeError} When two apps have one name, or a trusted proxy is no network.
 */
export function createDataPlane(options: DataPlaneOptions): DataPlane {
  const { backend, clock, limits, log } = options;
  const forwarding = new Forwarding(options.trustedProxies);
  const sessions = new MemorySessionStore(clock, { idleTtlMs: limits.sessionIdleTtlMs });
  const places = new WorkerPlaces(limits.maxWorkers, { onFull: () => makeRoom(places, pools) });
  const pools = new Map<AppName, WorkerPool>();
  for (const app of options.apps) {
    if (pools.has(app.name)) {
      throw new RangeError(`cannot serve two apps of the name "${app.name}": want one of each`);
    }
    const pool = new WorkerPool(app, {
      backend,
      clock,
      log,
      places,
      workerStartTimeoutMs: limits.workerStartTimeoutMs,
      idleWorkerTimeoutMs: limits.idleWorkerTimeoutMs,
      onWorkerEnd({ id, address }) {
        options.onWorkerGone?.(address);
        sessions.removeWorker(id);
      },
    });
    pools.set(app.name, pool);
  }

  function tend(): void {
    for (const { app, worker } of sessions.sweep()) pools.get(app)?.leave(worker);
    for (const pool of pools.values()) pool.tend();
  }

  async function checkHealth(): Promise<void> {
    await Promise.all([...pools.values()].map((pool) => pool.checkHealth()));
  }

  const closing = new AbortController();
  const loops: Promise<void>[] = [];
  const every = (intervalMs: number, action: () => void | Promise<void>) =>
    loops.push(repeat(action, { intervalMs, clock, log, signal: closing.signal }));

  function drain(): void {
    for (const pool of pools.values()) pool.drain();
  }

  return {
    decide: createRouter({
      pools,
      admissions: new Admissions(sessions, log),
      api: options.api,
      forwarding,
      log,
    }),
    start() {
      tend();
      every(TEND_INTERVAL_MS, tend);
      every(limits.healthIntervalMs, checkHealth);
    },
    drain,
    async close(closeOptions) {
      closing.abort();
      drain();
      await Promise.all([...pools.values()].map((pool) => pool.close(closeOptions)));
      await Promise.all(loops);
    },
    sessionsOf(id) {
      for (const pool of pools.values()) {
        const worker = pool.workers().find((each) => each.id === id);
        if (worker !== undefined) return worker.sessions;
      }
      return 0;
    },
    stats: () =>
      [...pools.values()].map((pool) => ({
        app: pool.app.name,
        workers: pool.workers(),
        waiting: pool.waiting,
      })),
  };
}

/** Stops the longest unused worker there is, unless as many are ending as apps wait for places. */
function makeRoom(places: WorkerPlaces, pools: ReadonlyMap<AppName, WorkerPool>): void {
  let longestUnused: WorkerPool | undefined;
  let ending = 0;
  for (const pool of pools.values()) {
    ending += pool.workers().filter(({ state }) => state === "stopping").length;
    if (pool.spareSinceMs === undefined) continue;
    if (pool.spareSinceMs < (longestUnused?.spareSinceMs ?? Infinity)) longestUnused = pool;
  }
  if (ending < places.queued) longestUnused?.yieldSpare();
}

async function repeat(
  action: () => void | Promise<void>,
  options: { intervalMs: number; clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const { intervalMs, clock, log, signal } = options;
  while (true) {
    await clock.sleep(intervalMs, { signal });
    if (signal.aborted) return;
    try {
      await action();
    } catch (error) {
      log.error("cannot look after the workers", { error: errorMessage(error) });
    }
  }
}
