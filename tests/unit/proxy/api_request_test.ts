import { apiRequest } from "#src/proxy/api_request.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { asResponse, head, planeRig, strict } from "./harness.ts";

Deno.test("a request keeps its method, target and headers on the way to the API", strict, () => {
  const request = apiRequest(head("/api/v1/workers/a%20b?x=%2F#", {
    method: "DELETE",
    headers: [["Host", "apps.example"], ["Authorization", "Bearer x"], ["X-A", "1"], ["x-a", "2"]],
  }));
  assertEquals(request?.method, "DELETE");
  assertEquals(request?.url, "http://localhost/api/v1/workers/a%20b?x=%2F#");
  assertEquals(request?.headers.get("authorization"), "Bearer x");
  assertEquals(request?.headers.get("x-a"), "1, 2");
});

Deno.test("a target cannot name another host to the API", strict, () => {
  for (const target of ["//evil.example/api/", "/api/@evil.example/", "/\\evil.example/api/"]) {
    assertEquals(new URL(apiRequest(head(target))?.url ?? "").hostname, "localhost", target);
  }
});

Deno.test("a method that the API does not know is answered with 501", strict, async () => {
  const { ask, plane } = planeRig({ api: () => Promise.resolve(new Response("asked")) });
  for (const method of ["TRACE", "CONNECT", "PROPFIND", "get"]) {
    assertEquals(asResponse(await ask("/api/v1/x", { method })).status, 501, method);
  }
  assertEquals(await asResponse(await ask("/api/v1/x")).text(), "asked");
  await plane.close();
});

Deno.test("without an API there is nothing below its path", strict, async () => {
  const { ask, plane } = planeRig();
  assertEquals(asResponse(await ask("/api/v1/preflight")).status, 404);
  await plane.close();
});
