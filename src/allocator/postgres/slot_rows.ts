import type { ClaimOwner, ClaimProcess } from "../owner.ts";
import type { SlotRange } from "../range.ts";
import type { ClaimStore, StoredClaim } from "../unsettled.ts";
import { Batches } from "./batches.ts";
import type { PostgresConnection } from "./connection.ts";
import type { Statement } from "./lease.ts";
import * as sql from "./statements.ts";

/** What slots are called in messages, and in the column `kind`. */
interface SlotName {
  readonly name: string;
}

/** Slots that get their rows in one statement. A larger range gets them as it needs them. */
const FILL_SIZE = 5000;

/**
 * From this many new rows on the table needs statistics, without which claims would sort them all;
 * with them, the database prefers to read a smaller table, and all that was ever in it, as a whole.
 */
const WORTH_STATISTICS = 500;

/** Above every slot, so that a slot less this is a turn below 0 in the order of the slots. */
const FIRST_TURNS = 2 ** 32;
/** Below all turns. */
const LOWEST_TURN = -FIRST_TURNS;
/** Above all turns; up to here a number is exact. */
const HIGHEST_TURN = Number.MAX_SAFE_INTEGER;

/** A claim of some server. */
export interface ServerClaim {
  /** The slot. */
  readonly slot: number;
  /** What the claim was made with. */
  readonly token: string;
  /** The server that has it. */
  readonly serverId: string;
}

/** Is told what one server has changed, as soon as it is certain. */
export interface SlotObserver {
  /**
   * A slot is claimed.
   *
   * @param claim The claim.
   */
  onClaim?(claim: ServerClaim): void;
  /**
   * A slot is not claimed any more, or at least not so.
   *
   * @param claim The claim that it had.
   */
  onRelease?(claim: ServerClaim): void;
}

/** How many slots of a range there are, and how many of them are claimed. */
export interface RowCount {
  /** Slots that have a row. */
  readonly rows: number;
  /** Slots that are claimed, by any server of the host. */
  readonly inUse: number;
}

/** The rows of one host and kind, seen by one server. Says nothing about who may call what when. */
export class SlotRows implements ClaimStore {
  readonly #connection: PostgresConnection;
  readonly #owner: ClaimOwner;
  readonly #kind: SlotName;
  readonly #range: SlotRange;
  readonly #observer: SlotObserver;
  /** The first slot that may have no row yet; above the range's end when all have one. */
  #unfilled: number;
  #filling: Promise<void> | undefined;
  /**
   * Where to begin the search for a free slot: at the last turn that was found. All that is before
   * it is of no use any more but still in the index, and walking over it is what makes a queue in a
   * table slow. Turns that come late, of a release that was overtaken, are found in the second
   * search, from the lowest turn, that precedes every "there is none".
   */
  #searchFrom = LOWEST_TURN;
  readonly #claims = new Batches((tokens: readonly string[]) => this.#claimAll(tokens));
  readonly #releases = new Batches((claims: readonly StoredClaim[]) => this.#releaseAll(claims));

  /**
   * Looks at the rows of a host and kind.
   *
   * @param connection The database, with its tables.
   * @param options `owner` is the server that claims; `range` where its claims come from; `observer`
   * is told of changes.
   */
  constructor(
    connection: PostgresConnection,
    options: { owner: ClaimOwner; kind: SlotName; range: SlotRange; observer?: SlotObserver },
  ) {
    this.#connection = connection;
    this.#owner = options.owner;
    this.#kind = options.kind;
    this.#range = options.range;
    this.#observer = options.observer ?? {};
    this.#unfilled = options.range.start;
  }

  /** Whether every slot of the range had a row when it was last looked at. */
  get isFilled(): boolean {
    return this.#unfilled > this.#range.end;
  }

