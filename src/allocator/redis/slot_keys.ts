import type { SlotRange } from "../range.ts";

/** The keys of one kind of slots of one host, as `scripts.ts` describes them. */
export interface SlotKeys {
  /** Who has what. */
  readonly claims: string;
  /** The ranges that servers have. */
  readonly ranges: string;
  /**
   * Names the pool of a range.
   *
   * @param range The range as `START-END`.
   * @returns Its key.
   */
  readonly pool: (range: string) => string;
}

/**
 * Names the keys of one kind of slots of one host. All have the same text in braces, so that a
 * cluster keeps them on one node, where a script can have them all: redis.io, "hash tags".
 *
 * @param prefix What the names of all keys begin with, without braces.
 * @param hostId The host.
 * @param kindName What a slot is called: `port`, `uid`.
 * @returns The keys.
 * @throws {RangeError} When there is a brace in the prefix.
 */
export function slotKeys(prefix: string, hostId: string, kindName: string): SlotKeys {
  if (/[{}]/.test(prefix)) {
    throw new RangeError(
      `cannot use ${JSON.stringify(prefix)} before the names of keys: want one without braces`,
    );
  }
  const base = `${prefix}{${hostId}:${kindName}}:`;
  return {
    claims: `${base}claims`,
    ranges: `${base}ranges`,
    pool: (range) => `${base}free:${range}`,
  };
}

/** The ranges that servers of a host have, at one moment. */
export interface KnownRanges {
  /** A name with `freed:` before it, another one after every change. */
  readonly version: string;
  /** When a server with the range was last seen, in seconds since 1970, by `START-END`. */
  readonly lastSeen: ReadonlyMap<string, string>;
}

/**
 * Reads the hash of the ranges.
 *
 * @param reply Names and values, in turn.
 * @returns What it says; what is not understood is left out.
 */
export function parseRanges(reply: unknown): KnownRanges {
  const texts = Array.isArray(reply) ? reply.map(String) : [];
  const lastSeen = new Map<string, string>();
  let version = "freed:";
  for (let at = 0; at + 1 < texts.length; at += 2) {
    const name = texts[at] ?? "";
    const value = texts[at + 1] ?? "";
    if (name.startsWith("freed:")) version = name;
    else if (/^range:\d+-\d+$/.test(name)) lastSeen.set(name.slice("range:".length), value);
  }
  return { version, lastSeen };
}

/**
 * Writes a range as keys have it.
 *
 * @param range The range.
 * @returns `START-END`.
 */
export function rangeName({ start, end }: SlotRange): string {
  return `${start}-${end}`;
}

/**
 * Tells whether a range has a slot.
 *
 * @param name The range as `START-END`.
 * @param slot The slot.
 * @returns Whether it is in it, both ends included.
 */
export function rangeHas(name: string, slot: number): boolean {
  const [start, end] = name.split("-");
  return slot >= Number(start) && slot <= Number(end);
}
