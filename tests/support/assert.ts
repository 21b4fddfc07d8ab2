/**
 * Assertions under the names that @std/assert uses, on top of `node:assert/strict`: going over to
 * @std/assert is a change of this file alone.
 *
 * @module
 */
import assertModule from "node:assert/strict";

/** Fails unless `value` is truthy. */
export function assert(value: unknown, message?: string): asserts value {
  if (message === undefined) assertModule.ok(value);
  else assertModule.ok(value, message);
}

/** Fails unless both are deeply and strictly equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  if (message === undefined) assertModule.deepStrictEqual(actual, expected);
  else assertModule.deepStrictEqual(actual, expected, message);
}

/** Fails when both are deeply and strictly equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  if (message === undefined) assertModule.notDeepStrictEqual(actual, expected);
  else assertModule.notDeepStrictEqual(actual, expected, message);
}

/** Fails when `value` is null or undefined. */
export function assertExists<T>(value: T, message?: string): asserts value is NonNullable<T> {
  assertModule.ok(value !== null && value !== undefined, message ?? "expected a value");
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    assertModule.fail(
      message ?? `expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`,
    );
  }
}

/** Fails unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (message === undefined) assertModule.match(actual, expected);
  else assertModule.match(actual, expected, message);
}

/** Fails when `actual` matches `unexpected`. */
export function assertNotMatch(actual: string, unexpected: RegExp, message?: string): void {
  if (message === undefined) assertModule.doesNotMatch(actual, unexpected);
  else assertModule.doesNotMatch(actual, unexpected, message);
}

/** Fails unless `actual` is an instance of `type`. */
export function assertInstanceOf<T>(
  actual: unknown,
  // deno-lint-ignore no-explicit-any -- constructors differ in their parameters
  type: abstract new (...args: any[]) => T,
  message?: string,
): asserts actual is T {
  assertModule.ok(actual instanceof type, message ?? `expected a ${type.name}, got ${actual}`);
}

/** Fails unless `actual` is below `limit`. */
export function assertLess(actual: number, limit: number, message?: string): void {
  assertModule.ok(actual < limit, message ?? `expected ${actual} to be below ${limit}`);
}

/** Fails unless `actual` is above `limit`. */
export function assertGreater(actual: number, limit: number, message?: string): void {
  assertModule.ok(actual > limit, message ?? `expected ${actual} to be above ${limit}`);
}

/** Fails unless `fn` throws an error of `type` whose message contains `text`; returns the error. */
export function assertThrows<E extends Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any -- constructors differ in their parameters
  type: abstract new (...args: any[]) => E,
  text = "",
): E {
  try {
    fn();
  } catch (error) {
    assertInstanceOf(error, type);
    assertStringIncludes(error.message, text);
    return error;
  }
  assertModule.fail(`expected a ${type.name} to be thrown`);
}

/** Fails unless the promise rejects with an error of `type` whose message contains `text`. */
export async function assertRejects<E extends Error>(
  fn: () => Promise<unknown>,
  // deno-lint-ignore no-explicit-any -- constructors differ in their parameters
  type: abstract new (...args: any[]) => E,
  text = "",
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    assertInstanceOf(error, type);
    assertStringIncludes(error.message, text);
    return error;
  }
  assertModule.fail(`expected a rejection with a ${type.name}`);
}

/** Always fails: a place that must not be reached. */
export function fail(message?: string): never {
  assertModule.fail(message ?? "this place must not be reached");
}
