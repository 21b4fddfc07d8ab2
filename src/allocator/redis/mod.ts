/**
 * Slots that are kept in Redis, and the connection to it. Nothing here loads the client library
 * before a connection is opened.
 *
 * @module
 */
export { openRedis, type RedisConnection, type RedisOptions } from "./connection.ts";
export { RedisAllocator, type RedisAllocatorOptions } from "./redis_allocator.ts";
export { type RedisScript, redisScript, type ScriptInput } from "./script.ts";
