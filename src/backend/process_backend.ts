import { addressText, ConflictError, NotFoundError, type WorkerId } from "#src/core/mod.ts";
import { appCommand, topLevelFiles } from "./app_command.ts";
import type {
  Backend,
  BuildResult,
  BuildSpec,
  ExitReason,
  Health,
  LogLine,
  ResourceLimits,
  ResourceUsage,
  WorkerAddress,
  WorkerInfo,
  WorkerSpec,
} from "./backend.ts";
import { runBuild } from "./build.ts";
import { changeLimits } from "./change_limits.ts";
import { enforcedLimits } from "./enforced_limits.ts";
import { chooseListening, type ListeningParts } from "./listening.ts";
import { appFiles, canonicalBinds } from "./mounts.ts";
import { readMemoryBytes, SharedSocketTables, UsageSampler } from "./proc/mod.ts";
import { resolveRuntime, type RRuntime } from "./r_runtime.ts";
import { type SandboxFrame, startCommand } from "./sandboxed_command.ts";
import { claimOwner, type OwnerPolicy } from "./slots.ts";
import { releaseOnce, stepsOf } from "./steps.ts";
import { Worker } from "./worker.ts";
import { WorkerUsage } from "./worker_usage.ts";

/** What a {@linkcode ProcessBackend} is made of. */
export interface ProcessBackendParts
  extends Pick<ListeningParts, "ports" | "holdPort" | "openSocket"> {
  /** What every sandbox is made of. */
  readonly frame: SandboxFrame;
  /** Who workers run as. */
  readonly owners: OwnerPolicy;
  /** Absolute path of the R for apps that ask for no version. */
  readonly rPath: string;
  /** Where rig installs R versions. */
  readonly rigBase: string;
  /** What a worker is held to whose app says nothing of it. */
  readonly limits: ResourceLimits;
}

/** What is left of a worker that has exited. */
const NOTHING_USED = { cpuPercent: 0, memoryBytes: 0, processes: 0 };
/** How long an app may take to finish when it is stopped, if nobody says otherwise. */
const DEFAULT_GRACE_MS = 5000;

/** Runs workers as sandboxed processes of this host. */
export class ProcessBackend implements Backend {
  readonly #parts: ProcessBackendParts;
  readonly #tables: SharedSocketTables;
  /** Undefined while the worker is being started: the id is taken, but there is nothing yet. */
  readonly #workers = new Map<WorkerId, Worker | undefined>();
  readonly #builds = new Map<WorkerId, AbortController>();
  readonly #pending = new Set<Promise<unknown>>();
  #closing = false;

  /**
   * Puts a backend together. Nothing is started.
   *
   * @param parts What it is made of.
   */
  constructor(parts: ProcessBackendParts) {
    this.#parts = parts;
    this.#tables = new SharedSocketTables(parts.frame);
  }

  /** See {@linkcode Backend.spawn}. */
  spawn(spec: WorkerSpec, { signal }: { signal?: AbortSignal } = {}): Promise<WorkerInfo> {
    return this.#track(this.#spawn(spec, signal));
  }

