/**
 * Finds the value below which a share of a sample lies. Between two values it takes the point on
 * the line between them: definition 7 of Hyndman and Fan, "Sample Quantiles in Statistical
 * Packages" (1996), which is also R's default.
 *
 * @param values The sample, in any order; not changed.
 * @param share From 0, the lowest value, to 1, the highest.
 * @returns The quantile.
 * @throws {RangeError} When the sample is empty, holds something that is no number, or `share` is
 * out of its range.
 */
export function quantile(values: readonly number[], share: number): number {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`cannot take quantile ${share}: want a share from 0 to 1`);
  }
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  if (values.some(Number.isNaN) || Number.isNaN(below)) {
    throw new RangeError(`cannot take a quantile of [${values.join(", ")}]: want numbers`);
  }
  return below + (above - below) * (at - Math.floor(at));
}
