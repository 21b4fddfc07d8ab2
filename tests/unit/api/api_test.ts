import { type ApiParts, createApi } from "#src/api/mod.ts";
import { silentLogger } from "#src/core/mod.ts";
import { assert, assertEquals, fail } from "#tests/support/assert.ts";
import { FakeBackend } from "#tests/support/fake_backend.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

const TOKEN = "a-token_of.letters~and+digits/0123456789==";

const REPORT = { version: 1, summary: { fit: true }, results: [] };

async function ask(
  path: string,
  { authorization = `Bearer ${TOKEN}`, method = "GET", ...parts }: {
    authorization?: string;
    method?: string;
  } & Partial<ApiParts> = {},
) {
  const api = createApi({
    token: TOKEN,
    preflight: REPORT,
    backend: new FakeBackend(new FakeClock()),
    sessionsOf: () => 0,
    log: silentLogger,
    ...parts,
  });
  const headers: Record<string, string> = authorization === "" ? {} : { authorization };
  const response = await api(new Request(`http://localhost${path}`, { method, headers }));
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

Deno.test("the last preflight is told to who has the token", strict, async () => {
  const { status, headers, text } = await ask("/api/v1/preflight");
  assertEquals(status, 200);
  assertEquals(headers.get("content-type"), "application/json");
  assertEquals(headers.get("cache-control"), "no-store");
  assertEquals(JSON.parse(text), REPORT);
  const head = await ask("/api/v1/preflight", { method: "HEAD" });
  assertEquals([head.status, head.text], [200, ""]);
});

Deno.test("the scheme of the token is read in any case", strict, async () => {
  for (const authorization of [`bearer ${TOKEN}`, `BEARER   ${TOKEN} `]) {
    assertEquals((await ask("/api/v1/preflight", { authorization })).status, 200);
  }
});

Deno.test("a server that skipped the preflight says so", strict, async () => {
  const { status, text } = await ask("/api/v1/preflight", { preflight: undefined });
  assertEquals(status, 404);
  assertEquals(JSON.parse(text), {
    error: {
      code: "preflight_skipped",
      message: "the server was started with --skip-preflight",
    },
  });
});

const strangers: readonly (readonly [what: string, authorization: string, challenge: string])[] = [
  ["nothing", "", 'Bearer realm="blockyard"'],
  ["an empty token", "Bearer ", 'Bearer realm="blockyard"'],
  ["another scheme", `Basic ${TOKEN}`, 'Bearer realm="blockyard"'],
  ["two tokens", `Bearer ${TOKEN} ${TOKEN}`, 'Bearer realm="blockyard"'],
  ["another token", "Bearer x", 'Bearer realm="blockyard", error="invalid_token"'],
  [
    "the beginning of the token",
    `Bearer ${TOKEN.slice(0, -3)}`,
    'Bearer realm="blockyard", error="invalid_token"',
  ],
];
for (const [what, authorization, challenge] of strangers) {
  Deno.test(`who names ${what} is told nothing, not even what there is`, strict, async () => {
    for (const path of ["/api/v1/preflight", "/api/v1/nothing"]) {
      const { status, headers, text } = await ask(path, { authorization });
      assertEquals([status, headers.get("www-authenticate")], [401, challenge]);
      assertEquals(JSON.parse(text).error.code, "unauthorized");
      assert(!text.includes(TOKEN.slice(0, 8)), text);
    }
  });
}

Deno.test("paths and methods that are not there are told in JSON", strict, async () => {
  for (const path of ["/api/v1/nothing", "/api/v2/preflight", "/api/", "/api/v1"]) {
    const { status, text } = await ask(path);
    assertEquals([status, JSON.parse(text).error.code], [404, "not_found"], path);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const { status, headers, text } = await ask("/api/v1/preflight", { method });
    assertEquals([status, headers.get("allow")], [405, "GET, HEAD"]);
    assertEquals(JSON.parse(text).error.code, "method_not_allowed");
  }
});

Deno.test("a failure is told without its reason, which the log has", strict, async () => {
  const log = new RecordingLogger();
  const broken = { toJSON: () => fail("a part of it\nis missing") };
  const { status, text } = await ask("/api/v1/preflight", { preflight: broken, log });
  assertEquals(status, 500);
  assertEquals(JSON.parse(text), {
    error: { code: "internal_error", message: "the server failed, and its log says why" },
  });
  assertEquals(log.records.map(({ message }) => message), ["the API failed"]);
  assertEquals<unknown>(log.records[0]?.fields, {
    method: "GET",
    path: "/api/v1/preflight",
    error: "a part of it; is missing",
  });
});
