import { abstractSockets, judgeAbstractSockets } from "#src/preflight/abstract_sockets.ts";
import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { fakeHost } from "./fake_host.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const SCOPED = { kind: "scoped" } as const;

Deno.test("abstract sockets that refuse a worker are ok", UNIT, () => {
  const message = "a worker reaches no abstract unix socket of the host";
  assertEquals(judgeAbstractSockets("refused", SCOPED), { severity: "ok", message });
  // In a network of its own, say.
  const unheld = { kind: "none", reason: "the kernel is old" } as const;
  assertEquals(judgeAbstractSockets("refused", unheld), { severity: "ok", message });
});

Deno.test("abstract sockets that a worker reaches are a warning with the reason", UNIT, () => {
  const reason = "the kernel is old";
  const { severity, message } = judgeAbstractSockets("connected", { kind: "none", reason });
  assertEquals(severity, "warning");
  assertEquals(message, "a worker reaches abstract unix sockets of the host: the kernel is old");
});

Deno.test("abstract sockets that are reached in spite of Landlock are an error", UNIT, () => {
  assertEquals(judgeAbstractSockets("connected", SCOPED).severity, "error");
});

for (const result of ["error", "timeout", "unreachable", undefined] as const) {
  Deno.test(`a probe that says ${result ?? "nothing"} is no good news`, UNIT, () => {
    const { severity, message } = judgeAbstractSockets(result, SCOPED);
    assertEquals(severity, "warning");
    assertStringIncludes(message, "could not be found out");
  });
}

Deno.test("a probe that could not be run is no good news", UNIT, async () => {
  const found = [await abstractSockets.run(fakeHost())].flat();
  assertEquals(found.map(({ severity }) => severity), ["warning"]);
});
