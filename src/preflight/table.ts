import {
  type CheckResult,
  countSeverities,
  isFit,
  type PreflightReport,
  type SeverityCounts,
} from "./report.ts";
import type { Fix, Severity } from "./finding.ts";
import { wrap } from "./wrap.ts";

/** Colours by their number in ECMA-48's "select graphic rendition". */
const COLOURS: Readonly<Record<Severity, number>> = { ok: 32, info: 36, warning: 33, error: 31 };
const BOLD = 1;
const DIM = 2;

/** How a report is written for people. */
export interface TableOptions {
  /** Whether severities are marked with the terminal's colours. */
  readonly colour: boolean;
  /** Whether warnings count as errors in the last line; false if not given. */
  readonly strict?: boolean;
  /** Whether only some of the checks were asked, as the last line then says; false if not given. */
  readonly isPartial?: boolean;
  /** How long the terminal's lines are, to break sentences between words; no end if not given. */
  readonly columns?: number;
}

/**
 * Writes a report for people: a line for each finding, what to do below it, and a sum.
 *
 * @param report The report.
 * @param options How. Commands and settings stay in one line, so that they can be copied.
 * @returns Lines, with a line end after the last one.
 */
export function reportTable(
  { results, durationMs }: PreflightReport,
  { colour, strict = false, isPartial = false, columns }: TableOptions,
): string {
  const paint = (code: number, text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  const width = (key: (result: CheckResult) => string) =>
    Math.max(0, ...results.map((result) => key(result).length));
  const severityWidth = width(({ severity }) => severity);
  const nameWidth = width(({ name }) => name);
  const indent = " ".repeat(severityWidth + nameWidth + 4);
  const rest = columns === undefined ? undefined : columns - indent.length;
  const lines = results.flatMap(({ name, severity, message, fix }) => {
    const [first = "", ...more] = wrap(message, rest);
    return [
      [
        paint(COLOURS[severity], severity.padEnd(severityWidth)),
        name.padEnd(nameWidth),
        first,
      ].join("  "),
      ...[...more, ...fixLines(fix, rest).map((line) => paint(DIM, line))]
        .map((line) => `${indent}${line}`),
    ];
  });
  const seconds = (durationMs / 1000).toFixed(1);
  const verdict = isFit(results, { strict }) ? "this host is fit" : "this host is not fit";
  const asFar = isPartial && isFit(results, { strict }) ? ", as far as it was asked" : "";
  return [
    ...lines,
    "",
    `${sum(countSeverities(results))}: ${paint(BOLD, `${verdict}${asFar}`)} (${seconds} s)`,
    "",
  ].join("\n");
}

function fixLines(fix: Fix | undefined, columns: number | undefined): string[] {
  if (fix === undefined) return [];
  const text = `${FIX_WORDS[fix.kind]} ${fix.text}`;
  return fix.kind === "advice" ? wrap(text, columns) : [text];
}

/** What stands before a fix of each kind. */
const FIX_WORDS = { command: "run:", setting: "set:", advice: "do:" } as const;

function sum({ ok, info, warning, error }: SeverityCounts): string {
  const of = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  return `${ok} ok, ${info} to know, ${of(warning, "warning")}, ${of(error, "error")}`;
}
