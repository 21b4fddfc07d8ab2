import { loadConfig } from "#src/config/mod.ts";
import { toGid, toUid } from "#src/core/mod.ts";
import { openServerFirewall } from "#src/host_firewall.ts";
import type { Finding, ManagedFirewallState, PreflightHost } from "#src/preflight/mod.ts";
import { workerEgress } from "#src/preflight/worker_egress.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { fakeHost } from "./fake_host.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };
const PROBLEM = "cannot find nft";

/** A managed firewall; what was asked of it is in `asked`. */
function managed(isSet: boolean, problem?: string): ManagedFirewallState & { asked: number } {
  return {
    isSet,
    asked: 0,
    problem() {
      this.asked++;
      return Promise.resolve(problem);
    },
  };
}

/** What the check finds where everything, or nothing, can be reached from a sandbox. */
async function look(
  result: "connected" | "refused",
  changes: Partial<PreflightHost>,
): Promise<readonly Finding[]> {
  using running = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const env = {
    BLOCKYARD_PROCESS_SKIP_METADATA_CHECK: "true",
    BLOCKYARD_SERVER_BIND: `127.0.0.1:${running.addr.port}`,
    BLOCKYARD_FIREWALL_MODE: "managed",
  };
  const host = fakeHost({
    config: loadConfig({ env, isRoot: true, readFile: () => "" }),
    sandboxes: {
      run: ({ command }) => {
        const target = command[command.indexOf("--tcp") + 1];
        const stdout = `${JSON.stringify({ target, result })}\n`;
        return Promise.resolve({ code: 1, stdout, stderr: "" });
      },
      canDisableUserns: () => Promise.resolve(true),
      landlock: () => Promise.resolve({ kind: "scoped" }),
    },
    ...changes,
  });
  return [await workerEgress.run(host)].flat();
}

Deno.test("what a server will set rules against is to be known, and no more", SANE, async () => {
  const firewall = managed(false);
  const [finding, ...more] = await look("connected", { firewall });
  assertEquals(more, []);
  assert(finding !== undefined && finding.severity === "info");
  assertStringIncludes(finding.message, "a worker reaches the server itself at 127.0.0.1:");
  assertStringIncludes(finding.message, "serve does that before any worker starts");
  assertStringIncludes(finding.fix.text, "blockyard firewall apply");
  assertEquals(firewall.asked, 1);
});

for (const result of ["connected", "refused"] as const) {
  Deno.test(`rules that cannot be set are an error where all is ${result}`, SANE, async () => {
    const [finding, ...more] = await look(result, { firewall: managed(false, PROBLEM) });
    assert(finding !== undefined && finding.severity === "error");
    assertEquals(
      finding.message,
      `serve will not start with firewall.mode managed: ${PROBLEM}`,
    );
    assertStringIncludes(finding.fix.text, "Repair what the message names");
    assertEquals(more.map(({ severity }) => severity), [
      result === "connected" ? "warning" : "ok",
    ]);
  });
}

Deno.test("what is reached in spite of rules stays as bad as it is", SANE, async () => {
  const firewall = managed(true, PROBLEM);
  const [finding, ...more] = await look("connected", { firewall });
  assertEquals(more, []);
  assert(finding !== undefined && finding.severity === "warning");
  assertEquals(finding.fix.kind, "advice");
  assertStringIncludes(finding.fix.text, 'by "nft list tables" whether');
  assertEquals((await look("refused", { firewall })).map(({ severity }) => severity), ["ok"]);
  assertEquals(firewall.asked, 0, "the rules are there, whatever is in the way");
});

Deno.test("an ordinary user is told what to do in place of a managed firewall", SANE, async () => {
  const config = loadConfig({
    env: { BLOCKYARD_FIREWALL_MODE: "managed" },
    isRoot: true,
    readFile: () => "",
  });
  await assertRejects(
    () => openServerFirewall(config, { isRoot: false }),
    Error,
    'the rules that "blockyard firewall show" prints',
  );
  const identity = { uid: toUid(1000), gid: toGid(1000), groups: [], isRoot: false };
  const [finding] = await look("refused", { identity, firewall: managed(false, "not root") });
  assert(finding !== undefined && finding.severity === "error");
  assertEquals(finding.fix.text, "Set firewall.mode to off, or run the server as root");
});
