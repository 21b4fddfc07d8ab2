import { parseRoute } from "#src/proxy/route.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { strict } from "./harness.ts";
import { Random } from "./random.ts";

/** What a target leads to, in short: `app target`, `-> redirect` or the kind. */
function short(target: string): string {
  const route = parseRoute(target);
  if (route.kind !== "app") return route.kind;
  return route.redirect === undefined ? `${route.app} ${route.target}` : `-> ${route.redirect}`;
}

Deno.test("an app sees the rest of the path and the query as they came", strict, () => {
  assertEquals(short("/app/hello/"), "hello /");
  assertEquals(short("/app/hello/?"), "hello /?");
  assertEquals(short("/app/hello/a/b.js?x=%2F&y=/app/z/"), "hello /a/b.js?x=%2F&y=/app/z/");
  assertEquals(short("/app/hello/%2e%2e/%2F?q"), "hello /%2e%2e/%2F?q");
  assertEquals(short("/app/hello//x"), "hello //x");
  assertEquals(short("/app/hello/../other/"), "hello /../other/");
});

Deno.test("an app's path without its slash leads to the one with it", strict, () => {
  assertEquals(short("/app/hello"), "-> /app/hello/");
  assertEquals(short("/app/hello?x=1&y=/"), "-> /app/hello/?x=1&y=/");
});

Deno.test("another spelling of an app's name leads to the plain one", strict, () => {
  assertEquals(short("/app/hell%6f/a?b"), "-> /app/hello/a?b");
  assertEquals(short("/app/%68ello"), "-> /app/hello/");
});

Deno.test("what names no app is unknown", strict, () => {
  for (
    const target of [
      "/app",
      "/app/",
      "/app//",
      "/app//hello/",
      "//app/hello/",
      "/App/hello/",
      "/app/../",
      "/app/./",
      "/app/%2e%2e/",
      "/app/%2e%2e%2fhello/",
      "/app/a%2fb/",
      "/app/a%5cb/",
      "/app/a%00/",
      "/app/%/",
      "/app/%zz/",
      "/app/%ff/",
      "/app/%252e/",
      "/app/a b/",
      "/app/a;b/",
      "/app/a#b/",
      "/app/?/hello/",
      `/app/${"a".repeat(64)}/`,
      "/app%2fhello/",
      "/healthz/",
      "//",
      "/x",
    ]
  ) assertEquals(short(target), "unknown", target);
});

Deno.test("the index and the sign of life take a query", strict, () => {
  assertEquals(["/", "/?a=1", "/healthz", "/healthz?x"].map(short), [
    "index",
    "index",
    "healthz",
    "healthz",
  ]);
});

Deno.test("all that is below its path belongs to the API", strict, () => {
  for (const target of ["/api/", "/api/v1/preflight", "/api/v1/workers/x?y", "/api//"]) {
    assertEquals(short(target), "api", target);
  }
  for (const target of ["/api", "/apis/", "/API/", "//api/", "/x/api/"]) {
    assertEquals(short(target), "unknown", target);
  }
});

Deno.test("whatever the target, app and rest are the ones that stand in it", strict, () => {
  const random = new Random(7);
  const pieces = [
    "/",
    "app",
    "hello",
    "%2f",
    "%2e",
    "..",
    ".",
    "?",
    "%",
    "%25",
    "\\",
    "a",
    "-",
    "#",
  ];
  let apps = 0;
  for (let round = 0; round < 20_000; round++) {
    const target = (round % 2 === 0 ? "/app/" : "/") + random.text(pieces, 8);
    const route = parseRoute(target);
    if (route.kind !== "app") continue;
    apps++;
    assert(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(route.app), target);
    assert(route.target.startsWith("/"), target);
    if (route.redirect === undefined) {
      assertEquals(`/app/${route.app}${route.target}`, target);
    } else {
      assertEquals(short(route.redirect), `${route.app} ${route.target}`, target);
    }
  }
  assert(apps > 500, `only ${apps} targets named an app`);
});
