/**
 * Numbers that only one worker may have at a time: ports and user ids.
 *
 * @module
 */
export type { SlotAllocator } from "./allocator.ts";
export { MemoryAllocator } from "./memory.ts";
export type { ClaimOwner, ClaimProcess, IsLive } from "./owner.ts";
export { claimPort, type HeldPort, type HoldPort } from "./port.ts";
export { PORT_SLOTS, type SlotKind, type SlotRange, UID_SLOTS } from "./range.ts";
export {
  type DatabaseStore,
  type HostSlots,
  openSlots,
  type OpenSlotsOptions,
  type RedisStore,
  type SlotStore,
} from "./select.ts";
