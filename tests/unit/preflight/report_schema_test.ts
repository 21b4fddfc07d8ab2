import {
  advice,
  type Category,
  type CheckResult,
  CHECKS,
  type PreflightReport,
  reportJson,
  SEVERITIES,
} from "#src/preflight/mod.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { reportProblems, SCHEMA_CHECKS } from "#tests/support/report_schema.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

function result(changes: Partial<CheckResult> = {}): CheckResult {
  return {
    name: "r_binary",
    severity: "warning",
    message: "it was seen",
    category: "r",
    fix: advice("Do it"),
    durationMs: 1.4,
    ...changes,
  };
}

function report(results: readonly CheckResult[]): PreflightReport {
  return { ranAtMs: 1_700_000_000_000, durationMs: 12.5, kernel: "6.1.0", uid: 0, results };
}

Deno.test("the schema names every check, in their order, and no other", strict, () => {
  assertEquals<readonly string[]>(CHECKS.map(({ name }) => name), SCHEMA_CHECKS);
});

Deno.test("every report is valid by the schema", strict, () => {
  const categories = [...new Set(CHECKS.map(({ category }) => category))];
  const results = SEVERITIES.flatMap((severity) =>
    categories.map((category: Category) =>
      result({ severity, category, fix: severity === "ok" ? undefined : advice("Do it") })
    )
  );
  assertEquals(reportProblems(reportJson(report(results))), []);
  assertEquals(reportProblems(reportJson(report([]))), []);
});

Deno.test("the schema refuses what no report says", strict, () => {
  const valid = reportJson(report([result()]));
  const first = valid.results[0];
  const broken: readonly unknown[] = [
    { ...valid, version: 2 },
    { ...valid, extra: 1 },
    { ...valid, ran_at: "yesterday" },
    { ...valid, summary: { ...valid.summary, fit: undefined } },
    ...[
      { ...first, name: "r_binry" },
      { ...first, severity: "fatal" },
      { ...first, category: "" },
      { ...first, fix: null },
      { ...first, severity: "ok" },
      { ...first, fix: { kind: "spell", text: "Abracadabra" } },
      { ...first, message: "" },
      { ...first, duration_ms: 0.5 },
    ].map((each) => ({ ...valid, results: [each] })),
  ];
  for (const each of broken) {
    assert(reportProblems(JSON.parse(JSON.stringify(each))).length > 0, JSON.stringify(each));
  }
});
