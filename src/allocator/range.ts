import { ExhaustedError, type Port, toPort, toUid, type Uid } from "#src/core/mod.ts";

/** What slots stand for: what to call them, and which numbers can be one. */
export interface SlotKind<Slot extends number> {
  /** One of them in a message: `port`, `uid`. */
  readonly name: string;
  /**
   * Checks a number.
   *
   * @param value The candidate.
   * @returns The same number as a slot.
   * @throws {RangeError} When the number cannot be one of this kind.
   */
  readonly toSlot: (value: number) => Slot;
}

/** Slots that are TCP ports. */
export const PORT_SLOTS: SlotKind<Port> = { name: "port", toSlot: toPort };

/** Slots that are user ids. */
export const UID_SLOTS: SlotKind<Uid> = { name: "uid", toSlot: toUid };

/** A run of slots, both ends included. */
export interface SlotRange {
  /** The first slot. */
  readonly start: number;
  /** The last slot, at or above `start`. */
  readonly end: number;
}

/**
 * Checks that a range can be handed out.
 *
 * @param kind What the slots stand for.
 * @param range The candidate.
 * @throws {RangeError} When an end is no slot of this kind, or the start is above the end.
 */
export function checkRange(kind: SlotKind<number>, range: SlotRange): void {
  kind.toSlot(range.start);
  kind.toSlot(range.end);
  if (range.start > range.end) {
    throw new RangeError(
      `cannot use ${
        formatRange(range)
      } as a range of ${kind.name}s: want a start at or below the end`,
    );
  }
}

/**
 * Counts the slots of a range.
 *
 * @param range A checked range.
 * @returns How many slots it has, 1 or more.
 */
export function rangeSize(range: SlotRange): number {
  return range.end - range.start + 1;
}

/**
 * Makes the error for a claim that finds no slot.
 *
 * @param pool Which slots were asked for.
 * @param counts `inUse` is how many are claimed; `heldByOthers` how many, beyond these, programs
 * that are none of ours hold (0 or absent: nothing is said about them).
 * @returns The error, to be thrown.
 */
export function exhausted(
  pool: { readonly kind: SlotKind<number>; readonly range: SlotRange },
  counts: { inUse: number; heldByOthers?: number },
): ExhaustedError {
  const others = counts.heldByOthers ?? 0;
  return new ExhaustedError(
    `cannot claim a ${pool.kind.name} from ${formatRange(pool.range)}: ` +
      `${counts.inUse} of ${rangeSize(pool.range)} are in use` +
      (others === 0 ? "" : `, ${others} are held by other programs`),
  );
}

function formatRange({ start, end }: SlotRange): string {
  return `${start}-${end}`;
}
