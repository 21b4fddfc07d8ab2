import type { Pairs } from "./interleave.ts";
import { quantile } from "./quantile.ts";

/** What was measured, before it is condensed. */
export interface Reading extends Pairs {
  /** Which benchmark it belongs to. */
  readonly benchmark: string;
  /** What differs between the readings of one benchmark. */
  readonly row: string;
  /** What the values count: a time is better when lower, a rate when higher. */
  readonly unit: "ms" | "req/s";
  /** What the ratio should be, such as `≤ 1.5`; absent where nothing is promised. */
  readonly wanted?: string;
}

/** The middle of a sample, and the half around it. */
export interface Spread {
  /** A quarter of the values is lower. */
  readonly p25: number;
  /** Half of the values is lower. */
  readonly p50: number;
  /** A quarter of the values is higher. */
  readonly p75: number;
}

/** A reading, condensed. */
export interface Summary extends Omit<Reading, "subject" | "baseline"> {
  /** How many pairs were taken. */
  readonly samples: number;
  /** What is under test. */
  readonly subject: Spread;
  /** What it is measured against. */
  readonly baseline: Spread;
  /** The p50 of the subject divided by that of the baseline. */
  readonly ratio: number;
  /** The quartiles of the ratios of the single pairs. */
  readonly pairRatios: Spread;
}

/**
 * Condenses a reading.
 *
 * @param reading As many values of the subject as of the baseline, at least one, all above 0.
 * @returns Its summary.
 * @throws {RangeError} When there are no pairs, or values without a partner.
 */
export function summarize({ subject, baseline, ...about }: Reading): Summary {
  if (subject.length !== baseline.length) {
    throw new RangeError(
      `cannot pair ${subject.length} values with ${baseline.length}: want as many of each`,
    );
  }
  const ratios = subject.map((value, index) => value / (baseline[index] ?? NaN));
  const [subjectSpread, baselineSpread] = [spread(subject), spread(baseline)];
  return {
    ...about,
    samples: subject.length,
    subject: subjectSpread,
    baseline: baselineSpread,
    ratio: subjectSpread.p50 / baselineSpread.p50,
    pairRatios: spread(ratios),
  };
}

function spread(values: readonly number[]): Spread {
  return {
    p25: quantile(values, 0.25),
    p50: quantile(values, 0.5),
    p75: quantile(values, 0.75),
  };
}
