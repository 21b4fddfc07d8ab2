import { headerElements, headerValues } from "#src/proxy/headers.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { strict } from "./harness.ts";

Deno.test("headerValues() finds a field in any case, in order", strict, () => {
  const headers = [["ACCEPT", "a"], ["Accept-Language", "no"], ["accept", "b, c"]] as const;
  assertEquals(headerValues(headers, "accept"), ["a", "b, c"]);
  assertEquals(headerValues(headers, "host"), []);
});

Deno.test("headerElements() reads several fields as one list", strict, () => {
  assertEquals(headerElements([["X", " a,, b "], ["x", "c,"]], "x"), ["a", "b", "c"]);
});
