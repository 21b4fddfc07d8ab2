import {
  counted,
  formatRangeList,
  mergeRanges,
  overlaps,
  parseRangeList,
  subtractRanges,
} from "#src/preflight/number_ranges.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const merged = (text: string) => formatRangeList(mergeRanges(parseRangeList(text)));

Deno.test("ranges that meet, touch or hold one another become one", UNIT, () => {
  assertEquals(merged("30-39,8080,10-19,20,15-25,9-9,32-33"), "9-25,30-39,8080");
  assertEquals(merged("1-100,5-6"), "1-100");
  assertEquals(merged(""), "");
});

Deno.test("subtracting leaves what is before, between and after the holes", UNIT, () => {
  const left = (text: string) =>
    formatRangeList(subtractRanges({ start: 10, end: 20 }, parseRangeList(text)));
  assertEquals(left(""), "10-20");
  assertEquals(left("18-30,12-13,1-10"), "11,14-17");
  assertEquals(left("9,21"), "10-20");
  assertEquals(left("1-100"), "");
});

Deno.test("overlaps are the common parts", UNIT, () => {
  const common = (text: string) =>
    formatRangeList(overlaps({ start: 10, end: 20 }, parseRangeList(text)));
  assertEquals(common("20-30,1-10,14,15"), "10,14-15,20");
  assertEquals(common("1-9,21-30"), "");
});

for (const text of ["a", "1,", ",1", "1-", "2-1", "1 2", "-1", "1-2-3", "0x10"]) {
  Deno.test(`"${text}" is no list of ranges`, UNIT, () => {
    assertThrows(() => parseRangeList(text), SyntaxError, JSON.stringify(text));
  });
}

Deno.test("one of a thing is in the singular", UNIT, () => {
  assertEquals([0, 1, 2].map((count) => counted(count, "port")), ["0 ports", "1 port", "2 ports"]);
});
