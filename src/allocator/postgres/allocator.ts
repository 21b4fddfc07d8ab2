import type { Clock, Logger } from "#src/core/mod.ts";
import type { SlotAllocator } from "../allocator.ts";
import type { ClaimOwner, IsLive } from "../owner.ts";
import { checkRange, exhausted, rangeSize, type SlotKind, type SlotRange } from "../range.ts";
import { UnsettledClaims } from "../unsettled.ts";
import type { PostgresConnection } from "./connection.ts";
import { migrate } from "./migrate.ts";
import { SLOT_TABLES } from "./migrations.ts";
import { requireRights } from "./rights.ts";
import { type ServerClaim, type SlotObserver, SlotRows } from "./slot_rows.ts";

/** What {@linkcode PostgresAllocator.open} needs. */
export interface PostgresAllocatorOptions {
  /** The database; it stays open when the allocator is closed. */
  readonly postgres: PostgresConnection;
  /** The server that claims. */
  readonly owner: ClaimOwner;
  /** Tells which servers of this host are gone. */
  readonly isLive: IsLive;
  /** Tells when to try again what the database did not take. */
  readonly clock: Clock;
  /** Is told what had to be tried again. */
  readonly log: Logger;
  /** Is told what this allocator has claimed and released, as soon as it is certain. */
  readonly observer?: SlotObserver;
}

/**
 * Keeps claims in PostgreSQL, for any number of servers on any number of hosts. A claim takes one
 * statement and a release another, each a transaction of its own; those that come together share
 * one. Claims never wait for those of other servers.
 */
export class PostgresAllocator<Slot extends number> implements SlotAllocator<Slot> {
  /** What the slots stand for. */
  readonly kind: SlotKind<Slot>;
  /** Where they come from. */
  readonly range: SlotRange;
  readonly #deadlineMs: number;
  readonly #rows: SlotRows;
  readonly #claims: UnsettledClaims;
  readonly #isLive: IsLive;
  #isClosed = false;

  private constructor(
    kind: SlotKind<Slot>,
    range: SlotRange,
    { postgres, owner, isLive, clock, log, observer = {} }: PostgresAllocatorOptions,
  ) {
    this.kind = kind;
    this.range = { start: range.start, end: range.end };
    this.#deadlineMs = postgres.deadlineMs;
    this.#isLive = isLive;
    this.#rows = new SlotRows(postgres, { owner, kind, range: this.range, observer });
    this.#claims = new UnsettledClaims(this.#rows, { kindName: kind.name, clock, log });
  }

  /**
   * Makes the tables where they are missing, and an allocator.
   *
   * @param kind What the slots stand for.
   * @param range Where they come from.
   * @param options The database, and the server that claims.
   * @returns The allocator.
   * @throws {RangeError} When the range does not fit the kind, or starts above its end.
   * @throws {StoreUnavailableError} When the database is away.
   * @throws {Error} When the role lacks rights, or the tables are those of a newer program.
   */
  static async open<Slot extends number>(
    kind: SlotKind<Slot>,
    range: SlotRange,
    options: PostgresAllocatorOptions,
  ): Promise<PostgresAllocator<Slot>> {
    checkRange(kind, range);
    await migrate(options.postgres, SLOT_TABLES);
    await requireRights(options.postgres);
    const allocator = new PostgresAllocator(kind, range, options);
    await allocator.#rows.fill();
    return allocator;
  }

  /**
   * Claims a slot.
   *
   * @returns The slot that has been free longest; those that were never used come first.
   * @throws {ExhaustedError} When all slots are in use.
   * @throws {StoreUnavailableError} When the database is away.
   * @throws {Error} When the allocator is closed, or the database refuses.
   */
  async claim(): Promise<Slot> {
    this.#mustBeOpen(`claim a ${this.kind.name}`);
    let slot = await this.#claims.claim((token) => this.#claim(token));
    if (slot === undefined) {
      const counts = await this.#rows.count();
      if (counts.rows >= rangeSize(this.range)) throw exhausted(this, counts);
      // Rows go missing only with a failover that lost them, or by hand.
      this.#rows.refill();
      slot = await this.#claims.claim((token) => this.#claim(token));
    }
    if (slot === undefined) throw exhausted(this, await this.#rows.count());
    return this.kind.toSlot(slot);
  }

  /**
   * Gives a slot back. When the database does not take it now, it goes back later by itself.
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
   * Counts the claims, in time proportional to the range's used part.
   *
   * @returns How many slots of the range are claimed, by whichever server of this host.
   * @throws {StoreUnavailableError} When the database is away.
   * @throws {Error} When the allocator is closed, or the database refuses.
   */
  async inUse(): Promise<number> {
    this.#mustBeOpen(`count the ${this.kind.name}s in use`);
    return (await this.#rows.count()).inUse;
  }

  /**
   * Lists the claims of all servers of this host, in range or not.
   *
   * @returns The claims, in no order.
   * @throws {StoreUnavailableError} When the database is away.
   * @throws {Error} When the allocator is closed, or the database refuses.
   */
  async listClaims(): Promise<ServerClaim[]> {
    this.#mustBeOpen(`list the ${this.kind.name}s in use`);
    return await this.#rows.listClaims();
  }

  /**
   * Takes back what servers of this host hold that are gone, in this range or out of it.
   *
   * @returns How many slots became free.
   * @throws {StoreUnavailableError} When the database is away.
   * @throws {Error} When the allocator is closed, or the database refuses.
   */
  async reclaimOrphans(): Promise<number> {
    this.#mustBeOpen(`reclaim ${this.kind.name}s`);
    let freed = 0;
    for (const server of await this.#rows.listServers()) {
      if (!await this.#isLive(server)) freed += await this.#rows.freeServer(server);
    }
    return freed;
  }

  /** Ends the use of this allocator, within two deadlines; a second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#claims.close({ deadlineMs: this.#deadlineMs });
  }

  async #claim(token: string): Promise<number | undefined> {
    let slot = await this.#rows.claim(token);
    while (slot === undefined && !this.#rows.isFilled) {
      await this.#rows.fill();
      slot = await this.#rows.claim(token);
    }
    return slot;
  }

  #mustBeOpen(action: string): void {
    if (this.#isClosed) throw new Error(`cannot ${action}: the allocator is closed`);
  }
}
