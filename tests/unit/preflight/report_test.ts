import {
  type CheckResult,
  command,
  isFit,
  type PreflightReport,
  reportJson,
  reportTable,
  setting,
  type Severity,
} from "#src/preflight/mod.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

const results: CheckResult[] = [
  {
    name: "bwrap_available",
    severity: "ok",
    message: "bubblewrap 0.12.0",
    category: "sandbox",
    durationMs: 12.4,
  },
  {
    name: "port_range",
    severity: "warning",
    message: "it overlaps",
    category: "network",
    fix: command("sysctl -w net.ipv4.ip_local_reserved_ports=10000-10999"),
    durationMs: 1,
  },
  {
    name: "r_binary",
    severity: "error",
    message: "there is no R",
    category: "r",
    fix: setting("process.r_path: /opt/R/4.4.2/bin/R"),
    durationMs: 3,
  },
];

const report: PreflightReport = {
  ranAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  durationMs: 849.6,
  kernel: "6.1.0",
  uid: 0,
  results,
};

Deno.test("reportJson() is what scripts read", strict, () => {
  assertEquals<unknown>(reportJson({ ...report, results: results.slice(0, 2) }), {
    version: 1,
    ran_at: "2026-01-02T03:04:05.000Z",
    duration_ms: 850,
    host: { kernel: "6.1.0", uid: 0 },
    summary: { ok: 1, info: 0, warning: 1, error: 0, fit: true },
    results: [
      {
        name: "bwrap_available",
        severity: "ok",
        message: "bubblewrap 0.12.0",
        category: "sandbox",
        fix: null,
        duration_ms: 12,
      },
      {
        name: "port_range",
        severity: "warning",
        message: "it overlaps",
        category: "network",
        fix: {
          kind: "command",
          text: "sysctl -w net.ipv4.ip_local_reserved_ports=10000-10999",
        },
        duration_ms: 1,
      },
    ],
  });
});

Deno.test("reportTable() puts what to do below each finding, and a sum at the end", strict, () => {
  assertEquals(
    reportTable(report, { colour: false }),
    `ok       bwrap_available  bubblewrap 0.12.0
warning  port_range       it overlaps
                          run: sysctl -w net.ipv4.ip_local_reserved_ports=10000-10999
error    r_binary         there is no R
                          set: process.r_path: /opt/R/4.4.2/bin/R

1 ok, 0 to know, 1 warning, 1 error: this host is not fit (0.8 s)
`,
  );
});

Deno.test("reportTable() uses colours only when it may", strict, () => {
  assert(reportTable(report, { colour: true }).includes("\x1b[31merror"));
  assert(!reportTable(report, { colour: false }).includes("\x1b"));
});

Deno.test("a finding that is not ok has a fix, by its type", strict, () => {
  const common = { name: "x", message: "it was seen", category: "r", durationMs: 0 } as const;
  const fix = setting("process.r_path: /opt/R/4.4.2/bin/R");
  const typed: CheckResult[] = [{ ...common, severity: "ok" }, {
    ...common,
    severity: "info",
    fix,
  }];
  // @ts-expect-error -- there is something to know, and nothing to do about it
  const without: CheckResult = { ...common, severity: "info" };
  // @ts-expect-error -- there is nothing to do about what is well
  const needless: CheckResult = { ...common, severity: "ok", fix };
  assertEquals([...typed, without, needless].length, 4);
});

Deno.test("reportTable() breaks sentences at a terminal's width, and no command", strict, () => {
  const wordy = results.map((result) => ({
    ...result,
    message: "one two three ".repeat(4).trim(),
  }));
  const columns = 60;
  const lines = reportTable({ ...report, results: wordy }, { colour: false, columns }).split("\n");
  const indent = " ".repeat(26);
  assertEquals(lines.slice(0, 6), [
    "ok       bwrap_available  one two three one two three one",
    `${indent}two three one two three`,
    "warning  port_range       one two three one two three one",
    `${indent}two three one two three`,
    `${indent}run: sysctl -w net.ipv4.ip_local_reserved_ports=10000-10999`,
    "error    r_binary         one two three one two three one",
  ]);
  const wide = reportTable({ ...report, results: wordy }, { colour: false });
  for (const narrow of [0, 40]) {
    assertEquals(
      reportTable({ ...report, results: wordy }, { colour: false, columns: narrow }),
      wide,
      `${narrow} columns are left to the terminal`,
    );
  }
});

Deno.test("reportTable() says of a part only what was asked", strict, () => {
  const last = (of: readonly CheckResult[], isPartial: boolean, isStrict = false) =>
    reportTable({ ...report, results: of }, { colour: false, isPartial, strict: isStrict })
      .trimEnd().split("\n").at(-1);
  const fit = results.slice(0, 2);
  assertEquals(last(fit, false), "1 ok, 0 to know, 1 warning, 0 errors: this host is fit (0.8 s)");
  assertEquals(
    last(fit, true),
    "1 ok, 0 to know, 1 warning, 0 errors: this host is fit, as far as it was asked (0.8 s)",
  );
  const unfit = "1 ok, 0 to know, 1 warning, 0 errors: this host is not fit (0.8 s)";
  assertEquals(last(fit, true, true), unfit);
});

Deno.test("reportJson() and isFit() count warnings only when strict", strict, () => {
  const fix = setting("process.r_path: /opt/R/4.4.2/bin/R");
  const of = (...severities: Severity[]) =>
    severities.map((severity): CheckResult => {
      const common = { name: "x", message: "it was seen", category: "r", durationMs: 0 } as const;
      return severity === "ok" ? { ...common, severity } : { ...common, severity, fix };
    });
  for (
    const [found, fit, strictlyFit] of [
      [of(), true, true],
      [of("ok", "info"), true, true],
      [of("ok", "warning"), true, false],
      [of("warning", "error"), false, false],
    ] as const
  ) {
    assertEquals([isFit(found), isFit(found, { strict: true })], [fit, strictlyFit]);
    const json = (isStrict: boolean) =>
      reportJson({ ...report, results: found }, { strict: isStrict }).summary.fit;
    assertEquals([json(false), json(true)], [fit, strictlyFit]);
  }
});
