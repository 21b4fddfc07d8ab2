import { apiRequest } from "#src/proxy/api_request.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { asResponse, head, patient, planeRig, strict } from "./harness.ts";

const nothing = { body: undefined, signal: patient };

function bytes(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from([new TextEncoder().encode(text)]);
}

Deno.test(
  "a request keeps its method, target, headers and body on the way to the API",
  strict,
  async () => {
    const request = apiRequest(
      head("/api/v1/workers/a%20b?x=%2F#", {
        method: "PATCH",
        headers: [
          ["Host", "apps.example"],
          ["Authorization", "Bearer x"],
          ["X-A", "1"],
          ["x-a", "2"],
        ],
      }),
      { body: bytes("{}"), signal: patient },
    );
    assertEquals(request.method, "PATCH");
    assertEquals(request.url, "http://localhost/api/v1/workers/a%20b?x=%2F#");
    assertEquals(request.headers.get("authorization"), "Bearer x");
    assertEquals(request.headers.get("x-a"), "1, 2");
    assertEquals(await request.text(), "{}");
  },
);

Deno.test("a body that a method cannot have is left out", strict, () => {
  const body = bytes("{}");
  assertEquals(apiRequest(head("/api/"), { body, signal: patient }).body, null);
});

Deno.test("the API is told when nobody waits for it any more", strict, () => {
  const gone = new AbortController();
  const request = apiRequest(head("/api/"), { body: undefined, signal: gone.signal });
  assert(!request.signal.aborted);
  gone.abort();
  assert(request.signal.aborted);
});

Deno.test("a target cannot name another host to the API", strict, () => {
  for (const target of ["//evil.example/api/", "/api/@evil.example/", "/\\evil.example/api/"]) {
    assertEquals(new URL(apiRequest(head(target), nothing).url).hostname, "localhost", target);
  }
});

Deno.test("a method that the API does not know is answered with 501", strict, async () => {
  const { ask, plane } = planeRig({ api: () => Promise.resolve(new Response("asked")) });
  for (const method of ["TRACE", "CONNECT", "PROPFIND", "get"]) {
    assertEquals(asResponse(await ask("/api/v1/x", { method })).status, 501, method);
  }
  const verdict = await ask("/api/v1/x");
  assert(verdict.kind === "handle");
  const answer = await verdict.handle(undefined, { signal: patient });
  assertEquals(await answer.text(), "asked");
  await plane.close();
});

Deno.test("without an API there is nothing below its path", strict, async () => {
  const { ask, plane } = planeRig();
  assertEquals(asResponse(await ask("/api/v1/preflight")).status, 404);
  await plane.close();
});
