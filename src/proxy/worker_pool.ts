import {
  errorMessage,
  ExhaustedError,
  StoreUnavailableError,
  type WorkerId,
} from "#src/core/mod.ts";
import type { WorkerAddress } from "#src/backend/mod.ts";
import type { AppDefinition } from "./apps.ts";
import { Backoff } from "./backoff.ts";
import type { WorkerPlaces } from "./places.ts";
import { PoolWorker, type PoolWorkerOptions } from "./pool_worker.ts";
import { BusyError, StartError } from "./start_error.ts";
import { WaitingLine } from "./waiting_line.ts";

/** A worker that answers. */
export interface ReadyWorker {
  /** Its id, as the backend knows it. */
  readonly id: WorkerId;
  /** Where it answers. */
  readonly address: WorkerAddress;
  /** False from the moment that its end is known or wanted. */
  readonly isReady: boolean;
}

/** A worker of a pool as it is now. */
export interface PooledWorkerInfo {
  /** Its id, as the backend knows it. */
  readonly id: WorkerId;
  /** Where it is in its life. */
  readonly state: "starting" | "ready" | "stopping" | "exited";
  /** How many sessions are held to it. */
  readonly sessions: number;
}

/** What a pool works with; a request waits for a place no longer than a start may take. */
export interface WorkerPoolOptions extends PoolWorkerOptions {
  /** The places that all pools share. */
  readonly places: WorkerPlaces;
  /** How long a worker without sessions is kept, in milliseconds. */
  readonly idleWorkerTimeoutMs: number;
}

/**
 * The workers of one app: starts them when sessions need them, hands out places on them, watches
 * them, and stops those that nobody needs.
 */
export class WorkerPool {
  /** The app whose workers these are. */
  readonly app: AppDefinition;
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<WorkerId, PoolWorker>();
  readonly #line: WaitingLine<ReadyWorker>;
  readonly #backoff: Backoff;
  readonly #tasks = new Set<Promise<void>>();
  readonly #seekPlace = () => this.#serveLine();
  #lastFailure: StartError | BusyError | undefined;
  #isDraining = false;

  /**
   * Makes a pool without workers.
   *
   * @param app The app.
   * @param options The parts to use, and how long things may take.
   */
  constructor(app: AppDefinition, options: WorkerPoolOptions) {
    this.app = app;
    this.#options = options;
    this.#line = new WaitingLine(options.clock);
    this.#backoff = new Backoff(options.clock);
  }

  /** How many requests wait for a worker. */
  get waiting(): number {
    return this.#line.size;
  }

