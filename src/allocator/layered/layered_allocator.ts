import type { Clock, Logger } from "#src/core/mod.ts";
import type { SlotAllocator } from "../allocator.ts";
import type { ClaimOwner, IsLive } from "../owner.ts";
import { PostgresAllocator, type PostgresConnection, type SlotObserver } from "../postgres/mod.ts";
import type { SlotKind, SlotRange } from "../range.ts";
import type { RedisConnection } from "../redis/mod.ts";
import { SlotMirror } from "./mirror.ts";

/** What a {@linkcode LayeredAllocator} needs. */
export interface LayeredAllocatorOptions {
  /** The database that decides; the connection stays open when the allocator is closed. */
  readonly postgres: PostgresConnection;
  /**
   * Gives the connection to Redis, making it if there is none yet; it may fail, and is called again
   * then. The connection stays open when the allocator is closed.
   */
  readonly connectRedis: () => Promise<RedisConnection>;
  /** What the names of all keys in Redis begin with, without braces. */
  readonly keyPrefix: string;
  /** The server that claims. */
  readonly owner: ClaimOwner;
  /** Tells which servers of this host are gone. */
  readonly isLive: IsLive;
  /** Is told what had to be put right after an outage. */
  readonly log: Logger;
  /** Tells the time. */
  readonly clock: Clock;
}

/**
 * Keeps claims in PostgreSQL and mirrors them in Redis, where they are counted. PostgreSQL alone
 * decides: without Redis everything goes on, and counting costs more; without PostgreSQL nothing
 * can be claimed.
 */
export class LayeredAllocator<Slot extends number> implements SlotAllocator<Slot> {
  /** What the slots stand for. */
  readonly kind: SlotKind<Slot>;
  /** Where they come from. */
  readonly range: SlotRange;
  readonly #decider: PostgresAllocator<Slot>;
  readonly #mirror: SlotMirror;
  #isClosed = false;

  private constructor(decider: PostgresAllocator<Slot>, mirror: SlotMirror) {
    this.kind = decider.kind;
    this.range = decider.range;
    this.#decider = decider;
    this.#mirror = mirror;
  }

  /**
   * Opens the slots of a range. Needs no Redis, and waits for one no longer than one call may take.
   *
   * @param kind What the slots stand for.
   * @param range Where they come from.
   * @param options Where they are kept, and for whom.
   * @returns The allocator.
   * @throws {RangeError} When the range does not fit the kind, or starts above its end.
   * @throws {StoreUnavailableError} When PostgreSQL is away.
   * @throws {Error} When the role lacks rights, or the tables are those of a newer program.
   */
  static async open<Slot extends number>(
    kind: SlotKind<Slot>,
    range: SlotRange,
    { postgres, connectRedis, keyPrefix, owner, isLive, log, clock }: LayeredAllocatorOptions,
  ): Promise<LayeredAllocator<Slot>> {
    const observer: SlotObserver = {
      onClaim: (claim) => mirror.noteClaim(claim),
      onRelease: (claim) => mirror.noteRelease(claim),
    };
    const parts = { postgres, owner, isLive, log, clock, observer };
    const decider = await PostgresAllocator.open(kind, range, parts);
    const mirror = new SlotMirror({
      connect: connectRedis,
      kindName: kind.name,
      hostId: owner.hostId,
      keyPrefix,
      listClaims: () => decider.listClaims(),
      log,
      clock,
    });
    await mirror.begun;
    return new LayeredAllocator(decider, mirror);
  }

  /** See {@linkcode PostgresAllocator.claim}. */
  async claim(): Promise<Slot> {
    const slot = await this.#decider.claim();
    await this.#mirror.settled();
    return slot;
  }

  /** See {@linkcode PostgresAllocator.release}. */
  async release(slot: Slot): Promise<void> {
    await this.#decider.release(slot);
    await this.#mirror.settled();
  }

  /**
   * Counts the claims: in Redis, in time that hardly grows with them, while the mirror there is
   * whole; else in PostgreSQL. What a server did that has just lost Redis, or that settles after an
   * outage, may be missing for a few seconds.
   *
   * @returns How many slots of the range are claimed, by whichever server of this host.
   * @throws {StoreUnavailableError} When neither can be asked.
   * @throws {Error} When the allocator is closed.
   */
  async inUse(): Promise<number> {
    const count = this.#isClosed ? undefined : await this.#mirror.count(this.range);
    return count ?? await this.#decider.inUse();
  }

  /** See {@linkcode PostgresAllocator.reclaimOrphans}. */
  async reclaimOrphans(): Promise<number> {
    const freed = await this.#decider.reclaimOrphans();
    if (freed > 0) this.#mirror.noteChanges();
    await this.#mirror.settled();
    return freed;
  }

  /** Ends the use of this allocator; a second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#decider.close();
    await this.#mirror.close();
  }
}
