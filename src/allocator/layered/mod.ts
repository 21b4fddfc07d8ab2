/**
 * Claims that PostgreSQL decides and Redis mirrors.
 *
 * @module
 */
export { LayeredAllocator, type LayeredAllocatorOptions } from "./layered_allocator.ts";
export { MirrorConnection } from "./mirror_connection.ts";
export { SlotMirror, type SlotMirrorOptions } from "./mirror.ts";
