import type { Machine } from "./machine.ts";
import type { Spread, Summary } from "./reading.ts";

/** A benchmark that did not run. */
export interface Skipped {
  /** Which one. */
  readonly benchmark: string;
  /** What is missing. */
  readonly reason: string;
}

/** Everything that a run found out. */
export interface Report {
  /** Where it ran. */
  readonly machine: Machine;
  /** What was measured. */
  readonly results: readonly Summary[];
  /** What was not. */
  readonly skipped: readonly Skipped[];
}

const COLUMNS = ["what", "unit", "ours", "p25-p75", "base", "p25-p75", "ratio", "p25-p75"];

/**
 * Writes a report for people.
 *
 * @param report What to write.
 * @returns Lines of text, the last one ended.
 */
export function formatReport({ machine, results, skipped }: Report): string {
  const heads = [...COLUMNS, "wanted", "n"];
  const rows = [heads, ...results.map(cells)];
  const widths = heads.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length))
  );
  const lines = rows.map((row) =>
    row.map((text, column) =>
      column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
    ).join("  ").trimEnd()
  );
  return [
    `${machine.cpu}, ${machine.cores} cores, load ${machine.loadAverage.toFixed(2)}`,
    `Linux ${machine.kernel}, deno ${machine.deno}, bwrap ${machine.bwrap || "none"}, ` +
    `R ${machine.r || "none"}`,
    machine.blockyard || "no executable",
    "",
    ...lines,
    "",
    "ours, base: p50 of the samples. ratio: of the two p50; beside it the quartiles of the ratios",
    "of single pairs. A ratio of times is better when lower, one of rates when higher.",
    ...skipped.map(({ benchmark, reason }) => `skipped: ${benchmark}: ${reason}`),
    "",
  ].join("\n");
}

function cells(summary: Summary): string[] {
  const { benchmark, row, unit, subject, baseline, ratio, pairRatios, wanted, samples } = summary;
  const digits = unit === "ms" ? 1 : 0;
  return [
    row === "" ? benchmark : `${benchmark}: ${row}`,
    unit,
    subject.p50.toFixed(digits),
    range(subject, digits),
    baseline.p50.toFixed(digits),
    range(baseline, digits),
    ratio.toFixed(2),
    range(pairRatios, 2),
    wanted ?? "",
    String(samples),
  ];
}

function range({ p25, p75 }: Spread, digits: number): string {
  return `${p25.toFixed(digits)}-${p75.toFixed(digits)}`;
}
