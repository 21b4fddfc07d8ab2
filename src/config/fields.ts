/**
 * The kinds of values that settings have. Each carries what is wanted of it as its message; the
 * `custom` ones carry a whole sentence, made by the function that parses the value.
 *
 * @module
 */
import { MAX_WORKER_CORES, MIN_WORKER_CORES, parseBytes, parseDuration } from "#src/core/mod.ts";
import * as z from "zod";

/** Longer than this cannot be waited for with one timer: setTimeout holds its delay in 31 bits. */
const MAX_DURATION_MS = 24 * 86_400_000;

/**
 * A whole number within limits.
 *
 * @param min The smallest, included.
 * @param max The largest, included.
 * @returns The schema.
 */
export function wholeNumber(min: number, max: number): z.ZodInt {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/**
 * A text that has to pass a check.
 *
 * @param what What the text is, for values that are no text: `a path`.
 * @param check Throws a `RangeError` for a text that will not do.
 * @returns The schema; its output is the text as it was.
 */
export function text(what: string, check: (text: string) => unknown): z.ZodString {
  return z.string({ error: what }).superRefine((value, context) => {
    try {
      check(value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue({ code: "custom", message: error.message });
    }
  });
}

/**
 * A duration such as `30s`, as text.
 *
 * @param minMs The shortest, in milliseconds.
 * @returns The schema; its output is the text as it was.
 */
export function duration(minMs: number): z.ZodString {
  return text("a duration such as 30s", (value) => {
    const durationMs = parseDuration(value);
    if (durationMs < minMs || durationMs > MAX_DURATION_MS) {
      throw new RangeError(
        `cannot wait for "${value}": want ${minMs}ms to ${MAX_DURATION_MS / 86_400_000}d`,
      );
    }
  });
}

/**
 * A size such as `512m`, as text; empty for none.
 *
 * @param minBytes The smallest, in bytes.
 * @returns The schema; its output is the text as it was.
 */
export function size(minBytes: number): z.ZodString {
  return text('a size such as "512m"', (value) => {
    if (value !== "" && parseBytes(value) < minBytes) {
      throw new RangeError(`cannot use "${value}": want ${minBytes / 1024 ** 2}m or more`);
    }
  });
}

/**
 * A number of processor cores, parts of one included; 0 for any number.
 *
 * @returns The schema.
 */
export function cores(): z.ZodNumber {
  const want =
    `a number of cores from ${MIN_WORKER_CORES} to ${MAX_WORKER_CORES}, or 0 for no limit`;
  return z.number({ error: want }).superRefine((value, context) => {
    if (value === 0 || (value >= MIN_WORKER_CORES && value <= MAX_WORKER_CORES)) return;
    context.addIssue({ code: "custom", message: `cannot use ${value}: want ${want}` });
  });
}

/**
 * One of a few words.
 *
 * @param words The words.
 * @returns The schema.
 */
export function oneOf<const Words extends readonly string[]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, { error: `one of ${words.join(", ")}` });
}

/**
 * A list.
 *
 * @param item What it holds.
 * @param what What it is a list of: `a list of CIDRs`.
 * @param minLength How many members it needs at least.
 * @param maxLength How many members it can have; any number if not given.
 * @returns The schema.
 */
export function list<Item extends z.ZodType>(
  item: Item,
  what: string,
  minLength = 0,
  maxLength?: number,
): z.ZodArray<Item> {
  const array = z.array(item, { error: what }).min(minLength, { error: what });
  return maxLength === undefined ? array : array.max(maxLength, { error: what });
}