  /**
   * Lists the workers.
   *
   * @returns Every worker that holds a place, in the order they were started.
   */
  workers(): PooledWorkerInfo[] {
    return [...this.#workers.values()].map(({ id, state, seats }) => ({
      id,
      state,
      sessions: seats,
    }));
  }

  /**
   * Finds a worker that answers.
   *
   * @param id Its id.
   * @returns The worker, or nothing when it is no more or not yet ready.
   */
  find(id: WorkerId): ReadyWorker | undefined {
    const worker = this.#workers.get(id);
    return worker?.isReady ? worker : undefined;
  }

  /**
   * Takes a place for a new session: on the ready worker with the fewest sessions, else on one that
   * is started for it. Who has to wait is served in order of arrival.
   *
   * @param options `signal` gives up; a worker already begun is kept for the next.
   * @returns The worker. The place is held until {@linkcode WorkerPool.leave}.
   * @throws {StartError} When the start that this request needs failed, or the last one did and it
   * is too early for another.
   * @throws {BusyError} When every place stayed taken for the time that a start may take, or the
   * pool takes no more sessions.
   */
  async place({ signal }: { signal: AbortSignal }): Promise<ReadyWorker> {
    signal.throwIfAborted();
    if (this.#isDraining) throw drainingError();
    const worker = this.#line.size === 0 ? this.#roomiest() : undefined;
    if (worker) {
      worker.seats++;
      return worker;
    }
    if (this.#promised <= this.#line.size) this.#refuseDuringBackoff();
    const served = this.#line.join({
      signal,
      patienceMs: this.#options.workerStartTimeoutMs,
      onLate: (ahead) => ahead < this.#promised ? undefined : this.#noPlaceError(),
    });
    this.#serveLine();
    return await served;
  }

  /**
   * Gives the place of a session back.
   *
   * @param id The worker that the session was on; one that is gone is no mistake.
   */
  leave(id: WorkerId): void {
    const worker = this.#workers.get(id);
    if (worker === undefined || worker.seats === 0) return;
    worker.seats--;
    worker.idleSinceMs = this.#options.clock.monotonicMs();
    this.#serveLine();
  }

  /**
   * Asks the backend about a worker that could not be reached, and gives it up if it has exited.
   *
   * @param id The worker.
   */
  suspect(id: WorkerId): void {
    const worker = this.#workers.get(id);
    if (worker) this.#track(worker.check({ isRegular: false }));
  }

  /** Looks at every ready worker once; one that fails three looks in a row is stopped. */
  async checkHealth(): Promise<void> {
    await Promise.all(
      [...this.#workers.values()].map((worker) => worker.check({ isRegular: true })),
    );
  }

  /** Stops workers that nobody has needed for too long, and starts those to be kept ready. */
  tend(): void {
    const { clock, idleWorkerTimeoutMs, places } = this.#options;
    for (const worker of this.#spare()) {
      if (clock.monotonicMs() - worker.idleSinceMs >= idleWorkerTimeoutMs) {
        worker.stop("nobody has used it for too long");
      }
    }
    let unused = this.#idle().length + this.#starting - this.#startsWanted;
    while (unused < this.app.warmWorkers && this.#mayStart() && places.takeSpare()) {
      this.#begin();
      unused++;
    }
  }

  /**
   * Since when, on the monotonic scale in milliseconds, the longest unused worker that need not be
   * kept ready has been without a session; nothing when there is none.
   */
  get spareSinceMs(): number | undefined {
    return this.#spare()[0]?.idleSinceMs;
  }

  /** Stops that worker, if there is one, because another app needs its place. */
  yieldSpare(): void {
    this.#spare()[0]?.stop("another app needs its place");
  }

  /** Takes no more sessions; those that exist go on. */
  drain(): void {
    this.#isDraining = true;
    this.#line.failBehind(0, drainingError());
  }

  /**
   * Takes no more sessions and stops every worker.
   *
   * @param options `graceMs` as for `Backend.stop`.
   * @returns When every worker has ended.
   */
  async close(options: { graceMs?: number } = {}): Promise<void> {
    this.drain();
    for (const worker of this.#workers.values()) worker.stop("the server ends", options);
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  get #starting(): number {
    let starting = 0;
    for (const { state } of this.#workers.values()) if (state === "starting") starting++;
    return starting;
  }

  /** How many places the starts in progress will bring. */
  get #promised(): number {
    return this.#starting * this.app.maxSessionsPerWorker;
  }

  /** How many starts the requests that wait add up to. */
  get #startsWanted(): number {
    return Math.ceil(this.#line.size / this.app.maxSessionsPerWorker);
  }

  #mayStart(): boolean {
    return !this.#isDraining && this.#workers.size < this.app.maxWorkers &&
      this.#backoff.remainingMs === 0;
  }

  #serveLine(): void {
    while (this.#line.size > 0) {
      const worker = this.#roomiest();
      if (worker === undefined) break;
      worker.seats++;
      this.#line.serve(worker);
    }
    while (
      this.#startsWanted > this.#starting && this.#mayStart() &&
      this.#options.places.take(this.#seekPlace)
    ) this.#begin();
  }

  #roomiest(): PoolWorker | undefined {
    let best: PoolWorker | undefined;
    for (const worker of this.#workers.values()) {
      if (!worker.isReady || worker.seats >= this.app.maxSessionsPerWorker) continue;
      if (best === undefined || worker.seats < best.seats) best = worker;
    }
    return best;
  }

  /** Ready workers without a session, the longest unused first. */
  #idle(): PoolWorker[] {
    return [...this.#workers.values()]
      .filter((worker) => worker.isReady && worker.seats === 0)
      .sort((one, other) => one.idleSinceMs - other.idleSinceMs);
  }

  /** Those of them that need not be kept ready. */
  #spare(): PoolWorker[] {
    const idle = this.#idle();
    return idle.slice(0, Math.max(0, idle.length - this.app.warmWorkers));
  }

  #begin(): void {
    const worker = new PoolWorker(this.app, this.#options);
    this.#workers.set(worker.id, worker);
    this.#track(worker.live({
      onReady: () => {
        this.#backoff.succeed();
        this.#serveLine();
      },
      onStartFailed: (error) => this.#startFailed(worker, error),
      onGone: () => {
        this.#workers.delete(worker.id);
        this.#options.places.give();
        this.#serveLine();
      },
    }));
  }

  #startFailed(worker: PoolWorker, error: StartError): void {
    if (error.cause instanceof StoreUnavailableError) {
      // Which store it is and where is for the log, not for visitors.
      this.#lastFailure = new BusyError("no worker can be started at the moment");
      this.#backoff.failElsewhere(worker.begunAtMs);
    } else {
      this.#lastFailure = error.cause instanceof ExhaustedError
        ? new BusyError(`no worker can be started now: ${errorMessage(error.cause)}`)
        : error;
      this.#backoff.fail(worker.begunAtMs);
    }
    // Those in front can still be served by other starts.
    this.#line.failBehind(this.#promised, this.#lastFailure);
  }

  #refuseDuringBackoff(): void {
    const retryAfterMs = this.#backoff.remainingMs;
    if (retryAfterMs === 0 || this.#lastFailure === undefined) return;
    throw this.#lastFailure instanceof StartError
      ? this.#lastFailure.withRetryAfter(retryAfterMs)
      : this.#lastFailure;
  }

  /** Keeps a promise until it settles, so that {@linkcode WorkerPool.close} can wait for it. */
  #track(task: Promise<void>): void {
    const kept = task.catch((error) => {
      this.#options.log.error("worker pool failed", {
        app: this.app.name,
        error: errorMessage(error),
      });
    }).finally(() => this.#tasks.delete(kept));
    this.#tasks.add(kept);
  }

  #noPlaceError(): BusyError {
    return new BusyError(
      this.#workers.size >= this.app.maxWorkers
        ? `all places of app ${this.app.name} are taken`
        : "all places of this server are taken",
    );
  }
}

function drainingError(): BusyError {
  return new BusyError("the server is being stopped and takes no new sessions");
}
