import {
  type Clock,
  errorMessage,
  formatDuration,
  type Logger,
  newWorkerId,
  type WorkerId,
} from "#src/core/mod.ts";
import type { Backend, ExitReason, Health, WorkerAddress, WorkerSpec } from "#src/backend/mod.ts";
import type { AppDefinition } from "./apps.ts";
import { StartError } from "./start_error.ts";
import { lastLines, startWorker } from "./worker_start.ts";

/** A single failed look can be a busy moment; this many in a row are not. */
const MAX_FAILED_CHECKS = 3;

/** How many lines of the log go into the record of a worker that ended by itself. */
const EXIT_LINES = 10;

/** What a worker of a pool works with. */
export interface PoolWorkerOptions {
  /** What runs it. */
  readonly backend: Backend;
  /** What every wait goes by. */
  readonly clock: Clock;
  /** Told what happens to it. */
  readonly log: Logger;
  /** How long the start may take, in milliseconds. */
  readonly workerStartTimeoutMs: number;
  /** Told when a worker that had an address ends: as soon as that is known, and once it is gone. */
  readonly onWorkerEnd: (worker: { id: WorkerId; address: WorkerAddress }) => void;
}

/** What a pool wants to know of a worker's life. */
export interface PoolWorkerEvents {
  /** It answers. */
  readonly onReady: () => void;
  /** It will not answer, and nobody had asked for its end. */
  readonly onStartFailed: (error: StartError) => void;
  /** Nothing of it is left. */
  readonly onGone: () => void;
}

/** One worker of a pool: its life from the start to the end, and who sits on it. */
export class PoolWorker {
  /** Its name, made at random. */
  readonly id: WorkerId;
  /** When it was wanted, on the monotonic scale, in milliseconds. */
  readonly begunAtMs: number;
  /** How many sessions are held to it. */
  seats = 0;
  /** Since when it has had no session, while `seats` is 0; as {@linkcode PoolWorker.begunAtMs}. */
  idleSinceMs: number;
  readonly #app: AppDefinition;
  readonly #options: PoolWorkerOptions;
  readonly #log: Logger;
  readonly #unwanted = new AbortController();
  #stopOptions: { graceMs?: number; reason?: ExitReason } = {};
  #stopped: Promise<void> | undefined;
  #state: "starting" | "ready" | "stopping" | "exited" = "starting";
  #address: WorkerAddress | undefined;
  #failedChecks = 0;
  #isBeingChecked = false;

  /**
   * Makes a worker that has yet to be started.
   *
   * @param app What it runs.
   * @param options The parts to use.
   */
  constructor(app: AppDefinition, options: PoolWorkerOptions) {
    this.id = newWorkerId(app.name);
    this.begunAtMs = this.idleSinceMs = options.clock.monotonicMs();
    this.#app = app;
    this.#options = options;
    this.#log = options.log.with({ app: app.name, worker: this.id });
  }

  /** Where it is in its life. */
  get state(): "starting" | "ready" | "stopping" | "exited" {
    return this.#state;
  }

  /** Whether it answers; false from the moment that its end is known or wanted. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  /**
   * Where it answers.
   *
   * @throws {Error} Before it was spawned.
   */
  get address(): WorkerAddress {
    if (this.#address === undefined) {
      throw new Error(`cannot tell the address of worker ${this.id}: it is not spawned yet`);
    }
    return this.#address;
  }

  /**
   * Lives: spawns, waits for the first answer, then for the end, and clears up. To be called once.
   *
   * @param events Told on the way.
   * @returns When the backend has forgotten it.
   */
  async live(events: PoolWorkerEvents): Promise<void> {
    const { backend, clock, workerStartTimeoutMs, onWorkerEnd } = this.#options;
    try {
      await startWorker(this.#spec(), {
        backend,
        clock,
        timeoutMs: workerStartTimeoutMs,
        signal: this.#unwanted.signal,
        onSpawned: ({ address }) => {
          this.#address = address;
          // The spawn can win against the signal that was to end it.
          if (this.#state === "stopping") this.#stopSpawned();
        },
      });
      this.#becomeReady(events);
    } catch (error) {
      this.#failStart(error, events);
    }
    if (this.#address === undefined) {
      this.#state = "exited";
      events.onGone();
      return;
    }
    const exit = await this.#exit();
    const wasWanted = this.#state === "stopping";
    this.#state = "exited";
    // The port is free from here on: those who know the address must hear of it at once.
    onWorkerEnd(this);
    events.onGone();
    await this.#stopped;
    await this.#record(exit, { wasWanted });
    await backend.removeResource(this.id);
  }

