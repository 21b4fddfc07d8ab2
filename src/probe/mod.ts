/**
 * Finds out what can be connected to, in this process or in one of its own.
 *
 * @module
 */
export * from "./outcome.ts";
export * from "./target.ts";
