import type { AppName, Clock, WorkerId } from "#src/core/mod.ts";

/** One browser's stay with one app, held to one worker. */
export interface Session {
  /** A secret of 192 random bits, base64url; it never belongs into a log. */
  readonly id: string;
  /** The app that it is for. */
  readonly app: AppName;
  /** The worker that it is held to. */
  readonly worker: WorkerId;
  /** How many exchanges and tunnels are open now; a session with one never expires. */
  readonly openExchanges: number;
  /** When the last exchange began or ended, on the clock's monotonic scale, in milliseconds. */
  readonly lastUsedMs: number;
}

/** A value now, or a promise of it: a store in memory need not make its callers wait. */
export type Awaitable<T> = T | Promise<T>;

/** Where sessions are kept. */
export interface SessionStore {
  /**
   * Makes a session and opens its first exchange.
   *
   * @param app The app that it is for.
   * @param worker The worker that it is held to.
   * @returns The new session.
   */
  create(app: AppName, worker: WorkerId): Awaitable<Session>;

  /**
   * Opens an exchange of a session.
   *
   * @param id What the browser sent: any text.
   * @param app The app that the request is for.
   * @returns The session, or nothing when there is none of this id for this app.
   */
  enter(id: string, app: AppName): Awaitable<Session | undefined>;

  /**
   * Ends an exchange that {@linkcode SessionStore.create} or {@linkcode SessionStore.enter} opened.
   *
   * @param id The session; one that is gone is no mistake.
   */
  leave(id: string): Awaitable<void>;

  /**
   * Forgets a session.
   *
   * @param id The session.
   * @returns Whether it was there.
   */
  remove(id: string): Awaitable<boolean>;

  /**
   * Forgets every session of a worker.
   *
   * @param worker The worker.
   */
  removeWorker(worker: WorkerId): Awaitable<void>;

  /**
   * Forgets the sessions that have not been used for too long.
   *
   * @returns The sessions that were forgotten.
   */
  sweep(): Awaitable<readonly Session[]>;
}

type Entry = { -readonly [Key in keyof Session]: Session[Key] };

/**
 * Keeps sessions in memory: they end with the server, as its workers do. Every request costs a
 * constant number of steps, and a sweep as many as there are sessions to forget.
 */
export class MemorySessionStore implements SessionStore {
  readonly #clock: Clock;
  readonly #idleTtlMs: number;
  readonly #all = new Map<string, Entry>();
  /** Sessions without an open exchange, the longest unused first. */
  readonly #unused = new Map<string, Entry>();
  readonly #byWorker = new Map<WorkerId, Set<string>>();

  /**
   * Makes an empty store.
   *
   * @param clock What tells how long a session was not used.
   * @param options `idleTtlMs` is how long an unused session lives, in milliseconds, above 0.
   */
  constructor(clock: Clock, options: { idleTtlMs: number }) {
    this.#clock = clock;
    this.#idleTtlMs = options.idleTtlMs;
  }

  create(app: AppName, worker: WorkerId): Session {
    const entry: Entry = {
      id: newSessionId(),
      app,
      worker,
      openExchanges: 1,
      lastUsedMs: this.#clock.monotonicMs(),
    };
    this.#all.set(entry.id, entry);
    const siblings = this.#byWorker.get(worker);
    if (siblings) siblings.add(entry.id);
    else this.#byWorker.set(worker, new Set([entry.id]));
    return entry;
  }

  enter(id: string, app: AppName): Session | undefined {
    const entry = this.#all.get(id);
    if (entry === undefined || entry.app !== app || this.#isExpired(entry)) return undefined;
    entry.openExchanges++;
    entry.lastUsedMs = this.#clock.monotonicMs();
    this.#unused.delete(id);
    return entry;
  }

  leave(id: string): void {
    const entry = this.#all.get(id);
    if (entry === undefined || entry.openExchanges === 0) return;
    entry.openExchanges--;
    entry.lastUsedMs = this.#clock.monotonicMs();
    if (entry.openExchanges === 0) this.#unused.set(id, entry);
  }

  remove(id: string): boolean {
    const entry = this.#all.get(id);
    if (entry === undefined) return false;
    this.#all.delete(id);
    this.#unused.delete(id);
    const siblings = this.#byWorker.get(entry.worker);
    siblings?.delete(id);
    if (siblings?.size === 0) this.#byWorker.delete(entry.worker);
    return true;
  }

  removeWorker(worker: WorkerId): void {
    for (const id of [...this.#byWorker.get(worker) ?? []]) this.remove(id);
  }

  sweep(): readonly Session[] {
    const expired: Session[] = [];
    for (const entry of this.#unused.values()) {
      if (!this.#isExpired(entry)) break;
      expired.push(entry);
    }
    for (const { id } of expired) this.remove(id);
    return expired;
  }

  #isExpired(entry: Entry): boolean {
    return entry.openExchanges === 0 &&
      this.#clock.monotonicMs() - entry.lastUsedMs >= this.#idleTtlMs;
  }
}

function newSessionId(): string {
  return crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: "base64url" });
}
