import {
  type CheckResult,
  countSeverities,
  isFit,
  type PreflightReport,
  type SeverityCounts,
} from "./report.ts";
import type { Severity } from "./finding.ts";

/** Colours by their number in ECMA-48's "select graphic rendition". */
const COLOURS: Readonly<Record<Severity, number>> = { ok: 32, info: 36, warning: 33, error: 31 };
const BOLD = 1;
const DIM = 2;

/**
 * Writes a report for people: a line for each finding, what to do below it, and a sum.
 *
 * @param report The report.
 * @param options `colour` marks severities with the terminal's colours; `strict` makes warnings
 * count as errors in the last line.
 * @returns Lines, with a line end after the last one.
 */
export function reportTable(
  { results, durationMs }: PreflightReport,
  { colour, strict = false }: { colour: boolean; strict?: boolean },
): string {
  const paint = (code: number, text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  const width = (key: (result: CheckResult) => string) =>
    Math.max(0, ...results.map((result) => key(result).length));
  const severityWidth = width(({ severity }) => severity);
  const nameWidth = width(({ name }) => name);
  const indent = " ".repeat(severityWidth + nameWidth + 4);
  const lines = results.flatMap(({ name, severity, message, fix }) => [
    [
      paint(COLOURS[severity], severity.padEnd(severityWidth)),
      name.padEnd(nameWidth),
      message,
    ].join("  "),
    ...(fix === undefined ? [] : [`${indent}${paint(DIM, `${FIX_WORDS[fix.kind]} ${fix.text}`)}`]),
  ]);
  const seconds = (durationMs / 1000).toFixed(1);
  const verdict = isFit(results, { strict })
    ? paint(BOLD, "this host is fit")
    : paint(BOLD, "this host is not fit");
  return [...lines, "", `${sum(countSeverities(results))}: ${verdict} (${seconds} s)`, ""]
    .join("\n");
}

/** What stands before a fix of each kind. */
const FIX_WORDS = { command: "run:", setting: "set:", advice: "do:" } as const;

function sum({ ok, info, warning, error }: SeverityCounts): string {
  const of = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  return `${ok} ok, ${info} to know, ${of(warning, "warning")}, ${of(error, "error")}`;
}
