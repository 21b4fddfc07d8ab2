import { SECCOMP_ARCHS, type SeccompArch } from "#src/sandbox/seccomp/call_numbers.ts";
import { explainCall, KNOWN_CALLS } from "#src/sandbox/seccomp/explain.ts";
import { POLICY } from "#src/sandbox/seccomp/policy/mod.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

Deno.test("explainCall() says what becomes of every call, and why", strict, () => {
  for (const arch of Object.keys(SECCOMP_ARCHS) as SeccompArch[]) {
    const { numbers } = SECCOMP_ARCHS[arch];
    for (const call of KNOWN_CALLS) {
      const it = explainCall(call, arch);
      const group = POLICY.find(({ calls }) => calls.includes(call));
      assert(it !== undefined && group !== undefined, call);
      const { verdict } = group;
      assertEquals(it.reason, group.reason);
      assertEquals(it.number, numbers.get(call));
      assertEquals(it.verdict === "absent", !numbers.has(call));
      if (it.verdict === "absent") continue;
      assertEquals(it.verdict === "allowed", verdict.kind === "allow");
      assertEquals(it.errno, verdict.kind === "allow" ? undefined : verdict.errno);
      assertEquals(it.conditions.length, verdict.kind === "check" ? verdict.cases.length : 0);
    }
  }
});

Deno.test("explainCall() puts conditions into words, with names and values", strict, () => {
  assertEquals(explainCall("sendmsg", "x86_64")?.conditions, [
    ["flags is without MSG_FASTOPEN (0x20000000)"],
  ]);
  assertEquals(explainCall("ioctl", "x86_64")?.conditions, [
    ["op is not TIOCSTI (0x5412), TIOCLINUX (0x541c) or TIOCSETD (0x5423)"],
  ]);
  assertEquals(explainCall("socketpair", "aarch64")?.conditions, [
    [
      "domain is AF_UNIX (1)",
      "type & 0xf is SOCK_STREAM (1), SOCK_DGRAM (2) or SOCK_SEQPACKET (5)",
    ],
  ]);
});

Deno.test("explainCall() knows what no architecture has", strict, () => {
  assertEquals(explainCall("no_such_call", "x86_64"), undefined);
});
