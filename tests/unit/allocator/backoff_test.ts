import { backoffMs } from "#src/allocator/backoff.ts";
import { assertEquals } from "#tests/support/assert.ts";

Deno.test("backoffMs() doubles the pause with each failure, up to 5 s", () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 100, 5000].map((failures) => backoffMs(failures, 0));
  assertEquals(pauses, [50, 100, 200, 400, 800, 1600, 2500, 2500, 2500]);
});

Deno.test("backoffMs() spreads the pauses over their second half", () => {
  assertEquals(backoffMs(1, 0.5), 75);
  assertEquals(backoffMs(7, 0.999), 4997.5);
});
