import { type Clock, errorMessage, type WorkerId } from "#src/core/mod.ts";
import type { Backend, ExitReason, LogLine, WorkerInfo, WorkerSpec } from "#src/backend/mod.ts";
import { StartError } from "./start_error.ts";

/** The first looks come quickly: a plain HTTP program answers within milliseconds. */
const FIRST_LOOK_MS = 10;
const MAX_LOOK_MS = 100;
/** A pause is then about 2 % of the wait so far, which is what it can add to the wait. */
const LOOK_GROWTH = 1.02;

/** How many lines of a worker's log a failed start carries. */
const FAILURE_LINES = 50;

/** What {@linkcode startWorker} works with. */
export interface StartOptions {
  /** What runs the worker. */
  readonly backend: Backend;
  /** What the waits go by. */
  readonly clock: Clock;
  /** How long it may take until the worker answers, its spawn included; milliseconds. */
  readonly timeoutMs: number;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Told as soon as there is a worker, which from then on is the caller's to stop. */
  readonly onSpawned: (info: WorkerInfo) => void;
}

/**
 * Starts a worker and waits until it answers.
 *
 * @param spec What to start.
 * @param options The parts to use, and how long to wait.
 * @throws {StartError} When it could not be spawned, ended, or took too long. A worker that was
 * spawned is still the backend's then, and may still run.
 */
export async function startWorker(spec: WorkerSpec, options: StartOptions): Promise<void> {
  const { backend, clock, timeoutMs } = options;
  const begunAtMs = clock.monotonicMs();
  const fail = (
    reason: ExitReason | string,
    details: { cause?: unknown; lines?: LogLine[]; lastCheck?: string | undefined } = {},
  ) => new StartError(spec.app, { reason, afterMs: clock.monotonicMs() - begunAtMs, ...details });
  const givenUp = (): ExitReason => ({
    kind: options.signal.aborted ? "stopped" : "start_timeout",
  });

  using deadline = new Deadline(clock, { timeoutMs, signal: options.signal });
  let info: WorkerInfo;
  try {
    info = await backend.spawn(spec, { signal: deadline.signal });
  } catch (cause) {
    throw fail(deadline.signal.aborted ? givenUp() : errorMessage(cause), { cause });
  }
  options.onSpawned(info);
  const { outcome, lastCheck } = await firstAnswer(info.id, {
    backend,
    clock,
    signal: deadline.signal,
  });
  if (outcome === "healthy") return;
  // The log is complete only when the exit is announced, not when a check happens to see it.
  const reason = outcome === "exited" ? await backend.exited(info.id) : givenUp();
  throw fail(reason, { lines: await lastLines(backend, info.id, FAILURE_LINES), lastCheck });
}

/**
 * Reads the end of a worker's log as it is now.
 *
 * @param backend Who has the log.
 * @param id The worker.
 * @param count How many lines at most, 1 or more.
 * @returns The last lines, the oldest first.
 */
export async function lastLines(
  backend: Pick<Backend, "logs">,
  id: WorkerId,
  count: number,
): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of backend.logs(id)) {
    lines.push(line);
    if (lines.length > count) lines.shift();
  }
  return lines;
}

/** How the wait for the first answer ended. */
interface FirstAnswer {
  readonly outcome: "healthy" | "exited" | "given up";
  /** What the last health check saw that found the worker unhealthy. */
  readonly lastCheck: string | undefined;
}

async function firstAnswer(
  id: WorkerId,
  { backend, clock, signal }: { backend: Backend; clock: Clock; signal: AbortSignal },
): Promise<FirstAnswer> {
  let lastCheck: string | undefined;
  const over = Promise.withResolvers<"exited" | "given up">();
  const overSignal = new AbortController();
  const giveUp = () => over.resolve("given up");
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  backend.exited(id).then(() => over.resolve("exited"), over.reject);
  over.promise.then(() => overSignal.abort(), () => overSignal.abort());
  try {
    for (let pauseMs = FIRST_LOOK_MS;; pauseMs = Math.min(MAX_LOOK_MS, pauseMs * LOOK_GROWTH)) {
      const look = backend.healthCheck(id).then((health) => {
        if (health.status === "unhealthy") lastCheck = health.reason;
        return health.status;
      });
      const outcome = await Promise.race([over.promise, look]);
      if (outcome !== "unhealthy") return { outcome, lastCheck };
      await clock.sleep(pauseMs, { signal: overSignal.signal });
    }
  } finally {
    signal.removeEventListener("abort", giveUp);
    // Settles the races above, so that nothing of them outlives the start.
    giveUp();
  }
}

/** A signal that is aborted when the time is up or another signal is, until it is disposed. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #timer = new AbortController();
  readonly #outer: AbortSignal;
  readonly #giveUp = () => this.#controller.abort();

  constructor(clock: Clock, options: { timeoutMs: number; signal: AbortSignal }) {
    this.#outer = options.signal;
    this.#outer.addEventListener("abort", this.#giveUp, { once: true });
    if (this.#outer.aborted) this.#giveUp();
    clock.sleep(options.timeoutMs, { signal: this.#timer.signal }).then(() => {
      if (!this.#timer.signal.aborted) this.#giveUp();
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#timer.abort();
    this.#outer.removeEventListener("abort", this.#giveUp);
  }
}