  async #spawn(spec: WorkerSpec, signal: AbortSignal | undefined): Promise<WorkerInfo> {
    this.#mustBeFree(spec.id);
    this.#workers.set(spec.id, undefined);
    try {
      const worker = await this.#start(spec, signal);
      this.#workers.set(spec.id, worker);
      return worker.describe();
    } catch (error) {
      this.#workers.delete(spec.id);
      throw error;
    }
  }

  async #start(spec: WorkerSpec, signal: AbortSignal | undefined): Promise<Worker> {
    const { frame, owners } = this.#parts;
    const { clock, log, proc } = frame;
    const tables = this.#tables;
    const step = stepsOf(`cannot start worker ${spec.id}`, signal);
    await using undo = new AsyncDisposableStack();

    const [runtime, { app, files }, mounts] = await Promise.all([
      step("find R", () => this.#runtime(spec.rVersion)),
      step("open the app", async () => ({
        app: await appFiles(spec.source),
        files: await topLevelFiles(spec.source),
      })),
      step("open the mounts", () => canonicalBinds(spec.mounts)),
    ]);

    const slots = await step("claim a uid", () => claimOwner(owners));
    const { uid } = slots.owner;
    const releaseUid = releaseOnce(slots.release, { what: `uid ${uid}`, log });
    undo.defer(releaseUid);
    const { owner } = slots;
    const listening = await step(
      spec.network === "none" ? "choose a socket" : "claim a port",
      () => chooseListening(spec, { owner, signal, parts: { ...this.#parts, ...frame, tables } }),
    );
    undo.use(listening);
    undo.defer(() => listening.release());
    const { command, stopSignals } = await step(
      "choose the command",
      () => appCommand({ cmd: spec.cmd, files }, { rPath: runtime.rPath, on: listening.on }),
    );
    const { id, env } = spec;
    const limits = this.#limitsOf(spec);
    const sandbox = await step(
      "start the sandbox",
      () =>
        startCommand({
          id,
          command,
          network: listening.network,
          app,
          mounts,
          env,
          workDir: "/app",
          runtime,
        }, {
          slots,
          frame,
          limits,
          beforeProgram: (initPid) => listening.beforeProgram(initPid),
        }),
    );
    undo.defer(() => {
      sandbox.kill();
      return sandbox.emptied;
    });
    // What was called off while the last step ran is undone like a step that failed.
    await step("finish", () => {
      if (this.#closing) throw closingError();
    });

    const worker = new Worker(spec, {
      sandbox,
      slots,
      listening,
      startedAtMs: clock.now(),
      stopSignals,
      usage: new WorkerUsage({
        group: sandbox.group,
        processes: new UsageSampler(sandbox.pid, { proc, clock }),
        memoryOf: (pids) => readMemoryBytes(proc, pids),
        pids: slots.owner.maxProcesses,
        clock,
      }),
      release: async () => {
        await listening.release();
        await releaseUid();
      },
    });
    undo.move();
    const { address } = listening;
    const where = address.kind === "tcp"
      ? { port: address.port }
      : { address: addressText(address) };
    const cgroup = sandbox.group?.path;
    const fields = { worker: spec.id, app: spec.app, pid: sandbox.pid, uid, ...where, cgroup };
    log.info("worker started", fields);
    this.#track(worker.exited.then((exit) => log.info("worker exited", { ...fields, exit })));
    return worker;
  }

  /** See {@linkcode Backend.stop}. */
  stop(
    id: WorkerId,
    { graceMs = DEFAULT_GRACE_MS, reason = { kind: "stopped" } }: {
      graceMs?: number;
      reason?: ExitReason;
    } = {},
  ): Promise<ExitReason> {
    return this.#worker(id).stop({ graceMs, reason });
  }

  /** See {@linkcode Backend.exited}. */
  exited(id: WorkerId): Promise<ExitReason> {
    return this.#worker(id).exited;
  }

  /** See {@linkcode Backend.healthCheck}. */
  async healthCheck(id: WorkerId): Promise<Health> {
    const worker = this.#worker(id);
    const { listening, sandbox } = worker.parts;
    const reason = worker.exit ? "" : await listening.check(sandbox.pid);
    if (worker.exit) return { status: "exited", exit: worker.exit };
    if (reason !== undefined) return { status: "unhealthy", reason };
    worker.markReady();
    return { status: "healthy" };
  }

  /** See {@linkcode Backend.logs}. */
  logs(
    id: WorkerId,
    options: { follow?: boolean; signal?: AbortSignal } = {},
  ): AsyncIterable<LogLine> {
    return this.#worker(id).parts.sandbox.log.read(options);
  }

  /** See {@linkcode Backend.addr}. */
  addr(id: WorkerId): WorkerAddress {
    return this.#worker(id).parts.listening.address;
  }

  /** See {@linkcode Backend.listManaged}. */
  listManaged(): WorkerInfo[] {
    return [...this.#workers.values()].flatMap((worker) => worker ? [worker.describe()] : []);
  }

  /** See {@linkcode Backend.removeResource}. */
  async removeResource(id: WorkerId): Promise<void> {
    const worker = this.#worker(id);
    await this.stop(id);
    this.#workers.delete(id);
    worker.parts.listening[Symbol.dispose]();
  }

  /** See {@linkcode Backend.workerResourceUsage}. */
  workerResourceUsage(id: WorkerId): Promise<ResourceUsage> {
    const worker = this.#worker(id);
    const { usage } = worker.parts;
    if (worker.exit) {
      return Promise.resolve({ ...NOTHING_USED, limits: usage.limits });
    }
    return usage.sample();
  }

  /** See {@linkcode Backend.updateResources}. */
  async updateResources(
    id: WorkerId,
    wanted: { memoryBytes?: number; cpuCores?: number },
  ): Promise<ResourceLimits> {
    const { parts: { sandbox: { group } }, exit } = this.#worker(id);
    if (exit) throw new ConflictError(`cannot limit worker ${id}: it has exited`);
    const { before, after } = await changeLimits(id, group, wanted);
    this.#parts.frame.log.info("limits of a worker changed", { worker: id, before, after });
    return after;
  }

  /** See {@linkcode Backend.cleanupOrphanResources}. */
  async cleanupOrphanResources(): Promise<number> {
    const { ports, owners } = this.#parts;
    const uids = owners.kind === "exclusive" ? await owners.uids.reclaimOrphans() : 0;
    return uids + await ports.reclaimOrphans();
  }

  /** See {@linkcode Backend.checkRVersion}. */
  async checkRVersion(version: string): Promise<void> {
    await this.#runtime(version);
  }

  /** See {@linkcode Backend.build}. */
  build(
    spec: BuildSpec,
    options: { onLog?: (line: LogLine) => void; signal?: AbortSignal } = {},
  ): Promise<BuildResult> {
    return this.#track(this.#build(spec, options));
  }

  async #build(
    spec: BuildSpec,
    { onLog, signal }: { onLog?: (line: LogLine) => void; signal?: AbortSignal },
  ): Promise<BuildResult> {
    this.#mustBeFree(spec.id);
    const cancel = new AbortController();
    this.#builds.set(spec.id, cancel);
    try {
      const { frame, owners } = this.#parts;
      return await runBuild(spec, {
        frame,
        owners,
        limits: this.#limitsOf({ memoryBytes: 0, cpuCores: 0 }),
        runtime: (version) => this.#runtime(version),
        onLog,
        signal: AbortSignal.any(signal ? [signal, cancel.signal] : [cancel.signal]),
      });
    } finally {
      this.#builds.delete(spec.id);
    }
  }

  /** See {@linkcode Backend.close}. */
  async close({ graceMs = DEFAULT_GRACE_MS }: { graceMs?: number } = {}): Promise<void> {
    this.#closing = true;
    for (const cancel of this.#builds.values()) cancel.abort();
    const workers = [...this.#workers.values()].filter((worker) => worker !== undefined);
    await Promise.all(
      workers.map((worker) => worker.stop({ graceMs, reason: { kind: "stopped" } })),
    );
    await Promise.allSettled(this.#pending);
    for (const worker of workers) worker.parts.listening[Symbol.dispose]();
  }

  /** What this host cannot hold workers to, they are not held to; the log of its start says so. */
  #limitsOf(spec: Pick<WorkerSpec, "memoryBytes" | "cpuCores">): ResourceLimits {
    const { limits, frame: { groups } } = this.#parts;
    return enforcedLimits(spec, { defaults: limits, groups });
  }

  #runtime(version: string): Promise<RRuntime> {
    return resolveRuntime(version, { rigBase: this.#parts.rigBase, fallback: this.#parts.rPath });
  }

  #worker(id: WorkerId): Worker {
    const worker = this.#workers.get(id);
    if (worker === undefined) throw new NotFoundError(`cannot find worker ${id}`);
    return worker;
  }

  #mustBeFree(id: WorkerId): void {
    if (this.#closing) throw closingError();
    if (this.#workers.has(id) || this.#builds.has(id)) {
      throw new ConflictError(`cannot use the id ${id}: a worker or a build has it`);
    }
  }

  /** Lets {@linkcode ProcessBackend.close} wait for work that is under way. */
  #track<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(() => {}, () => {}).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    return work;
  }
}

function closingError(): Error {
  return new Error("cannot start anything: the server is closing");
}
