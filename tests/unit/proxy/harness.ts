import { silentLogger, toAppName, type WorkerId } from "#src/core/mod.ts";
import type { WorkerAddress } from "#src/backend/mod.ts";
import type { AppDefinition } from "#src/proxy/apps.ts";
import { createDataPlane, type DataPlane, type DataPlaneLimits } from "#src/proxy/data_plane.ts";
import type { RequestHead, Verdict } from "#src/proxy/http/mod.ts";
import { WorkerPlaces } from "#src/proxy/places.ts";
import { WorkerPool, type WorkerPoolOptions } from "#src/proxy/worker_pool.ts";
import { assert, fail } from "#tests/support/assert.ts";
import { FakeBackend } from "#tests/support/fake_backend.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";

/** Every test looks for what it leaves behind. */
export const strict = { sanitizeOps: true, sanitizeResources: true };

/** A signal that is never aborted. */
export const patient: AbortSignal = new AbortController().signal;

export function app(overrides: Partial<AppDefinition> | { name: string } = {}): AppDefinition {
  const { name = "hello", ...rest } = overrides;
  return {
    source: { kind: "directory", path: "/srv/apps/hello" },
    network: "host",
    rVersion: "",
    maxSessionsPerWorker: 1,
    maxWorkers: 10,
    warmWorkers: 0,
    memoryBytes: 0,
    cpuCores: 0,
    env: {},
    mounts: [],
    ...rest,
    name: toAppName(name),
  };
}

export interface PoolRig {
  readonly pool: WorkerPool;
  readonly backend: FakeBackend;
  readonly clock: FakeClock;
  readonly ended: { id: WorkerId; address: WorkerAddress }[];
}

/** A pool over a fake backend. Starts may take 60 s, idle workers are kept for 5 min. */
export function poolRig(
  definition: Partial<AppDefinition> = {},
  overrides: Partial<WorkerPoolOptions> = {},
): PoolRig {
  const clock = new FakeClock();
  const backend = new FakeBackend(clock);
  const ended: { id: WorkerId; address: WorkerAddress }[] = [];
  const pool = new WorkerPool(app(definition), {
    backend,
    clock,
    log: silentLogger,
    places: new WorkerPlaces(100),
    workerStartTimeoutMs: 60_000,
    idleWorkerTimeoutMs: 300_000,
    onWorkerEnd: ({ id, address }) => ended.push({ id, address }),
    ...overrides,
  });
  return { pool, backend, clock, ended };
}

export interface PlaneRig {
  readonly plane: DataPlane;
  readonly backend: FakeBackend;
  readonly clock: FakeClock;
  /** The ports that `onWorkerGone` was told of. */
  readonly gone: WorkerAddress[];
  /** Asks for a verdict, from a browser at 127.0.0.1 if not said otherwise. */
  ask(target: string, overrides?: Partial<RequestHead>, signal?: AbortSignal): Promise<Verdict>;
}

/** A data plane over a fake backend, not started. */
export function planeRig(
  options: {
    apps?: AppDefinition[];
    limits?: Partial<DataPlaneLimits>;
    trustedProxies?: string[];
    api?: (request: Request) => Promise<Response>;
  } = {},
): PlaneRig {
  const clock = new FakeClock();
  const backend = new FakeBackend(clock);
  const gone: WorkerAddress[] = [];
  const plane = createDataPlane({
    backend,
    clock,
    log: silentLogger,
    apps: options.apps ?? [app()],
    trustedProxies: options.trustedProxies ?? [],
    ...(options.api && { api: options.api }),
    limits: {
      maxWorkers: 100,
      sessionIdleTtlMs: 3_600_000,
      idleWorkerTimeoutMs: 300_000,
      workerStartTimeoutMs: 60_000,
      healthIntervalMs: 10_000,
      ...options.limits,
    },
    onWorkerGone: (address) => gone.push(address),
  });
  return {
    plane,
    backend,
    clock,
    gone,
    ask: async (target, overrides = {}, signal = patient) =>
      await plane.decide(head(target, overrides), { signal }),
  };
}

export function head(target: string, overrides: Partial<RequestHead> = {}): RequestHead {
  return {
    method: "GET",
    target,
    version: "1.1",
    headers: [["Host", "apps.example"]],
    isWebSocket: false,
    remoteAddress: "127.0.0.1",
    ...overrides,
  };
}

export type Forward = Extract<Verdict, { kind: "forward" }>;

export function asForward(verdict: Verdict): Forward {
  assert(verdict.kind === "forward", `expected a request to be forwarded, got ${verdict.kind}`);
  return verdict;
}

export function asResponse(verdict: Verdict): Response {
  assert(verdict.kind === "respond", `expected an answer, got ${verdict.kind}`);
  return verdict.response;
}

/** What the browser would send back after this answer: the session cookie as a request header. */
export function cookieOf(verdict: Forward): [name: string, value: string] {
  const headers = verdict.mapResponseHeaders?.([], 200) ?? [];
  for (const [name, value] of headers) {
    if (name === "Set-Cookie") return ["Cookie", value.slice(0, value.indexOf(";"))];
  }
  return fail("expected the answer to set a cookie");
}
