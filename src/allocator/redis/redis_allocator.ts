import type { Clock, Logger } from "#src/core/mod.ts";
import type { SlotAllocator } from "../allocator.ts";
import type { ClaimOwner, IsLive } from "../owner.ts";
import { checkRange, exhausted, type SlotKind, type SlotRange } from "../range.ts";
import { UnsettledClaims } from "../unsettled.ts";
import { checkOwner, parseClaim } from "./claim_record.ts";
import type { RedisConnection } from "./connection.ts";
import { checkEviction } from "./eviction.ts";
import { RedisSlots } from "./redis_slots.ts";

/** What a {@linkcode RedisAllocator} needs. */
export interface RedisAllocatorOptions {
  /** The connection; it stays open when the allocator is closed. */
  readonly redis: RedisConnection;
  /** The server that claims. */
  readonly owner: ClaimOwner;
  /** Tells which servers of this host are gone. */
  readonly isLive: IsLive;
  /** What the names of all keys begin with, without braces. */
  readonly keyPrefix: string;
  /** Is told what had to be put right after an outage. */
  readonly log: Logger;
  /** Tells the time. */
  readonly clock: Clock;
}

/** How many claims of dead servers are taken back at once. */
const RECLAIMS_AT_ONCE = 100;

/**
 * Keeps claims in Redis, for servers that share a host. The server must not drop keys by itself
 * (maxmemory-policy) and should keep its data over a restart (appendonly): what it loses is claimed
 * again by those who hold it as soon as they are connected.
 */
export class RedisAllocator<Slot extends number> implements SlotAllocator<Slot> {
  /** What the slots stand for. */
  readonly kind: SlotKind<Slot>;
  /** Where they come from. */
  readonly range: SlotRange;
  readonly #slots: RedisSlots;
  readonly #claims: UnsettledClaims;
  readonly #owner: ClaimOwner;
  readonly #isLive: IsLive;
  readonly #deadlineMs: number;
  readonly #stopListening: () => void;
  #isClosed = false;

  private constructor(kind: SlotKind<Slot>, range: SlotRange, options: RedisAllocatorOptions) {
    const { redis, owner, keyPrefix, log, clock } = options;
    this.kind = kind;
    this.range = { start: range.start, end: range.end };
    this.#slots = new RedisSlots(redis, {
      kindName: kind.name,
      range,
      owner,
      keyPrefix,
      onForgotten: () => this.#claims.check(),
    });
    this.#claims = new UnsettledClaims(this.#slots, { kindName: kind.name, log, clock });
    this.#owner = owner;
    this.#isLive = options.isLive;
    this.#deadlineMs = redis.deadlineMs;
    this.#stopListening = redis.onReconnect(() => this.#claims.storeIsBack());
  }

  /**
   * Opens the slots of a range.
   *
   * @param kind What the slots stand for.
   * @param range Where they come from. Another range than before is fine: claims outside it stay
   * with those who hold them.
   * @param options Where they are kept, and for whom.
   * @returns The allocator, after the store has taken its range.
   * @throws {RangeError} When the range does not fit the kind, or owner or prefix cannot be in keys.
   * @throws {StoreUnavailableError} When the store takes no changes; the message says why.
   * @throws {Error} When the store drops keys by itself.
   */
  static async open<Slot extends number>(
    kind: SlotKind<Slot>,
    range: SlotRange,
    options: RedisAllocatorOptions,
  ): Promise<RedisAllocator<Slot>> {
    checkRange(kind, range);
    checkOwner(options.owner);
    const allocator = new RedisAllocator(kind, range, options);
    try {
      await checkEviction(options.redis, options.log);
      await allocator.#slots.register();
    } catch (error) {
      allocator.#stopListening();
      throw error;
    }
    return allocator;
  }

  /**
   * Claims a slot in one round trip.
   *
   * @returns One that was never used, else the one that has been free longest.
   * @throws {ExhaustedError} When all slots are in use.
   * @throws {StoreUnavailableError} When Redis does not answer in time, or takes no changes. No
   * slot is lost by that.
   * @throws {Error} When the allocator is closed.
   */
  async claim(): Promise<Slot> {
    this.#mustBeOpen(`claim a ${this.kind.name}`);
    let inUse = 0;
    const slot = await this.#claims.claim(async (token) => {
      const outcome = await this.#slots.claim(token);
      if ("slot" in outcome) return outcome.slot;
      inUse = outcome.inUse;
      return undefined;
    });
    if (slot === undefined) throw exhausted(this, { inUse });
    return this.kind.toSlot(slot);
  }

  /**
   * Gives a slot back in one round trip. If Redis does not take it, it goes back later by itself and
   * stays claimed until then.
   *
   * @param slot A slot that this server holds.
   * @throws {ConflictError} When this server does not hold it.
   * @throws {Error} When the allocator is closed.
   */
  async release(slot: Slot): Promise<void> {
    this.#mustBeOpen(`release ${this.kind.name} ${slot}`);
    await this.#claims.release(slot);
  }

  /**
   * Counts the claims in one round trip.
   *
   * @returns How many slots of the range are claimed, by whichever server of this host.
   * @throws {StoreUnavailableError} When Redis does not answer in time.
   * @throws {Error} When the allocator is closed.
   */
  async inUse(): Promise<number> {
    this.#mustBeOpen(`count the ${this.kind.name}s in use`);
    return await this.#slots.inUse();
  }

  /**
   * Takes back the claims of servers of this host that are gone, in or out of range.
   *
   * @returns How many slots became free.
   * @throws {StoreUnavailableError} When Redis does not answer in time; some may be free then.
   * @throws {Error} When the allocator is closed.
   */
  async reclaimOrphans(): Promise<number> {
    this.#mustBeOpen(`reclaim ${this.kind.name}s`);
    await this.#slots.register();
    const orphans = await this.#findOrphans();
    let freed = 0;
    for (let at = 0; at < orphans.length; at += RECLAIMS_AT_ONCE) {
      const batch = orphans.slice(at, at + RECLAIMS_AT_ONCE);
      // Exactly the claim that was judged: the slot may have a new owner by now.
      const outcomes = await Promise.all(
        batch.map(([slot, claim]) => this.#slots.releaseClaim(slot, claim)),
      );
      freed += outcomes.filter((wasClaimed) => wasClaimed).length;
    }
    return freed;
  }

  async #findOrphans(): Promise<[number, string][]> {
    const isGone = new Map<string, Promise<boolean>>();
    const orphans: [number, string][] = [];
    for (const [slot, claim] of await this.#slots.listClaims()) {
      const record = parseClaim(claim);
      if (record === undefined || record.serverId === this.#owner.serverId) continue;
      const process = claim.slice(0, claim.lastIndexOf("|"));
      let gone = isGone.get(process);
      if (gone === undefined) {
        gone = this.#isLive(record).then((isLive) => !isLive);
        isGone.set(process, gone);
      }
      if (await gone) orphans.push([slot, claim]);
    }
    return orphans;
  }

  /**
   * Ends the use of this allocator; a second call does nothing. What Redis has not taken back yet is
   * tried once more, for as long as one call may take.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening();
    await this.#claims.close({ deadlineMs: this.#deadlineMs });
  }

  #mustBeOpen(action: string): void {
    if (this.#isClosed) throw new Error(`cannot ${action}: the allocator is closed`);
  }
}
