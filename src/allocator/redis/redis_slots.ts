import { StoreUnavailableError } from "#src/core/mod.ts";
import type { ClaimOwner } from "../owner.ts";
import type { SlotRange } from "../range.ts";
import type { ClaimStore, StoredClaim } from "../unsettled.ts";
import { formatClaim, parseClaim } from "./claim_record.ts";
import type { RedisConnection } from "./connection.ts";
import { CLAIM, FORGET, REGISTER, RELEASE, RESTORE } from "./scripts.ts";
import { type KnownRanges, parseRanges, rangeHas, rangeName, slotKeys } from "./slot_keys.ts";

/** A range that no server has had for this long is forgotten, in seconds: 7 days. */
const FORGET_AFTER_S = 7 * 24 * 3600;
/** The ranges can change between two round trips, but not for ever. */
const MAX_TRIES = 20;

/** Whose slots of which kind a {@linkcode RedisSlots} keeps. */
export interface RedisSlotsOptions {
  /** What a slot is called: `port`, `uid`. */
  readonly kindName: string;
  /** Where slots come from. */
  readonly range: SlotRange;
  /** The server that claims. */
  readonly owner: ClaimOwner;
  /** What the names of all keys begin with, without braces. */
  readonly keyPrefix: string;
  /** Called when the store has forgotten this range, and perhaps claims. */
  readonly onForgotten: () => void;
}

/** The slots of one kind and host, as Redis keeps them; turns calls into scripts. */
export class RedisSlots implements ClaimStore {
  readonly #redis: RedisConnection;
  readonly #kindName: string;
  readonly #owner: ClaimOwner;
  readonly #rangeName: string;
  readonly #first: string;
  readonly #last: string;
  readonly #keys: ReturnType<typeof slotKeys>;
  readonly #claimKeys: readonly string[];
  readonly #onForgotten: () => void;
  #ranges: KnownRanges = { version: "freed:", lastSeen: new Map() };

  /**
   * Prepares the calls.
   *
   * @param redis Where to.
   * @param options Whose slots.
   * @throws {RangeError} When the prefix has a brace.
   */
  constructor(redis: RedisConnection, options: RedisSlotsOptions) {
    const { kindName, range, owner, keyPrefix } = options;
    this.#redis = redis;
    this.#kindName = kindName;
    this.#owner = owner;
    this.#onForgotten = options.onForgotten;
    this.#rangeName = rangeName(range);
    this.#first = String(range.start);
    this.#last = String(range.end);
    this.#keys = slotKeys(keyPrefix, owner.hostId, kindName);
    this.#claimKeys = [this.#keys.claims, this.#keys.pool(this.#rangeName)];
  }

  /**
   * Claims a slot.
   *
   * @param token What to claim it with.
   * @returns The slot, or how many of the range are claimed when all are.
   * @throws {StoreUnavailableError} When it is unknown whether one is claimed.
   */
  async claim(token: string): Promise<{ slot: number } | { inUse: number }> {
    const input = {
      keys: this.#claimKeys,
      args: [formatClaim(this.#owner, token), this.#first, this.#last],
    };
    while (true) {
      const reply = await this.#redis.run(`cannot claim a ${this.#kindName}`, CLAIM, input);
      if (typeof reply === "number") return { slot: reply };
      const [outcome, count] = Array.isArray(reply) ? reply : [];
      if (outcome === "full") return { inUse: Number(count) };
      if (outcome !== "ranges") continue;
      await this.register();
      this.#onForgotten();
    }
  }

  /** As {@linkcode ClaimStore.release}, for a claim of this server. */
  release(slot: number, token: string): Promise<boolean> {
    return this.releaseClaim(slot, formatClaim(this.#owner, token));
  }

  /**
   * Makes a slot free if it is still claimed in the very same way.
   *
   * @param slot The slot.
   * @param claim The claim, as {@linkcode listClaims} has it.
   * @returns Whether it was; false changes nothing.
   * @throws {StoreUnavailableError} When it is unknown whether it was.
   */
  async releaseClaim(slot: number, claim: string): Promise<boolean> {
    const action = `cannot release ${this.#kindName} ${slot}`;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { version, lastSeen } = this.#ranges;
      const { ranges, claims, pool } = this.#keys;
      const pools = [...lastSeen.keys()].filter((name) => rangeHas(name, slot)).map(pool);
      const reply = await this.#redis.run(action, RELEASE, {
        keys: [ranges, claims, ...pools],
        args: [version, String(slot), claim],
      });
      if (typeof reply === "number") return reply === 1;
      await this.register();
    }
    throw new StoreUnavailableError(
      `${action}: the ranges in ${this.#redis.name} change all the time`,
    );
  }

  /** As {@linkcode ClaimStore.restore}. */
  async restore(slot: number, token: string): Promise<boolean> {
    const reply = await this.#redis.run(`cannot restore ${this.#kindName} ${slot}`, RESTORE, {
      keys: [this.#keys.claims],
      args: [String(slot), formatClaim(this.#owner, token)],
    });
    return reply === 1;
  }

  /** As {@linkcode ClaimStore.listOwn}. */
  async listOwn(): Promise<StoredClaim[]> {
    const own: StoredClaim[] = [];
    for (const [slot, claim] of await this.listClaims()) {
      const record = parseClaim(claim);
      if (record?.serverId === this.#owner.serverId) own.push({ slot, token: record.token });
    }
    return own;
  }

  /**
   * Lists all claims of this kind on this host, some at a time so that nobody waits for it.
   *
   * @returns The claims by slot: all that were there the whole time, and perhaps others.
   * @throws {StoreUnavailableError} When they cannot be read.
   */
  async listClaims(): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    let cursor = "0";
    do {
      const reply = await this.#redis.call(
        `cannot list the ${this.#kindName}s in use`,
        ["ZSCAN", this.#keys.claims, cursor, "COUNT", "500"],
      );
      const [next, pairs] = Array.isArray(reply) ? reply : ["0", []];
      for (let at = 0; at + 1 < pairs.length; at += 2) {
        found.set(Number(pairs[at + 1]), String(pairs[at]));
      }
      cursor = String(next);
    } while (cursor !== "0");
    return found;
  }

  /**
   * Counts the claims in the range.
   *
   * @returns How many there are, of all servers of the host.
   * @throws {StoreUnavailableError} When they cannot be counted.
   */
  async inUse(): Promise<number> {
    const command = ["ZCOUNT", this.#keys.claims, this.#first, this.#last];
    return Number(await this.#redis.call(`cannot count the ${this.#kindName}s in use`, command));
  }

  /**
   * Says that this range is in use, so that other servers put back into it what they free, learns
   * which ranges they have, and forgets those that nobody has had for long.
   *
   * @throws {StoreUnavailableError} When the store does not take it.
   */
  async register(): Promise<void> {
    const action = `cannot register the ${this.#kindName}s ${this.#rangeName}`;
    const reply = await this.#redis.run(action, REGISTER, {
      keys: [this.#keys.ranges, this.#keys.pool(this.#rangeName)],
      args: [this.#rangeName, this.#first],
    });
    this.#ranges = parseRanges(reply);
    const nowS = Number(this.#ranges.lastSeen.get(this.#rangeName));
    for (const [name, lastSeen] of this.#ranges.lastSeen) {
      if (nowS - Number(lastSeen) <= FORGET_AFTER_S) continue;
      await this.#redis.run(action, FORGET, {
        keys: [this.#keys.ranges, this.#keys.pool(name)],
        args: [name, lastSeen],
      });
    }
  }
}
