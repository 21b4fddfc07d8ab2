/** A run of whole numbers, both ends included. */
export interface NumberRange {
  /** The first one. */
  readonly start: number;
  /** The last one, at or above `start`. */
  readonly end: number;
}

/**
 * Counts the numbers of ranges that do not overlap.
 *
 * @param ranges The ranges.
 * @returns How many numbers they have together.
 */
export function countNumbers(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);
}

/**
 * Tells whether a number lies in a range.
 *
 * @param value The number.
 * @param range The range.
 * @returns Whether it does.
 */
export function isIn(value: number, { start, end }: NumberRange): boolean {
  return value >= start && value <= end;
}

/**
 * Finds what is in one range and in at least one of others.
 *
 * @param range The range.
 * @param others The others.
 * @returns The parts of `range` that others have too, ascending.
 */
export function overlaps(range: NumberRange, others: readonly NumberRange[]): NumberRange[] {
  return mergeRanges(
    others.map(({ start, end }) => ({
      start: Math.max(start, range.start),
      end: Math.min(end, range.end),
    })).filter(({ start, end }) => start <= end),
  );
}

/**
 * Joins ranges.
 *
 * @param ranges The ranges, in any order.
 * @returns The same numbers in as few ranges as there can be, ascending.
 */
export function mergeRanges(ranges: readonly NumberRange[]): NumberRange[] {
  const merged: NumberRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || range.start > last.end + 1) merged.push(range);
    else merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
  }
  return merged;
}

/**
 * Takes ranges away from one.
 *
 * @param range What is there.
 * @param taken What is taken away, in any order.
 * @returns What is left, ascending.
 */
export function subtractRanges(
  range: NumberRange,
  taken: readonly NumberRange[],
): NumberRange[] {
  const left: NumberRange[] = [];
  let { start } = range;
  for (const hole of overlaps(range, taken)) {
    if (hole.start > start) left.push({ start, end: hole.start - 1 });
    start = hole.end + 1;
  }
  if (start <= range.end) left.push({ start, end: range.end });
  return left;
}

/**
 * Reads a list as the kernel writes it for its settings.
 *
 * @param text Numbers and ranges with commas between them, such as `8080,9148-9200`; may be empty.
 * @returns The ranges, in the order of the text.
 * @throws {SyntaxError} When it is anything else.
 */
export function parseRangeList(text: string): NumberRange[] {
  if (text === "") return [];
  return text.split(",").map((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    const start = Number(match?.[1]);
    const end = Number(match?.[2] ?? match?.[1]);
    if (match === null || start > end) {
      throw new SyntaxError(
        `cannot parse ${
          JSON.stringify(text.slice(0, 200))
        }: want numbers and ranges such as 80,90-99`,
      );
    }
    return { start, end };
  });
}

/**
 * Writes ranges as {@linkcode parseRangeList} reads them.
 *
 * @param ranges The ranges.
 * @returns The list, without spaces.
 */
export function formatRangeList(ranges: readonly NumberRange[]): string {
  return ranges.map(({ start, end }) => start === end ? `${start}` : `${start}-${end}`).join(",");
}

/**
 * Writes a range in words.
 *
 * @param range The range.
 * @returns Its ends, or the number that is both.
 */
export function rangeText({ start, end }: NumberRange): string {
  return start === end ? `${start}` : `${start} to ${end}`;
}

/**
 * Writes how many there are of something.
 *
 * @param count How many.
 * @param noun What, in the singular of a regular noun.
 * @returns Both, such as `1 port` or `3 ports`.
 */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
