/**
 * Sizes and durations as people write them in a configuration.
 *
 * @module
 */

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Parses a size such as `512m`, `2g` or `1048576`.
 *
 * @param text A number with an optional unit `k`, `m`, `g` or `t` (powers of 1024, any case), which
 * may be spelled out as in `kb` or `KiB`.
 * @returns The size in bytes, a safe integer.
 * @throws {RangeError} When the text is no size, is fractional in bytes, or is too large.
 */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?)?b?$/i.exec(text.trim());
  const factor = match ? BYTES_PER_UNIT[(match[2] ?? "").toLowerCase()] : undefined;
  const bytes = match && factor !== undefined ? Number(match[1]) * factor : NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new RangeError(`cannot read "${text}" as a size: want bytes or a number with k, m or g`);
  }
  return bytes;
}

/**
 * Parses a duration such as `500ms`, `30s`, `5m` or `1h`.
 *
 * @param text A number directly followed by `ms`, `s`, `m`, `h` or `d`.
 * @returns The duration in milliseconds, rounded to a whole number, 0 or more.
 * @throws {RangeError} When the text is no duration, the unit is missing, or it is too large.
 */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  const factor = match ? MS_PER_UNIT[match[2] ?? ""] : undefined;
  const durationMs = match && factor !== undefined ? Math.round(Number(match[1]) * factor) : NaN;
  if (!Number.isSafeInteger(durationMs)) {
    throw new RangeError(
      `cannot read "${text}" as a duration: want a number with ms, s, m or h, such as 30s`,
    );
  }
  return durationMs;
}

/**
 * Writes a size for people: `512 MiB`, `1.5 GiB`, `17 B`.
 *
 * @param bytes A size in bytes, 0 or more.
 * @returns The size in the largest unit that keeps it at 1 or above, with one decimal at most.
 */
export function formatBytes(bytes: number): string {
  return format(bytes, [["B", 1], ["KiB", 1024], ["MiB", 1024], ["GiB", 1024], ["TiB", 1024]]);
}

/**
 * Writes a duration for people: `350 ms`, `1.2 s`, `5 min`.
 *
 * @param durationMs A duration in milliseconds, 0 or more.
 * @returns The duration in the largest unit that keeps it at 1 or above, with one decimal at most.
 */
export function formatDuration(durationMs: number): string {
  return format(Math.round(durationMs), [["ms", 1], ["s", 1000], ["min", 60], ["h", 60]]);
}

/** Each unit is given with how many of the one before it make it. */
function format(amount: number, units: readonly (readonly [name: string, factor: number])[]) {
  let value = amount;
  let text = "";
  for (const [name, factor] of units) {
    // Judged as it will be printed: 1023.99 KiB is 1 MiB for a reader, never "1024 KiB".
    if (text !== "" && Number(value.toFixed(1)) < factor) break;
    value /= factor;
    text = `${Number(value.toFixed(1))} ${name}`;
  }
  return text;
}
