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
    fix: undefined,
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

Deno.test("isFit() counts warnings only when strict", strict, () => {
  const of = (...severities: Severity[]) =>
    severities.map((severity): CheckResult => ({
      name: "x",
      severity,
      message: "",
      category: "r",
      fix: undefined,
      durationMs: 0,
    }));
  assertEquals(
    [of(), of("ok", "info"), of("warning"), of("error")].map((found) => [
      isFit(found),
      isFit(found, { strict: true }),
    ]),
    [[true, true], [true, true], [true, false], [false, false]],
  );
});
