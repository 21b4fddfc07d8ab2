import { type Clock, ConflictError, errorMessage, type Logger } from "#src/core/mod.ts";
import { backoffMs } from "./backoff.ts";

/** A claim as a store has it. */
export interface StoredClaim {
  /** The slot. */
  readonly slot: number;
  /** What the claim was made with. */
  readonly token: string;
}

/** What {@linkcode UnsettledClaims} needs of a store. Every call has a deadline of its own. */
export interface ClaimStore {
  /**
   * Lists the claims of this server that the store has, in or out of range; those that other
   * allocators of this server made may be among them.
   *
   * @returns Every claim that was there when the call began and is still there when it ends.
   * @throws {Error} When the store does not answer.
   */
  listOwn(): Promise<readonly StoredClaim[]>;
  /**
   * Makes a slot free if, and only if, it is claimed with that very token.
   *
   * @param slot The slot.
   * @param token What it was claimed with.
   * @returns Whether it was; false changes nothing.
   * @throws {Error} When it is unknown whether the store did it.
   */
  release(slot: number, token: string): Promise<boolean>;
  /**
   * For stores that can forget: claims a certain slot again, unless somebody has it.
   *
   * @param slot The slot.
   * @param token What it was claimed with, and is claimed with again.
   * @returns False when it is claimed with another token; nothing changes then.
   * @throws {Error} When it is unknown whether the store did it.
   */
  restore?(slot: number, token: string): Promise<boolean>;
}

/**
 * After an answer was lost, claims are looked through as soon as the store answers, and again after
 * these pauses, in milliseconds. What was sent on a connection that has been given up can arrive
 * late: the kernel goes on sending it for about 100 s (tcp_orphan_retries, tcp(7)).
 */
const LATER_CHECKS_MS: readonly number[] = [5000, 120_000];

/**
 * Knows what an allocator holds, and settles what a store left open.
 *
 * A claim whose answer is lost may have been made: what the store has of this allocator and nobody
 * here holds is given back. A release that the store did not take is tried until it does; the slot
 * stays claimed meanwhile. Every claim has a token of its own, so that what arrives late, or twice,
 * never touches a later claim of the same slot.
 */
export class UnsettledClaims {
  readonly #store: ClaimStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #kindName: string;
  /** Starts every token, so that allocators of one server know their claims apart. */
  readonly #tokenPrefix = `${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}.`;
  #tokens = 0;
  readonly #held = new Map<number, string>();
  readonly #inFlight = new Set<string>();
  readonly #unreleased = new Map<string, number>();
  /** When to compare what is held with what is stored, on the monotonic clock. */
  #checksAtMs: readonly number[] = [];
  #work: Promise<void> | undefined;
  /** Ends the pause that the work is in. */
  #waking = new AbortController();
  /** How often the store has failed in a row. */
  #failures = 0;
  #isClosed = false;

  /**
   * Starts with nothing held.
   *
   * @param store Where claims are kept.
   * @param options `kindName` names a slot in messages: `port`, `uid`; `log` is told what had to be
   * settled.
   */
  constructor(store: ClaimStore, options: { kindName: string; clock: Clock; log: Logger }) {
    this.#store = store;
    this.#clock = options.clock;
    this.#log = options.log.with({ kind: options.kindName });
    this.#kindName = options.kindName;
  }

  /**
   * Makes a claim.
   *
   * @param attempt Claims a slot in the store with the token that it is given; resolves to nothing
   * when none is free. Whatever it throws counts as an unknown outcome.
   * @returns The slot, which is held from now on, or undefined.
   * @throws {Error} What `attempt` throws.
   */
  async claim(
    attempt: (token: string) => Promise<number | undefined>,
  ): Promise<number | undefined> {
    while (true) {
      const token = this.#tokenPrefix + (++this.#tokens).toString(36);
      this.#inFlight.add(token);
      let slot: number | undefined;
      try {
        slot = await attempt(token);
      } catch (error) {
        this.check();
        throw error;
      } finally {
        this.#inFlight.delete(token);
      }
      if (slot === undefined) return undefined;
      const wasHeld = this.#held.has(slot);
      this.#held.set(slot, token);
      if (!wasHeld) return slot;
      // The store has lost what is held here; this claim takes the place of the lost one.
      this.#log.warn("the store had forgotten a claim", { slot });
    }
  }

  /**
   * Gives a slot back.
   *
   * @param slot The slot.
   * @returns A promise that resolves when the store has it back, or when the store did not take it:
   * then it goes back later, and stays claimed until it does.
   * @throws {ConflictError} When the slot is not held; nothing changes then.
   */
  async release(slot: number): Promise<void> {
    const token = this.#held.get(slot);
    if (token === undefined) throw this.#notHeld(slot);
    this.#held.delete(slot);
    this.#inFlight.add(token);
    let wasClaimed: boolean;
    try {
      wasClaimed = await this.#store.release(slot, token);
    } catch (error) {
      this.#unreleased.set(token, slot);
      this.#log.warn("a slot could not be released yet", { slot, error: errorMessage(error) });
      this.#startWork();
      return;
    } finally {
      this.#inFlight.delete(token);
    }
    if (!wasClaimed) throw this.#notHeld(slot);
  }

