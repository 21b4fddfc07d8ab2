import {
  advice,
  type Category,
  type CheckResult,
  CHECKS,
  type PreflightReport,
  reportJson,
  SEVERITIES,
  type Severity,
} from "#src/preflight/mod.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { reportProblems, SCHEMA_CHECKS } from "#tests/support/report_schema.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

function result(
  { severity = "warning", category = "r" }: { severity?: Severity; category?: Category } = {},
): CheckResult {
  const common = { name: "r_binary", message: "it was seen", category, durationMs: 1.4 } as const;
  return severity === "ok"
    ? { ...common, severity }
    : { ...common, severity, fix: advice("Do it") };
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
    categories.map((category) => result({ severity, category }))
  );
  assertEquals(reportProblems(reportJson(report(results))), []);
});

Deno.test("the schema refuses what no report says", strict, () => {
  const valid = reportJson(report([result()]));
  const first = valid.results[0];
  const broken: readonly unknown[] = [
    { ...valid, version: 2 },
    { ...valid, extra: 1 },
    { ...valid, ran_at: "yesterday" },
    { ...valid, ran_at: "2026-01-02T03:04:05.000+01:00" },
    { ...valid, results: [] },
    { ...valid, host: { ...valid.host, name: "x" } },
    { ...valid, summary: { ...valid.summary, fit: undefined } },
    ...[
      { ...first, name: "r_binry" },
      { ...first, severity: "fatal" },
      { ...first, category: "" },
      { ...first, fix: null },
      { ...first, severity: "ok" },
      { ...first, fix: { kind: "spell", text: "Abracadabra" } },
      { ...first, fix: { kind: "command", text: "true\nfalse" } },
      { ...first, fix: { kind: "command", text: "true", shell: "sh" } },
      { ...first, message: "" },
      { ...first, message: "a\x1b[31m" },
      { ...first, advice: "Do it" },
      { ...first, duration_ms: 0.5 },
    ].map((each) => ({ ...valid, results: [each] })),
  ];
  for (const each of broken) {
    assert(reportProblems(JSON.parse(JSON.stringify(each))).length > 0, JSON.stringify(each));
  }
});
