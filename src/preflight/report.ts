import type { Category } from "./check.ts";
import { type Finding, type Fix, SEVERITIES, type Severity } from "./finding.ts";

/** One finding of one check, each text of it one line. All but `ok` have a fix. */
export type CheckResult =
  & (
    | Exclude<Finding, { severity: "ok" }>
    | (Extract<Finding, { severity: "ok" }> & {
      /** There is nothing to do. */
      readonly fix?: undefined;
    })
  )
  & {
    /** The check's name. */
    readonly name: string;
    /** What the check is about. */
    readonly category: Category;
    /** How long the check took, in milliseconds; the same for all findings of one check. */
    readonly durationMs: number;
  };

/** What a preflight found out. */
export interface PreflightReport {
  /** When it began, in milliseconds since 1970. */
  readonly ranAtMs: number;
  /** How long all of it took, in milliseconds. */
  readonly durationMs: number;
  /** The kernel's release, such as `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** The user id that asked. */
  readonly uid: number;
  /** Every finding, in the order of the checks. */
  readonly results: readonly CheckResult[];
}

/** How many findings there are of each severity. */
export type SeverityCounts = Readonly<Record<Severity, number>>;

/**
 * Counts the findings of a report.
 *
 * @param results The findings.
 * @returns A number for each severity.
 */
export function countSeverities(
  results: readonly Pick<CheckResult, "severity">[],
): SeverityCounts {
  const counts = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<
    Severity,
    number
  >;
  for (const { severity } of results) counts[severity]++;
  return counts;
}

/**
 * Tells whether workers may be run on the host.
 *
 * @param results The findings.
 * @param options `strict` makes warnings count as errors.
 * @returns Whether there is no error.
 */
export function isFit(
  results: readonly Pick<CheckResult, "severity">[],
  { strict = false }: { strict?: boolean } = {},
): boolean {
  const { error, warning } = countSeverities(results);
  return error === 0 && !(strict && warning > 0);
}

/** The version of the report's form; it grows when a reader of an older one would be misled. */
const FORMAT_VERSION = 1;

/** A report as scripts read it. */
export interface PreflightJson {
  /** The version of this form. */
  readonly version: number;
  /** When it began, in ISO 8601 and RFC 3339, UTC. */
  readonly ran_at: string;
  /** How long all of it took, in milliseconds. */
  readonly duration_ms: number;
  /** Where it ran. */
  readonly host: { readonly kernel: string; readonly uid: number };
  /** How many findings there are of each severity, and whether the host is fit by them. */
  readonly summary: SeverityCounts & { readonly fit: boolean };
  /** Every finding. */
  readonly results: readonly {
    readonly name: string;
    readonly severity: Severity;
    readonly message: string;
    readonly category: Category;
    readonly fix: Fix | null;
    readonly duration_ms: number;
  }[];
}

/**
 * Puts a report into the form that scripts read.
 *
 * @param report The report.
 * @param options `strict` makes warnings count as errors.
 * @returns An object for `JSON.stringify`.
 */
export function reportJson(
  report: PreflightReport,
  { strict = false }: { strict?: boolean } = {},
): PreflightJson {
  const { ranAtMs, durationMs, kernel, uid, results } = report;
  return {
    version: FORMAT_VERSION,
    ran_at: new Date(ranAtMs).toISOString(),
    duration_ms: Math.round(durationMs),
    host: { kernel, uid },
    summary: { ...countSeverities(results), fit: isFit(results, { strict }) },
    results: results.map(({ name, severity, message, category, fix, durationMs }) => ({
      name,
      severity,
      message,
      category,
      fix: fix ?? null,
      duration_ms: Math.round(durationMs),
    })),
  };
}
