import { type Clock, errorMessage, type Logger } from "#src/core/mod.ts";
import type { ServerClaim } from "../postgres/mod.ts";
import type { SlotRange } from "../range.ts";
import type { RedisConnection, RedisScript, ScriptInput } from "../redis/mod.ts";
import { ADD, COUNT, INVALIDATE, IS_DUE, REMOVE, REWRITE } from "./mirror_scripts.ts";

/** What a {@linkcode SlotMirror} works with. */
export interface SlotMirrorOptions {
  /** Gives the connection to Redis, making it if there is none yet; is called again if that fails. */
  readonly connect: () => Promise<RedisConnection>;
  /** What a slot is called: `port`, `uid`. */
  readonly kindName: string;
  /** The host whose slots these are. */
  readonly hostId: string;
  /** What the names of all keys begin with, without braces. */
  readonly keyPrefix: string;
  /** Lists all claims of this kind and host, as they are in the store that decides. */
  readonly listClaims: () => Promise<readonly ServerClaim[]>;
  /** Is told when the mirror cannot be used, and when it can again. */
  readonly log: Logger;
  /** Tells the time. */
  readonly clock: Clock;
}

/** How old the mirror gets before some server writes it as a whole, in milliseconds. */
const REWRITE_AFTER_MS = 4000;
/** How often each server looks whether that is due, in milliseconds. */
const LOOK_EVERY_MS = 5000;
/**
 * What was last written as a whole longer ago than this is not believed, in milliseconds: changes
 * may be missing whose writers have lost Redis or their lives.
 */
const BELIEVED_MS = 12_000;
/** A mirror that changes while it is written is written anew, at most this often in a row. */
const MAX_REWRITES = 3;

/**
 * A copy of the claims of one kind and host in Redis, for reads that are cheaper there. It is never
 * asked who has what.
 *
 * Every server notes its own changes when the deciding store has made them. Besides, one of them
 * writes the whole mirror from that store every few seconds, so that whatever was lost or came late
 * is put right. A server that has lost Redis makes do without the mirror until it has written it as
 * a whole itself.
 */
export class SlotMirror {
  readonly #options: SlotMirrorOptions;
  readonly #keys: readonly [mirror: string, state: string];
  readonly #log: Logger;
  readonly #closing = new AbortController();
  /** Ends the pause before the next look. */
  #hurry = new AbortController();
  readonly #watching: Promise<void>;
  readonly #begun = Promise.withResolvers<void>();
  readonly #notes = new Set<Promise<void>>();
  #redis: RedisConnection | undefined;
  /** Whether changes of this server are noted. */
  #isNoting = false;
  /** Whether the mirror has all changes of this server, as far as is known. */
  #isTrusted = false;
  #hasWarned = false;

  /**
   * Starts to look after the mirror.
   *
   * @param options What it is made of.
   */
  constructor(options: SlotMirrorOptions) {
    const { keyPrefix, hostId, kindName, log } = options;
    this.#options = options;
    const mirror = `${keyPrefix}{${hostId}:${kindName}}:mirror`;
    this.#keys = [mirror, `${mirror}:state`];
    this.#log = log.with({ kind: kindName });
    this.#watching = this.#watch();
  }

  /** Resolves when the mirror was written for the first time, or could not be; never rejects. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /**
   * Notes a claim. Returns at once.
   *
   * @param claim A claim that the deciding store has made.
   */
  noteClaim(claim: ServerClaim): void {
    this.#note(ADD, { keys: this.#keys, args: [String(claim.slot), memberOf(claim)] });
  }

  /**
   * Notes that a claim has ended. Returns at once.
   *
   * @param claim A claim that the deciding store does not have any more.
   */
  noteRelease(claim: ServerClaim): void {
    this.#note(REMOVE, { keys: this.#keys, args: [memberOf(claim)] });
  }

  /** Notes that claims have changed of which it is not known which. Returns at once. */
  noteChanges(): void {
    this.#isTrusted = false;
    this.#note(INVALIDATE, { keys: [this.#keys[1]], args: [] });
    this.#hurry.abort();
  }

