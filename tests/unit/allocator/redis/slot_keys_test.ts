import { parseRanges, rangeHas, rangeName, slotKeys } from "#src/allocator/redis/slot_keys.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

Deno.test("slotKeys() puts host and kind in the braces that a cluster looks at", () => {
  const keys = slotKeys("blockyard:", "host-1", "port");
  assertEquals(keys.claims, "blockyard:{host-1:port}:claims");
  assertEquals(keys.ranges, "blockyard:{host-1:port}:ranges");
  assertEquals(keys.pool("1-2"), "blockyard:{host-1:port}:free:1-2");
});

for (const prefix of ["{", "a}", "{x}:"]) {
  Deno.test(`slotKeys() refuses the prefix "${prefix}"`, () => {
    assertThrows(() => slotKeys(prefix, "h", "port"), RangeError, "want one without braces");
  });
}

Deno.test("parseRanges() reads version and ranges, and leaves out what it does not know", () => {
  const reply = ["range:1-9", "170", "freed:7", "12", "later", "x", "range:5-7", "180", "odd"];
  const { version, lastSeen } = parseRanges(reply);
  assertEquals(version, "freed:7");
  assertEquals([...lastSeen], [["1-9", "170"], ["5-7", "180"]]);
});

Deno.test("parseRanges() finds nothing in a reply that is no list", () => {
  assertEquals(parseRanges(null), { version: "freed:", lastSeen: new Map() });
});

Deno.test("rangeHas() counts both ends in", () => {
  const name = rangeName({ start: 10, end: 12 });
  assertEquals([9, 10, 12, 13].map((slot) => rangeHas(name, slot)), [false, true, true, false]);
});
