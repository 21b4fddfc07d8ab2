import type { Summary } from "#tests/bench/support/reading.ts";
import { formatReport, type Report } from "#tests/bench/support/report.ts";
import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

const machine = {
  cpu: "A Processor",
  cores: 2,
  loadAverage: 0.5,
  kernel: "6.1.0",
  blockyard: "blockyard 0.1.0 (single-file)",
  deno: "2.9.6",
  bwrap: "0.8.0",
  r: "4.2.2",
};

const spawn: Summary = {
  benchmark: "spawn",
  row: "apart",
  unit: "ms",
  wanted: "≤ 1.5",
  samples: 20,
  subject: { p25: 13, p50: 14.04, p75: 15 },
  baseline: { p25: 9, p50: 10, p75: 11.25 },
  ratio: 1.404,
  pairRatios: { p25: 1.2, p50: 1.39, p75: 1.6 },
};

const proxy: Summary = {
  benchmark: "proxy",
  row: "",
  unit: "req/s",
  samples: 5,
  subject: { p25: 20000, p50: 21000.4, p75: 22000 },
  baseline: { p25: 40000, p50: 42000, p75: 44000 },
  ratio: 0.5,
  pairRatios: { p25: 0.45, p50: 0.5, p75: 0.55 },
};

function lines(report: Partial<Report>): string[] {
  return formatReport({ machine, results: [], skipped: [], ...report }).split("\n");
}

Deno.test("formatReport() says where the numbers come from", sanitize, () => {
  assertEquals(lines({}).slice(0, 3), [
    "A Processor, 2 cores, load 0.50",
    "Linux 6.1.0, deno 2.9.6, bwrap 0.8.0, R 4.2.2",
    "blockyard 0.1.0 (single-file)",
  ]);
  const bare = { ...machine, blockyard: "", bwrap: "", r: "" };
  assertEquals(lines({ machine: bare }).slice(1, 3), [
    "Linux 6.1.0, deno 2.9.6, bwrap none, R none",
    "no executable",
  ]);
});

Deno.test("formatReport() puts each result into a row of aligned columns", sanitize, () => {
  assertEquals(lines({ results: [spawn, proxy] }).slice(4, 7), [
    "what          unit    ours      p25-p75   base      p25-p75  ratio    p25-p75  wanted   n",
    "spawn: apart  ms      14.0    13.0-15.0   10.0     9.0-11.3   1.40  1.20-1.60   ≤ 1.5  20",
    "proxy         req/s  21000  20000-22000  42000  40000-44000   0.50  0.45-0.55           5",
  ]);
});

Deno.test("formatReport() names what did not run, and why", sanitize, () => {
  const text = lines({ skipped: [{ benchmark: "proxy", reason: "cannot find wrk" }] }).join("\n");
  assertStringIncludes(text, "\nskipped: proxy: cannot find wrk\n");
});
