import { quantile } from "#tests/bench/support/quantile.ts";
import { summarize } from "#tests/bench/support/reading.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

Deno.test("quantile() takes the point between the two nearest values", sanitize, () => {
  const values = [40, 10, 30, 20];
  assertEquals(
    [0, 0.25, 0.5, 0.75, 1].map((share) => quantile(values, share)),
    [10, 17.5, 25, 32.5, 40],
  );
  assertEquals(values, [40, 10, 30, 20]);
});

Deno.test("quantile() of one value is that value", sanitize, () => {
  assertEquals([0, 0.3, 1].map((share) => quantile([7], share)), [7, 7, 7]);
});

Deno.test("quantile() sorts by size, not by text", sanitize, () => {
  assertEquals(quantile([9, 100, 10], 0.5), 10);
});

Deno.test("quantile() refuses what has no quantile", sanitize, () => {
  assertThrows(() => quantile([], 0.5), RangeError, "cannot take a quantile of []: want numbers");
  assertThrows(() => quantile([1, NaN], 0.5), RangeError, "want numbers");
  assertThrows(() => quantile([1], 1.5), RangeError, "cannot take quantile 1.5");
  assertThrows(() => quantile([1], NaN), RangeError, "cannot take quantile NaN");
});

Deno.test(
  "summarize() gives the ratio of the medians and the spread over the pairs",
  sanitize,
  () => {
    const about = { benchmark: "b", row: "r", unit: "ms", wanted: "≤ 1.5" } as const;
    const summary = summarize({ ...about, subject: [2, 12, 40], baseline: [1, 8, 10] });
    assertEquals(summary, {
      ...about,
      samples: 3,
      subject: { p25: 7, p50: 12, p75: 26 },
      baseline: { p25: 4.5, p50: 8, p75: 9 },
      ratio: 1.5,
      pairRatios: { p25: 1.75, p50: 2, p75: 3 },
    });
  },
);

Deno.test("summarize() refuses values without a partner", sanitize, () => {
  const about = { benchmark: "b", row: "r", unit: "ms" } as const;
  assertThrows(
    () => summarize({ ...about, subject: [1, 2], baseline: [1] }),
    RangeError,
    "cannot pair 2 values with 1",
  );
  assertThrows(
    () => summarize({ ...about, subject: [], baseline: [] }),
    RangeError,
    "want numbers",
  );
});
