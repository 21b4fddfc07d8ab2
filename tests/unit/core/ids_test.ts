import { newWorkerId, toAppName, toGid, toPid, toPort, toUid, toWorkerId } from "#src/core/mod.ts";
import { assertEquals, assertMatch, assertNotEquals, assertThrows } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const NUMBERS = [
  { name: "toUid", to: toUid, what: "user id", min: 0, max: 4_294_967_294 },
  { name: "toGid", to: toGid, what: "group id", min: 0, max: 4_294_967_294 },
  { name: "toPid", to: toPid, what: "process id", min: 1, max: 4_194_304 },
  { name: "toPort", to: toPort, what: "port", min: 1, max: 65_535 },
];
for (const { name, to, what, min, max } of NUMBERS) {
  Deno.test(`${name}() takes ${min} to ${max}`, SANE, () => {
    assertEquals<number>(to(min), min);
    assertEquals<number>(to(max), max);
  });
  for (const value of [min - 1, max + 1, 1.5, NaN, Infinity]) {
    Deno.test(`${name}() refuses ${value}`, SANE, () => {
      const error = assertThrows(() => to(value), RangeError);
      assertEquals(
        error.message,
        `cannot use ${value} as a ${what}: want a whole number from ${min} to ${max}`,
      );
    });
  }
}

for (const text of ["a", "9", "hello-1", "a--b", "x".repeat(64)]) {
  Deno.test(`toWorkerId() takes ${JSON.stringify(text)}`, SANE, () => {
    assertEquals<string>(toWorkerId(text), text);
  });
}
for (const text of ["", "-a", "a-", "A", "a_b", "../x", "a\n", "x".repeat(65)]) {
  Deno.test(`toWorkerId() refuses ${JSON.stringify(text)}`, SANE, () => {
    assertThrows(() => toWorkerId(text), RangeError, `cannot use ${JSON.stringify(text)} as a`);
  });
}

for (const text of ["a", "0", "My_App.v-2", "x".repeat(63)]) {
  Deno.test(`toAppName() takes ${JSON.stringify(text)}`, SANE, () => {
    assertEquals<string>(toAppName(text), text);
  });
}
for (const text of ["", ".", "..", ".a", "-a", "_a", "a/b", "a b", "ä", "a\n", "x".repeat(64)]) {
  Deno.test(`toAppName() refuses ${JSON.stringify(text)}`, SANE, () => {
    assertThrows(
      () => toAppName(text),
      RangeError,
      `cannot use ${JSON.stringify(text)} as the name`,
    );
  });
}

for (
  const [app, pattern] of [
    ["hello", /^hello-[0-9a-v]{12}$/],
    ["My_App.v2", /^my-app-v2-[0-9a-v]{12}$/],
    ["a_", /^a-[0-9a-v]{12}$/],
    ["x".repeat(63), /^x{40}-[0-9a-v]{12}$/],
    [`${"x".repeat(39)}-yz`, /^x{39}--[0-9a-v]{12}$/],
  ] as const
) {
  Deno.test(`newWorkerId() makes a worker id that starts like the app ${app}`, SANE, () => {
    assertMatch(newWorkerId(toAppName(app)), pattern);
  });
}

Deno.test("newWorkerId() never makes the same id twice", SANE, () => {
  const app = toAppName("hello");
  assertNotEquals(newWorkerId(app), newWorkerId(app));
  assertEquals(new Set(Array.from({ length: 1000 }, () => newWorkerId(app))).size, 1000);
});