  /** Compares what the store has with what is held: now or as soon as it answers, and later. */
  check(): void {
    this.#planChecks();
    this.#startWork();
  }

  /** As {@linkcode check}, and without waiting: the store has just answered on a new connection. */
  storeIsBack(): void {
    this.#failures = 0;
    this.check();
  }

  /**
   * Stops. What is still open is tried once more; what remains open after that is taken back as
   * orphans when this server is gone.
   *
   * @param options `deadlineMs` is how long to try, in milliseconds.
   */
  async close({ deadlineMs }: { deadlineMs: number }): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waking.abort();
    const timer = new AbortController();
    const settled = this.#settleLast().catch((error) =>
      this.#log.warn("slots stay claimed until this server is gone", {
        slots: [...this.#unreleased.values()],
        error: errorMessage(error),
      })
    );
    await Promise.race([settled, this.#clock.sleep(deadlineMs, { signal: timer.signal })]);
    timer.abort();
  }

  async #settleLast(): Promise<void> {
    await this.#work;
    if (this.#dueInMs() <= 0) await this.#settle();
  }

  #planChecks(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#checksAtMs = [nowMs, ...LATER_CHECKS_MS.map((pauseMs) => nowMs + pauseMs)];
  }

  #startWork(): void {
    if (this.#isClosed) return;
    if (this.#failures === 0) this.#waking.abort();
    this.#work ??= this.#workOff().finally(() => {
      this.#work = undefined;
    });
  }

  async #workOff(): Promise<void> {
    while (!this.#isClosed) {
      const dueInMs = this.#dueInMs();
      if (dueInMs === Infinity) return;
      const pauseMs = this.#failures > 0 ? backoffMs(this.#failures) : dueInMs;
      if (pauseMs > 0) {
        this.#waking = new AbortController();
        await this.#clock.sleep(pauseMs, { signal: this.#waking.signal });
        // What was due may have changed; after a failure the pause was all there was to wait for.
        if (this.#isClosed || (this.#failures === 0 && this.#dueInMs() > 0)) continue;
      }
      try {
        await this.#settle();
        this.#failures = 0;
      } catch (error) {
        this.#failures++;
        // The later checks count from the moment at which the store is back.
        if (this.#checksAtMs.length > 0) this.#planChecks();
        this.#log.debug("claims are not settled yet", { error: errorMessage(error) });
      }
    }
  }

  /** 0 or below when something can be settled now, Infinity when there is nothing to settle. */
  #dueInMs(): number {
    if (this.#unreleased.size > 0) return 0;
    return (this.#checksAtMs[0] ?? Infinity) - this.#clock.monotonicMs();
  }

  async #settle(): Promise<void> {
    await this.#releaseAll([...this.#unreleased].map(([token, slot]) => ({ slot, token })));
    const checksAtMs = this.#checksAtMs;
    const nowMs = this.#clock.monotonicMs();
    if ((checksAtMs[0] ?? Infinity) > nowMs) return;
    await this.#compare();
    // One that was asked for meanwhile has not been made.
    if (this.#checksAtMs === checksAtMs) {
      this.#checksAtMs = checksAtMs.filter((atMs) => atMs > nowMs);
    }
  }

  async #compare(): Promise<void> {
    const before = [...this.#held];
    const stored = await this.#store.listOwn();
    const lost = stored.filter(({ slot, token }) =>
      token.startsWith(this.#tokenPrefix) && this.#held.get(slot) !== token &&
      !this.#inFlight.has(token) && !this.#unreleased.has(token)
    );
    if (lost.length > 0) {
      await this.#releaseAll(lost);
      this.#log.info("claims whose answers were lost were given back", {
        slots: lost.map(({ slot }) => slot),
      });
    }
    await this.#restore(before, new Set(stored.map(({ token }) => token)));
  }

  async #restore(
    held: readonly (readonly [number, string])[],
    stored: ReadonlySet<string>,
  ): Promise<void> {
    for (const [slot, token] of held) {
      if (this.#store.restore === undefined) return;
      if (stored.has(token) || this.#held.get(slot) !== token) continue;
      if (await this.#store.restore(slot, token)) {
        this.#log.warn("the store had forgotten a claim", { slot });
      } else {
        this.#log.error("the store gave a held slot to somebody else", { slot });
      }
    }
  }

  /** Tries all, then throws the first failure. */
  async #releaseAll(claims: readonly StoredClaim[]): Promise<void> {
    const outcomes = await Promise.allSettled(claims.map(async ({ slot, token }) => {
      await this.#store.release(slot, token);
      if (this.#unreleased.delete(token)) this.#log.info("a slot was released late", { slot });
    }));
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure) throw failure.reason;
  }

  #notHeld(slot: number): ConflictError {
    return new ConflictError(
      `cannot release ${this.#kindName} ${slot}: want one that this server holds`,
    );
  }
}
