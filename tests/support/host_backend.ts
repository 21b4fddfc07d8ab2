import type { ProcessConfig } from "#src/config/mod.ts";
import {
  type AppName,
  newWorkerId,
  toAppName,
  toGid,
  toPort,
  toUid,
  type WorkerId,
} from "#src/core/mod.ts";
import type { Backend, LogLine, WorkerSpec } from "#src/backend/mod.ts";
import { type HostBackend, openBackend } from "#src/host_backend.ts";
import { RecordingLogger } from "./recording_logger.ts";

/** The name of every app in these tests. */
export const APP: AppName = toAppName("tested");

/** What workers are held to. */
export interface TestLimits {
  /** Processes and threads; 256 if not given. */
  readonly maxProcesses: number;
  /** Memory in bytes; no limit if not given. */
  readonly memoryBytes: number;
  /** Cores; no limit if not given. */
  readonly cpuCores: number;
  /** Whether they get groups of their own; they do if not given. */
  readonly cgroups: boolean;
}

/** How many uids and ports each backend has unless told otherwise. */
const SLOTS = 50;

/**
 * Opens a real backend with ranges that no other test process uses.
 *
 * @param changes What differs from the usual configuration.
 * @returns The backend and its log.
 */
export async function openTestBackend(
  changes: Partial<ProcessConfig> & Partial<TestLimits> = {},
): Promise<HostBackend & { log: RecordingLogger; config: ProcessConfig }> {
  const { maxProcesses = 256, memoryBytes = 0, cpuCores = 0, cgroups = true, ...config } = changes;
  // Process ids differ between test processes that run side by side.
  const block = Deno.pid % 400;
  const whole: ProcessConfig = {
    bwrapPath: "bwrap",
    rPath: "R",
    rigBase: "/opt/R",
    portRangeStart: toPort(10_000 + block * SLOTS),
    portRangeEnd: toPort(10_000 + block * SLOTS + SLOTS - 1),
    workerUidRangeStart: toUid(1_910_000_000 + block * 1000),
    workerUidRangeEnd: toUid(1_910_000_000 + block * 1000 + SLOTS - 1),
    workerGid: toGid(1_910_000_000),
    standbyLaunchers: 1,
    seccompProfile: { kind: "default" },
    network: "host",
    skipMetadataCheck: false,
    ...config,
  };
  mustBeNobodyElses(whole);
  const log = new RecordingLogger();
  const host = await openBackend(whole, {
    limits: { memoryBytes, cpuCores, pids: maxProcesses },
    cgroups,
    log,
  });
  return { ...host, log, config: whole };
}

/**
 * Ports that the kernel gives to connections, ip(7), `ip_local_port_range`, may be anyone's at any
 * moment: a test that needs each of its ports would fail now and then.
 */
function mustBeNobodyElses({ portRangeStart, portRangeEnd }: ProcessConfig): void {
  const [from = NaN, to = NaN] = Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range")
    .trim().split(/\s+/).map(Number);
  if (portRangeEnd < from || portRangeStart > to) return;
  throw new Error(
    `cannot test with ports ${portRangeStart}-${portRangeEnd}: connections get ${from}-${to}`,
  );
}

/**
 * Describes a worker.
 *
 * @param changes What differs from a worker without files that has an id of its own.
 * @returns The specification.
 */
export function workerSpec(changes: Partial<WorkerSpec> = {}): WorkerSpec {
  return {
    id: newWorkerId(APP),
    app: APP,
    source: { kind: "files", files: {} },
    network: "host",
    rVersion: "",
    env: {},
    mounts: [],
    memoryBytes: 0,
    cpuCores: 0,
    ...changes,
  };
}

/**
 * Describes a worker that runs a shell script.
 *
 * @param script The script; `{port}` is replaced.
 * @param changes What else differs.
 * @returns The specification.
 */
export function shellSpec(script: string, changes: Partial<WorkerSpec> = {}): WorkerSpec {
  return workerSpec({ cmd: ["/bin/sh", "-c", script], ...changes });
}

/**
 * Reads the whole output of a worker, which must end.
 *
 * @param backend Who runs it.
 * @param id The worker.
 * @returns Its lines, in order.
 */
export async function wholeLog(backend: Backend, id: WorkerId): Promise<LogLine[]> {
  return await Array.fromAsync(backend.logs(id, { follow: true }));
}

/**
 * Waits until a worker has written a line.
 *
 * @param backend Who runs it.
 * @param id The worker.
 * @param pattern What the line looks like.
 * @returns The first line that does.
 * @throws {Error} When the worker ends without it.
 */
export async function lineOf(backend: Backend, id: WorkerId, pattern: RegExp): Promise<string> {
  const seen: string[] = [];
  for await (const { text } of backend.logs(id, { follow: true })) {
    if (pattern.test(text)) return text;
    seen.push(text);
  }
  throw new Error(`no line like ${pattern} in the output: ${seen.join(" | ")}`);
}
