import { advice, type Fix, setting } from "./finding.ts";
import { mergeRanges, type NumberRange, rangeText, subtractRanges } from "./number_ranges.ts";
import { RESERVED_IDS } from "./reserved_ids.ts";

/** The ids that a worker can have by configuration. */
const USABLE: NumberRange = { start: 1000, end: 4_294_967_294 };
/** The ids that nobody hands out and that are far from those that people choose by hand. */
const PREFERRED: NumberRange = { start: 1_900_000_000, end: 2_147_352_575 };

/**
 * Finds the ids that nobody else has a use for.
 *
 * @param options `mapped` are those that this host's processes can take; `taken` are in use.
 * @returns The ids, the best ones first.
 */
export function freeIds(
  { mapped, taken }: { mapped: readonly NumberRange[]; taken: readonly NumberRange[] },
): NumberRange[] {
  const used = [...RESERVED_IDS.map(({ range }) => range), ...taken];
  const free = mergeRanges(mapped).flatMap((range) =>
    subtractRanges(range, used).flatMap((part) => clip(part, USABLE))
  );
  return [...free.flatMap((range) => clip(range, PREFERRED)), ...free];
}

/**
 * Says how to choose other uids, and names some.
 *
 * @param free Those that are free, the best ones first; empty when that is not known.
 * @param sizes How many are wanted; the later ones are made do with.
 * @returns The advice.
 */
export function otherUids(free: readonly NumberRange[], sizes: readonly number[]): Fix {
  const text = "Set process.worker_uid_range_start and process.worker_uid_range_end to uids that " +
    "the server can take and nobody else has";
  for (const size of sizes) {
    const found = free.find(({ start, end }) => end - start + 1 >= size);
    if (found === undefined) continue;
    return advice(
      `${text}, such as ${rangeText({ start: found.start, end: found.start + size - 1 })}`,
    );
  }
  return advice(text);
}

/**
 * Says which other gid to choose.
 *
 * @param free As for {@linkcode otherUids}.
 * @returns The setting, or advice when none is known.
 */
export function otherGid([best]: readonly NumberRange[]): Fix {
  return best === undefined
    ? advice("Set process.worker_gid to a gid that the server can take and no group has")
    : setting(`process.worker_gid: ${best.start}`);
}

function clip(range: NumberRange, to: NumberRange): NumberRange[] {
  const start = Math.max(range.start, to.start);
  const end = Math.min(range.end, to.end);
  return start <= end ? [{ start, end }] : [];
}