  /**
   * Counts the claims of a range.
   *
   * @param range The range.
   * @returns How many there are, or undefined when the mirror cannot tell.
   */
  async count({ start, end }: SlotRange): Promise<number | undefined> {
    if (!this.#isTrusted || this.#redis === undefined) return undefined;
    try {
      const count = Number(
        await this.#redis.run(`cannot count the ${this.#options.kindName}s in use`, COUNT, {
          keys: this.#keys,
          args: [String(start), String(end), String(BELIEVED_MS)],
        }),
      );
      return count < 0 ? undefined : count;
    } catch (error) {
      this.#doubt(error);
      return undefined;
    }
  }

  /**
   * Waits until Redis has taken what was noted so far, or the mirror is given up: not at all while
   * there is no Redis, and once for a connection's deadline when it stops to answer.
   *
   * @returns A promise that never rejects.
   */
  async settled(): Promise<void> {
    await Promise.all(this.#notes);
  }

  /** Stops looking after the mirror; the connection stays open. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#hurry.abort();
    await this.#watching;
    await this.settled();
  }

  #note(script: RedisScript, input: ScriptInput): void {
    const redis = this.#redis;
    // Without a note, the next writing of the whole mirror has this change.
    if (redis === undefined || !this.#isNoting) return;
    const action = `cannot mirror a ${this.#options.kindName}`;
    const note = redis.run(action, script, input).then(() => {}, (error) => this.#doubt(error))
      .finally(() => this.#notes.delete(note));
    this.#notes.add(note);
  }

  #doubt(error: unknown): void {
    this.#isNoting = false;
    this.#isTrusted = false;
    if (this.#hasWarned || this.#closing.signal.aborted) return;
    this.#hasWarned = true;
    this.#log.warn("the mirror in Redis cannot be used now", { error: errorMessage(error) });
  }

  async #watch(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#refresh();
      } catch (error) {
        this.#doubt(error);
      }
      this.#begun.resolve();
      const { signal: hurry } = this.#hurry;
      await clock.sleep(LOOK_EVERY_MS, { signal: hurry });
      if (hurry.aborted) this.#hurry = new AbortController();
    }
  }

  async #refresh(): Promise<void> {
    const redis = this.#redis ??= await this.#options.connect();
    const action = `cannot mirror the ${this.#options.kindName}s`;
    const [mirror, state] = this.#keys;
    for (let tries = 0; tries < MAX_REWRITES && !this.#closing.signal.aborted; tries++) {
      // A server without trust has changes that nobody noted, so that no age is young enough.
      const age = this.#isTrusted ? REWRITE_AFTER_MS : -1;
      const due = { keys: [state], args: [String(age)] };
      const generation = Number(await redis.run(action, IS_DUE, due));
      if (generation < 0) return;
      // What changes while the claims are listed has to be seen as a change.
      this.#isNoting = true;
      const claims = await this.#listClaims();
      if (claims === undefined) return;
      const args = claims.flatMap((claim) => [String(claim.slot), memberOf(claim)]);
      const isWritten = await redis.run(action, REWRITE, {
        keys: [mirror, state],
        args: [String(generation), ...args],
      });
      if (isWritten !== 1) continue;
      this.#isTrusted = this.#isNoting;
      if (this.#hasWarned) this.#log.info("the mirror in Redis is complete again");
      this.#hasWarned = false;
      return;
    }
  }

  /** While the deciding store is away nothing changes, and the mirror is as good as it was. */
  async #listClaims(): Promise<readonly ServerClaim[] | undefined> {
    try {
      return await this.#options.listClaims();
    } catch (error) {
      this.#log.debug("the mirror in Redis is not compared now", { error: errorMessage(error) });
      return undefined;
    }
  }
}

function memberOf({ slot, serverId, token }: ServerClaim): string {
  return `${slot}|${serverId}|${token}`;
}
