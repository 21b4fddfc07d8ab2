import { type AppName, errorMessage, type Logger } from "#src/core/mod.ts";
import type { Session, SessionStore } from "./sessions.ts";
import type { ReadyWorker, WorkerPool } from "./worker_pool.ts";

/** A request's session and where it is held to. One exchange of the session is open for it. */
export interface Admission {
  /** The session that the request belongs to. */
  readonly session: Session;
  /** The worker that the session is held to. */
  readonly worker: ReadyWorker;
  /** Whether the browser has yet to be told of the session. */
  readonly isNew: boolean;
}

/** Brings requests to workers by way of their sessions. */
export class Admissions {
  readonly #sessions: SessionStore;
  readonly #log: Logger;

  /**
   * Makes the way in; one serves all apps.
   *
   * @param sessions Where sessions are kept.
   * @param log Told of a store that fails after the fact.
   */
  constructor(sessions: SessionStore, log: Logger) {
    this.#sessions = sessions;
    this.#log = log;
  }

  /**
   * Admits a request: to the worker of its session, else, whatever it asks for, to a new session on
   * a worker that has room.
   *
   * @param pool The workers of the app.
   * @param options `sessionIds` is what the browser sent, any text; `signal` gives up.
   * @returns The session. {@linkcode Admissions.end} has to follow.
   * @throws {unknown} As `WorkerPool.place`; the signal's reason when it was aborted.
   */
  async admit(
    pool: WorkerPool,
    { sessionIds, signal }: { sessionIds: readonly string[]; signal: AbortSignal },
  ): Promise<Admission> {
    const app = pool.app.name;
    for (const id of sessionIds) {
      const session = await this.#sessions.enter(id, app);
      if (session === undefined) continue;
      const worker = pool.find(session.worker);
      if (worker !== undefined) return { session, worker, isNew: false };
      await this.#forget(session, pool);
    }
    return await this.#admitNew(pool, app, signal);
  }

  /**
   * Ends the exchange of a request.
   *
   * @param admission What {@linkcode Admissions.admit} returned.
   */
  end({ session }: Admission): void {
    this.#later(this.#sessions.leave(session.id));
  }

  /**
   * Gives up a session whose worker could not be reached, so that the next request finds another
   * worker. A session that has another exchange with the worker (its WebSocket, say) is kept: there
   * is more to lose than to win.
   *
   * @param admission What {@linkcode Admissions.admit} returned.
   * @param pool The workers of the app; looks at this one out of turn.
   */
  giveUp({ session, worker }: Admission, pool: WorkerPool): void {
    pool.suspect(worker.id);
    if (session.openExchanges <= 1) this.#later(this.#forget(session, pool));
  }

  async #admitNew(pool: WorkerPool, app: AppName, signal: AbortSignal): Promise<Admission> {
    while (true) {
      const worker = await pool.place({ signal });
      if (signal.aborted) {
        pool.leave(worker.id);
        signal.throwIfAborted();
      }
      const session = await this.#sessions.create(app, worker.id);
      if (worker.isReady) return { session, worker, isNew: true };
      await this.#forget(session, pool);
    }
  }

  async #forget(session: Session, pool: WorkerPool): Promise<void> {
    if (await this.#sessions.remove(session.id)) pool.leave(session.worker);
  }

  #later(result: void | Promise<void>): void {
    result?.catch((error: unknown) => {
      this.#log.error("session store failed", { error: errorMessage(error) });
    });
  }
}
