import type {
  Backend,
  ExitReason,
  ResourceLimits,
  ResourceUsage,
  WorkerInfo,
} from "#src/backend/mod.ts";
import {
  addressText,
  ConflictError,
  MAX_WORKER_CORES,
  MIN_WORKER_BYTES,
  MIN_WORKER_CORES,
  NotFoundError,
  NotSupportedError,
  parseBytes,
  toWorkerId,
  type WorkerId,
} from "#src/core/mod.ts";
import { Hono } from "hono";
import { errorResponse, methodNotAllowed } from "./error_response.ts";
import { readJson } from "./read_json.ts";

/** What the part of the API for workers tells about. */
export interface WorkersParts {
  /** Runs them. */
  readonly backend: Pick<Backend, "listManaged" | "workerResourceUsage" | "updateResources">;
  /** Tells how many sessions are held to a worker. */
  readonly sessionsOf: (id: WorkerId) => number;
}

/** The longest body of a change, in bytes. */
const MAX_BODY_BYTES = 4096;
/**
 * Makes the part of the API for workers.
 *
 * @param parts What it tells about.
 * @returns Its routes, below `/workers`.
 */
export function workersApi({ backend, sessionsOf }: WorkersParts): Hono {
  const find = (text: string): WorkerInfo => {
    const info = backend.listManaged().find(({ id }) => id === text);
    if (info === undefined) throw new NotFoundError(`no worker has the id ${JSON.stringify(text)}`);
    return info;
  };
  const json = (info: WorkerInfo) => workerJson(info, sessionsOf(info.id));

  const routes = new Hono();
  routes.get("/", () => Response.json({ workers: backend.listManaged().map(json) }));
  routes.all("/", () => methodNotAllowed("GET, HEAD"));
  routes.get("/:id", (context) => Response.json(json(find(context.req.param("id")))));
  routes.all("/:id", () => methodNotAllowed("GET, HEAD"));
  routes.get("/:id/usage", async (context) => {
    const { id } = find(context.req.param("id"));
    return Response.json(usageJson(await backend.workerResourceUsage(id)));
  });
  routes.all("/:id/usage", () => methodNotAllowed("GET, HEAD"));
  routes.patch("/:id/resources", async (context) => {
    const { id } = find(context.req.param("id"));
    const wanted = parseChange(await readJson(context.req.raw, { maxBytes: MAX_BODY_BYTES }));
    return Response.json({
      limits: limitsJson(await backend.updateResources(toWorkerId(id), wanted)),
    });
  });
  routes.all("/:id/resources", () => methodNotAllowed("PATCH"));
  routes.onError((error) => {
    if (error instanceof NotFoundError) {
      return errorResponse(404, "worker_not_found", error.message);
    }
    if (error instanceof RangeError) return errorResponse(400, "bad_request", error.message);
    if (error instanceof ConflictError) return errorResponse(409, "conflict", error.message);
    if (error instanceof NotSupportedError) {
      return errorResponse(501, "not_supported", error.message);
    }
    throw error;
  });
  return routes;
}

function workerJson(info: WorkerInfo, sessions: number): Record<string, unknown> {
  const { id, app, state, uid, pid, address, startedAtMs, cgroup, exit } = info;
  return {
    id,
    app,
    state,
    uid,
    pid,
    address: addressText(address),
    sessions,
    started_at: new Date(startedAtMs).toISOString(),
    cgroup: cgroup ?? null,
    exit: exit === undefined ? null : exitJson(exit),
  };
}

function exitJson(exit: ExitReason): Record<string, unknown> {
  if (exit.kind !== "oom") return { ...exit };
  const { kind, peakBytes, limitBytes } = exit;
  return { kind, peak_bytes: peakBytes ?? null, limit_bytes: limitBytes ?? null };
}

function limitsJson({ memoryBytes, cpuCores, pids }: ResourceLimits): Record<string, unknown> {
  return { memory_bytes: memoryBytes || null, cpu_cores: cpuCores || null, pids: pids || null };
}

function usageJson(usage: ResourceUsage): Record<string, unknown> {
  const { cpuPercent, memoryBytes, memoryPeakBytes, processes, limits, io, pressure } = usage;
  return {
    cpu_percent: Math.round(cpuPercent * 10) / 10,
    memory_bytes: memoryBytes,
    memory_peak_bytes: memoryPeakBytes ?? null,
    processes,
    io: io ? { read_bytes: io.readBytes, written_bytes: io.writtenBytes } : null,
    pressure_percent: pressure ?? null,
    limits: limitsJson(limits),
  };
}

/** Everything that is wrong with a change is wrong with all of it. */
function parseChange(body: unknown): { memoryBytes?: number; cpuCores?: number } {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new RangeError('want an object with "memory", "cpu" or both');
  }
  const unknown = Object.keys(body).filter((key) => key !== "memory" && key !== "cpu");
  if (unknown.length > 0) {
    throw new RangeError(`${JSON.stringify(unknown[0])} is not known: want "memory" or "cpu"`);
  }
  const { memory, cpu } = body as { memory?: unknown; cpu?: unknown };
  if (memory === undefined && cpu === undefined) {
    throw new RangeError('nothing is to be changed: want "memory", "cpu" or both');
  }
  return {
    ...(memory !== undefined && { memoryBytes: parseMemory(memory) }),
    ...(cpu !== undefined && { cpuCores: parseCores(cpu) }),
  };
}

function parseMemory(value: unknown): number {
  const bytes = typeof value === "string" ? parseBytes(value) : value;
  if (typeof bytes === "number" && Number.isSafeInteger(bytes)) {
    if (bytes === 0 || bytes >= MIN_WORKER_BYTES) return bytes;
  }
  throw new RangeError(
    `cannot set memory to ${
      JSON.stringify(value)
    }: want 16m or more, as bytes or such as "512m", ` +
      "or 0 for no limit",
  );
}

function parseCores(value: unknown): number {
  if (
    typeof value === "number" &&
    (value === 0 || (value >= MIN_WORKER_CORES && value <= MAX_WORKER_CORES))
  ) {
    return value;
  }
  throw new RangeError(
    `cannot set cpu to ${
      JSON.stringify(value)
    }: want a number of cores from ${MIN_WORKER_CORES} to ` +
      `${MAX_WORKER_CORES}, or 0 for no limit`,
  );
}
