import type { SlotKind, SlotRange } from "./range.ts";

/**
 * Hands out the slots of one range so that no two servers of a host have the same one at a time.
 *
 * Slots belong to a host. A claim belongs to the server that made it, and lives until that server
 * releases it or is gone. All methods are safe to call in parallel.
 */
export interface SlotAllocator<Slot extends number> {
  /** What the slots stand for. */
  readonly kind: SlotKind<Slot>;
  /** Where they come from. */
  readonly range: SlotRange;

  /**
   * Claims a slot. A slot that was freed comes back after every other free one, so that what still
   * lingers of its last user (a browser, a dying process) does not meet the next one.
   * Takes constant time, however large the range and however many slots are in use.
   *
   * @returns A slot that nobody else has.
   * @throws {ExhaustedError} When all are in use; the message names kind, range and counts.
   * @throws {StoreUnavailableError} When where claims are kept cannot be reached in time.
   * @throws {Error} When the allocator is closed.
   */
  claim(): Promise<Slot>;

  /**
   * Gives a slot back. Takes constant time. When where claims are kept cannot be reached, the slot
   * goes back by itself later, and stays claimed until then.
   *
   * @param slot A slot that this server holds.
   * @throws {ConflictError} When this server does not hold it: released before, held by another
   * server, never claimed, out of range. Nothing changes then.
   * @throws {Error} When the allocator is closed.
   */
  release(slot: Slot): Promise<void>;

  /**
   * Counts the claims. Takes constant time.
   *
   * @returns How many slots of the range are claimed, by whichever server of this host.
   * @throws {StoreUnavailableError} When where claims are kept cannot be reached in time.
   * @throws {Error} When the allocator is closed.
   */
  inUse(): Promise<number>;

  /**
   * Takes back the claims of servers of this host that are gone. Claims of servers that live, and
   * those of other hosts, stay as they are.
   *
   * @returns How many slots became free.
   * @throws {StoreUnavailableError} When where claims are kept cannot be reached in time.
   * @throws {Error} When the allocator is closed.
   */
  reclaimOrphans(): Promise<number>;

  /**
   * Ends the use of this allocator; a second call does nothing. Slots that are still held stay
   * claimed until this server process is gone, for what uses them may still run; those on their way
   * back are tried once more.
   */
  close(): Promise<void>;
}
