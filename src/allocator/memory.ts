import { ConflictError } from "#src/core/mod.ts";
import type { SlotAllocator } from "./allocator.ts";
import { Fifo } from "./fifo.ts";
import { checkRange, exhausted, type SlotKind, type SlotRange } from "./range.ts";

/**
 * Keeps claims in the memory of this process: for a server that is the only one on its host.
 *
 * Slots that were never used go out first, in order; then the freed ones in the order in which they
 * were freed. Costs memory only for slots that were used, so that a range of billions is as cheap
 * as one of ten. Claims end with the process; there are no orphans.
 */
export class MemoryAllocator<Slot extends number> implements SlotAllocator<Slot> {
  /** What the slots stand for. */
  readonly kind: SlotKind<Slot>;
  /** Where they come from. */
  readonly range: SlotRange;
  readonly #claimed = new Set<number>();
  readonly #freed = new Fifo();
  #neverUsed: number;
  #closed = false;

  /**
   * Makes an allocator with every slot free.
   *
   * @param kind What the slots stand for.
   * @param range Where they come from.
   * @throws {RangeError} When the range does not fit the kind, or starts above its end.
   */
  constructor(kind: SlotKind<Slot>, range: SlotRange) {
    checkRange(kind, range);
    this.kind = kind;
    this.range = { start: range.start, end: range.end };
    this.#neverUsed = range.start;
  }

  /**
   * Claims a slot, in constant time.
   *
   * @returns The lowest slot that was never used, else the one that has been free longest.
   * @throws {ExhaustedError} When all slots are in use.
   * @throws {Error} When the allocator is closed.
   */
  // deno-lint-ignore require-await -- async turns what is thrown into a rejection
  async claim(): Promise<Slot> {
    this.#mustBeOpen(`claim a ${this.kind.name}`);
    const value = this.#neverUsed <= this.range.end ? this.#neverUsed++ : this.#freed.shift();
    if (value === undefined) throw exhausted(this, { inUse: this.#claimed.size });
    this.#claimed.add(value);
    return this.kind.toSlot(value);
  }

  /**
   * Gives a slot back, in constant time.
   *
   * @param slot A slot that is claimed.
   * @throws {ConflictError} When it is not claimed.
   * @throws {Error} When the allocator is closed.
   */
  // deno-lint-ignore require-await -- async turns what is thrown into a rejection
  async release(slot: Slot): Promise<void> {
    this.#mustBeOpen(`release ${this.kind.name} ${slot}`);
    if (!this.#claimed.delete(slot)) {
      throw new ConflictError(
        `cannot release ${this.kind.name} ${slot}: want one that this server holds`,
      );
    }
    this.#freed.push(slot);
  }

  /**
   * Counts the claims, in constant time.
   *
   * @returns How many slots are claimed.
   * @throws {Error} When the allocator is closed.
   */
  // deno-lint-ignore require-await -- async turns what is thrown into a rejection
  async inUse(): Promise<number> {
    this.#mustBeOpen(`count the ${this.kind.name}s in use`);
    return this.#claimed.size;
  }

  /**
   * Looks for claims of servers that are gone; here there are none, for they went with the server.
   *
   * @returns 0.
   * @throws {Error} When the allocator is closed.
   */
  // deno-lint-ignore require-await -- async turns what is thrown into a rejection
  async reclaimOrphans(): Promise<number> {
    this.#mustBeOpen(`reclaim ${this.kind.name}s`);
    return 0;
  }

  /** Ends the use of this allocator; a second call does nothing. */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #mustBeOpen(action: string): void {
    if (this.#closed) throw new Error(`cannot ${action}: the allocator is closed`);
  }
}