  /**
   * Ends it, whatever it does. Further calls change nothing.
   *
   * @param why What the log says.
   * @param options `graceMs` and `reason` as for `Backend.stop`.
   */
  stop(why: string, options: { graceMs?: number; reason?: ExitReason } = {}): void {
    if (this.#state !== "starting" && this.#state !== "ready") return;
    this.#log.info("stopping a worker", { why });
    this.#state = "stopping";
    this.#stopOptions = options;
    this.#unwanted.abort();
    if (this.#address !== undefined) this.#stopSpawned();
  }

  /**
   * Looks whether it still answers. One that has exited is given up at once, one that failed three
   * regular looks in a row is stopped.
   *
   * @param options `isRegular` is false for a look out of turn, which does not count.
   */
  async check({ isRegular }: { isRegular: boolean }): Promise<void> {
    if (!this.isReady || this.#isBeingChecked) return;
    this.#isBeingChecked = true;
    const health = await this.#health();
    this.#isBeingChecked = false;
    if (!this.isReady) return;
    if (health.status === "healthy") {
      this.#failedChecks = 0;
    } else if (health.status === "exited") {
      this.#state = "exited";
      this.#options.onWorkerEnd(this);
    } else if (isRegular && ++this.#failedChecks >= MAX_FAILED_CHECKS) {
      this.stop(`it failed ${MAX_FAILED_CHECKS} health checks in a row: ${health.reason}`);
    }
  }

  #becomeReady(events: PoolWorkerEvents): void {
    if (this.#state !== "starting") return;
    this.#state = "ready";
    this.idleSinceMs = this.#options.clock.monotonicMs();
    this.#log.info("worker ready", { took: formatDuration(this.idleSinceMs - this.begunAtMs) });
    events.onReady();
  }

  #failStart(error: unknown, events: PoolWorkerEvents): void {
    if (this.#state !== "starting") return;
    const failure = error instanceof StartError
      ? error
      : new StartError(this.#app.name, { reason: errorMessage(error), afterMs: 0, cause: error });
    this.#log.error("cannot start a worker", {
      reason: failure.explanation,
      ...failure.isTimeout && { lastCheck: failure.lastCheck },
      lines: failure.lines.map(({ text }) => text),
    });
    if (failure.isTimeout) {
      this.stop("it did not answer in time", { reason: { kind: "start_timeout" } });
    } else if (this.#address !== undefined) {
      // Harmless for one that has exited; what else went wrong must not leave one running.
      this.stop("its start failed");
    } else {
      this.#state = "exited";
    }
    events.onStartFailed(failure);
  }

  #stopSpawned(): void {
    this.#options.onWorkerEnd(this);
    this.#stopped = this.#options.backend.stop(this.id, this.#stopOptions).then(
      () => {},
      (error) => this.#log.error("cannot stop a worker", { error: errorMessage(error) }),
    );
  }

  #health(): Promise<Health> {
    return this.#options.backend.healthCheck(this.id).catch((error) => ({
      status: "unhealthy",
      reason: errorMessage(error),
    }));
  }

  #exit(): Promise<ExitReason> {
    return this.#options.backend.exited(this.id).catch((error) => {
      this.#log.error("cannot wait for a worker", { error: errorMessage(error) });
      return { kind: "lost" };
    });
  }

  async #record(exit: ExitReason, { wasWanted }: { wasWanted: boolean }): Promise<void> {
    if (wasWanted) return this.#log.info("worker ended", { exit });
    const lines = await lastLines(this.#options.backend, this.id, EXIT_LINES);
    this.#log.warn("worker ended by itself", { exit, lines: lines.map(({ text }) => text) });
  }

  #spec(): WorkerSpec {
    const { name, source, network, cmd, rVersion, env, mounts, memoryBytes, cpuCores } = this.#app;
    const runs = { source, network, rVersion, env, mounts, memoryBytes, cpuCores };
    const spec: WorkerSpec = { id: this.id, app: name, ...runs };
    return cmd === undefined ? spec : { ...spec, cmd };
  }
}
