import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { completeLimits, DEFAULT_LIMITS } from "#src/proxy/http/limits.ts";
import { test } from "./support.ts";

test("limits that are not given are the usual ones", () => {
  assertEquals(completeLimits({ headMs: 7 }), { ...DEFAULT_LIMITS, headMs: 7 });
});

test("a limit that cannot work is refused with its name and value", () => {
  assertThrows(() => completeLimits({ headBytes: 10 }), RangeError, "headBytes to 10");
  assertThrows(() => completeLimits({ headBytes: 2 ** 21 }), RangeError, "at most 1048576");
  assertThrows(() => completeLimits({ stallMs: 0 }), RangeError, "stallMs to 0");
  assertThrows(() => completeLimits({ drainBytes: 1.5 }), RangeError, "drainBytes to 1.5");
  assertThrows(() => completeLimits({ maxConnections: NaN }), RangeError, "maxConnections to NaN");
});