  /**
   * Makes rows for the next slots of the range that may have none. Calls at the same time share it.
   *
   * @returns A promise that resolves when they are there.
   * @throws {Error} When the database does not do it.
   */
  fill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => this.#filling = undefined);
    return this.#filling;
  }

  async #fill(): Promise<void> {
    const start = this.#unfilled;
    const end = Math.min(start + FILL_SIZE - 1, this.#range.end);
    const action = `make room for ${this.#kind.name}s`;
    await this.#run(sql.FILL, [start, end, FIRST_TURNS], action);
    if (end - start >= WORTH_STATISTICS) {
      await this.#connection.run(sql.ANALYZE, [], { action });
    }
    this.#unfilled = end + 1;
    this.#searchFrom = LOWEST_TURN;
  }

  /** Looks for slots without a row again, from the start of the range. */
  refill(): void {
    this.#unfilled = this.#range.start;
  }

  /**
   * Claims the free slot whose turn it is, among those that have a row. While the range is not
   * filled, slots that were used before wait until all others have been used.
   *
   * @param token What the claim is made with.
   * @returns The slot, or undefined when none is free.
   * @throws {Error} When the database does not answer; the slot may be claimed then.
   */
  claim(token: string): Promise<number | undefined> {
    return this.#claims.add(token);
  }

  /** Makes a slot free that is claimed by this server with that token. */
  release(slot: number, token: string): Promise<boolean> {
    return this.#releases.add({ slot, token });
  }

  async #claimAll(tokens: readonly string[]): Promise<readonly (number | undefined)[]> {
    const slots = new Map<string, number>();
    const first = this.#searchFrom;
    await this.#claimFrom(first, tokens, slots);
    if (slots.size < tokens.length && first > LOWEST_TURN) {
      this.#searchFrom = LOWEST_TURN;
      await this.#claimFrom(LOWEST_TURN, tokens.filter((token) => !slots.has(token)), slots);
    }
    return tokens.map((token) => slots.get(token));
  }

  async #claimFrom(
    first: number,
    tokens: readonly string[],
    slots: Map<string, number>,
  ): Promise<void> {
    const rows = await this.#run<{ slot: number; turn: number; token: string }>(sql.CLAIM, [
      ...this.#ownColumns(),
      tokens,
      this.#range.start,
      this.#range.end,
      first,
      this.isFilled ? HIGHEST_TURN : 0,
    ], `claim a ${this.#kind.name}`);
    for (const { slot, turn, token } of rows) {
      slots.set(token, slot);
      this.#searchFrom = Math.max(this.#searchFrom, turn);
      this.#observer.onClaim?.(this.#own(slot, token));
    }
  }

  async #releaseAll(claims: readonly StoredClaim[]): Promise<readonly boolean[]> {
    const rows = await this.#run<{ slot: number }>(sql.RELEASE, [
      claims.map(({ slot }) => slot),
      this.#owner.serverId,
      claims.map(({ token }) => token),
    ], `release a ${this.#kind.name}`);
    for (const { slot, token } of claims) this.#observer.onRelease?.(this.#own(slot, token));
    const freed = new Set(rows.map(({ slot }) => slot));
    return claims.map(({ slot }) => freed.has(slot));
  }

  /** Claims a slot again that this server holds, after the database forgot it in a failover. */
  async restore(slot: number, token: string): Promise<boolean> {
    const values = [...this.#ownColumns(), token, slot, slot - FIRST_TURNS];
    const held = await this.#run(sql.RESTORE, values, `claim ${this.#kind.name} ${slot} again`);
    if (held.length > 0) this.#observer.onClaim?.(this.#own(slot, token));
    return held.length > 0;
  }

  /** Lists the claims of this server, whatever its range is now. */
  listOwn(): Promise<readonly StoredClaim[]> {
    const action = `list the ${this.#kind.name}s of this server`;
    return this.#run<StoredClaim>(sql.LIST_OWN, [this.#owner.serverId], action);
  }

  /**
   * Lists the claims of all servers of this host, in range or not.
   *
   * @returns The claims, in no order.
   * @throws {Error} When the database does not answer.
   */
  listClaims(): Promise<ServerClaim[]> {
    return this.#run<ServerClaim>(sql.LIST_CLAIMS, [], `list the ${this.#kind.name}s in use`);
  }

  /**
   * Counts the slots of the range. Takes time in proportion to them, about a millisecond for ten
   * thousand: a counter would be a row that all claims have to wait for.
   *
   * @returns The counts.
   * @throws {Error} When the database does not answer.
   */
  async count(): Promise<RowCount> {
    const { start, end } = this.#range;
    const action = `count the ${this.#kind.name}s in use`;
    const [row] = await this.#run<RowCount>(sql.COUNT, [start, end], action);
    return row ?? { rows: 0, inUse: 0 };
  }

  /**
   * Lists who else has claims on this host, in range or not.
   *
   * @returns Each server once.
   * @throws {Error} When the database does not answer.
   */
  listServers(): Promise<ClaimProcess[]> {
    const action = `list the servers that hold ${this.#kind.name}s`;
    return this.#run<ClaimProcess>(sql.LIST_SERVERS, [this.#owner.serverId], action);
  }

  /**
   * Makes everything free that a server of this host has claimed, in range or not.
   *
   * @param process The server; a later one has another id.
   * @returns How many slots became free.
   * @throws {Error} When the database does not answer.
   */
  async freeServer({ serverId, pid, startedAt }: ClaimProcess): Promise<number> {
    const action = `reclaim ${this.#kind.name}s`;
    const freed = await this.#run(sql.FREE_SERVER, [serverId, pid, startedAt], action);
    return freed.length;
  }

  #own(slot: number, token: string): ServerClaim {
    return { slot, serverId: this.#owner.serverId, token };
  }

  #ownColumns(): readonly unknown[] {
    const { serverId, pid, startedAt } = this.#owner;
    return [serverId, pid, startedAt];
  }

  #run<Row>(
    statement: Statement,
    values: readonly unknown[],
    action: string,
  ): Promise<Row[]> {
    const pool = [this.#owner.hostId, this.#kind.name];
    return this.#connection.run<Row>(statement, [...pool, ...values], { action });
  }
}
