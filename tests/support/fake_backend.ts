import {
  type Clock,
  ConflictError,
  NotFoundError,
  NotSupportedError,
  toGid,
  toPid,
  toPort,
  toUid,
  type WorkerId,
} from "#src/core/mod.ts";
import type {
  Backend,
  BuildResult,
  ExitReason,
  Health,
  LogLine,
  ResourceLimits,
  ResourceUsage,
  WorkerAddress,
  WorkerInfo,
  WorkerSpec,
} from "#src/backend/mod.ts";

const FIRST_PORT = 20001;

/** A worker without a process, that does what a test tells it to. */
export class FakeWorker {
  /** What the next health checks find. */
  health: "healthy" | "unhealthy" = "healthy";
  /** How often it was looked at. */
  checks = 0;
  /** The options of each call of `stop`. */
  readonly stops: { graceMs?: number; reason?: ExitReason }[] = [];
  /** While false, `stop` does not end it; {@linkcode FakeWorker.exit} does. */
  endsWhenStopped = true;
  /** While true, a health check sees the exit that `exited` does not announce yet. */
  isDying = false;
  readonly log: LogLine[] = [];
  readonly ended: Promise<ExitReason>;
  readonly info: WorkerInfo;
  readonly #end: (exit: ExitReason) => void;
  #exit: ExitReason | undefined;

  constructor(readonly spec: WorkerSpec, number: number, readonly clock: Clock) {
    const { promise, resolve } = Promise.withResolvers<ExitReason>();
    this.ended = promise;
    this.#end = resolve;
    this.info = {
      id: spec.id,
      app: spec.app,
      state: "starting",
      uid: toUid(60_000 + number),
      gid: toGid(60_000),
      pid: toPid(1000 + number),
      address: spec.network === "none"
        ? {
          kind: "unix",
          path: `/proc/${2000 + number}/root/app.sock`,
          connectPath: `/proc/self/fd/${100 + number}`,
        }
        : { kind: "tcp", hostname: "127.0.0.1", port: toPort(FIRST_PORT + number) },
      startedAtMs: clock.now(),
    };
  }

  /** Why it ended, once it has. */
  get exitReason(): ExitReason | undefined {
    return this.#exit;
  }

  /** Ends it, as if by itself; the first reason counts. */
  exit(reason: ExitReason): void {
    this.#exit ??= reason;
    this.#end(this.#exit);
  }

  /** Adds a line to its log. */
  say(text: string): void {
    this.log.push({
      seq: this.log.length + 1,
      stream: "stderr",
      timeMs: this.clock.now(),
      text,
    });
  }
}

const NO_LIMITS = { memoryBytes: 0, cpuCores: 0, pids: 0 };

/**
 * A backend that keeps to the contract of `Backend` and runs nothing. Workers are healthy from the
 * first look on unless the script says otherwise.
 */
export class FakeBackend implements Backend {
  /** Every worker that was spawned, in order, those that were removed included. */
  readonly spawned: FakeWorker[] = [];
  /**
   * What happens to a worker before its spawn resolves: it can be told how to behave; a throw or a
   * rejection fails the spawn. A spawn whose signal is aborted by the end of it is undone, unless
   * {@linkcode FakeBackend.ignoresAbort}.
   */
  script: (worker: FakeWorker, signal: AbortSignal | undefined) => void | Promise<void> = () => {};
  /** Whether a spawn goes through although its signal was aborted meanwhile. */
  ignoresAbort = false;
  /** How many spawns were asked for, failed ones included. */
  spawnCalls = 0;
  readonly #clock: Clock;
  readonly #managed = new Map<WorkerId, FakeWorker>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The workers that were spawned and have not ended. */
  get running(): FakeWorker[] {
    return this.spawned.filter(({ exitReason }) => exitReason === undefined);
  }

  /** The worker that was spawned as number `index`, from 0. */
  worker(index: number): FakeWorker {
    const worker = this.spawned[index];
    if (worker === undefined) throw new RangeError(`no worker was spawned as number ${index}`);
    return worker;
  }

  async spawn(spec: WorkerSpec, { signal }: { signal?: AbortSignal } = {}): Promise<WorkerInfo> {
    if (this.#managed.has(spec.id)) throw new ConflictError(`worker ${spec.id} exists`);
    const worker = new FakeWorker(spec, this.spawnCalls++, this.#clock);
    await this.script(worker, signal);
    if (!this.ignoresAbort) signal?.throwIfAborted();
    this.spawned.push(worker);
    this.#managed.set(spec.id, worker);
    return worker.info;
  }

  stop(
    id: WorkerId,
    options: { graceMs?: number; reason?: ExitReason } = {},
  ): Promise<ExitReason> {
    return this.#with(id, (worker) => {
      worker.stops.push(options);
      if (worker.endsWhenStopped) worker.exit(options.reason ?? { kind: "stopped" });
      return worker.ended;
    });
  }

  exited(id: WorkerId): Promise<ExitReason> {
    return this.#with(id, (worker) => worker.ended);
  }

  healthCheck(id: WorkerId): Promise<Health> {
    return this.#with(id, (worker): Health => {
      worker.checks++;
      const exit = worker.exitReason ?? (worker.isDying ? { kind: "lost" } as const : undefined);
      if (exit !== undefined) return { status: "exited", exit };
      return worker.health === "healthy"
        ? { status: "healthy" }
        : { status: "unhealthy", reason: "connection refused" };
    });
  }

  async *logs(id: WorkerId): AsyncIterable<LogLine> {
    yield* this.#find(id).log;
  }

  addr(id: WorkerId): WorkerAddress {
    return this.#find(id).info.address;
  }

  listManaged(): WorkerInfo[] {
    return [...this.#managed.values()].map(({ info }) => info);
  }

  async removeResource(id: WorkerId): Promise<void> {
    if (this.#find(id).exitReason === undefined) await this.stop(id);
    this.#managed.delete(id);
  }

  workerResourceUsage(id: WorkerId): Promise<ResourceUsage> {
    return this.#with(
      id,
      () => ({ cpuPercent: 0, memoryBytes: 0, processes: 0, limits: NO_LIMITS }),
    );
  }

  updateResources(id: WorkerId): Promise<ResourceLimits> {
    return this.#with(id, () => {
      throw new NotSupportedError("a fake worker has no limits");
    });
  }

  cleanupOrphanResources(): Promise<number> {
    return Promise.resolve(0);
  }

  checkRVersion(): Promise<void> {
    return Promise.resolve();
  }

  build(): Promise<BuildResult> {
    return Promise.reject(new NotSupportedError("a fake backend builds nothing"));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#managed.keys()].map((id) => this.stop(id)));
  }

  async #with<T>(id: WorkerId, action: (worker: FakeWorker) => T | Promise<T>): Promise<T> {
    return await action(this.#find(id));
  }

  #find(id: WorkerId): FakeWorker {
    const worker = this.#managed.get(id);
    if (worker === undefined) throw new NotFoundError(`no worker ${id}`);
    return worker;
  }
}
