import type { Finding, PreflightHost, SandboxTrial } from "#src/preflight/mod.ts";
import { networkNone } from "#src/preflight/network_none.ts";
import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { configOf, look } from "./host_files.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const TITLES = "Inter-|   Receive\n face |bytes\n";
const LOOPBACK = `${TITLES}    lo:       0       0\n`;
const NONE = { env: { PROCESS_NETWORK: "none" } };
const REACHED = { "proc/77/root/run/blockyard/app.sock": "" };

/** Looks at a host whose sandboxes print this, or fail. */
async function lookAt(
  { stdout = LOOPBACK, stderr = "", fails = () => undefined, config = NONE, files = {} }: {
    stdout?: string;
    stderr?: string;
    fails?: (trial: SandboxTrial) => string | undefined;
    config?: Parameters<typeof configOf>[0];
    files?: Readonly<Record<string, string>>;
  },
): Promise<{ findings: readonly Finding[]; trials: readonly SandboxTrial[]; ends: number }> {
  const trials: SandboxTrial[] = [];
  let ends = 0;
  const run: PreflightHost["sandboxes"]["run"] = async (trial) => {
    trials.push(trial);
    const failure = fails(trial);
    if (failure !== undefined) throw new Error(failure);
    await trial.whileRunning?.({ uid: 1, gid: 1, monitorPid: 76, initPid: 77, end: () => ends++ });
    return { code: 137, stdout, stderr };
  };
  const sandboxes: PreflightHost["sandboxes"] = {
    run,
    canDisableUserns: () => Promise.resolve(true),
    landlock: () => Promise.resolve({ kind: "scoped" }),
  };
  const host = { config: configOf(config), sandboxes };
  return { findings: await look(networkNone, { files, host }), trials, ends };
}

Deno.test("nothing is tried for apps that all have the host's network", UNIT, async () => {
  const { findings, trials } = await lookAt({ config: {} });
  assertEquals(findings, [{ severity: "ok", message: "no app has network: none" }]);
  assertEquals(trials, []);
});

Deno.test("a worker that has loopback alone, and is reached, is ok", UNIT, async () => {
  for (const config of [NONE, { yaml: "apps: {a: {path: /a, network: none}}" }]) {
    const { findings, trials, ends } = await lookAt({ config, files: REACHED });
    assertEquals(findings, [{
      severity: "ok",
      message: "a worker with network: none has loopback alone, and the server reaches it",
    }]);
    assertEquals([trials.map(({ network }) => network), ends], [["none"], 1]);
  }
});

Deno.test("a worker that has a network in spite of all is an error", UNIT, async () => {
  for (
    const [stdout, seen] of [
      [`${LOOPBACK}  eth0:  5 5\nwlan0: 1\n`, "eth0, wlan0"],
      [TITLES, "no loopback"],
    ] as const
  ) {
    const { findings: [found] } = await lookAt({ stdout, files: REACHED });
    assertEquals(found?.severity, "error");
    assertEquals(
      found?.message,
      `a worker with network: none has ${seen}, want loopback alone`,
    );
  }
});

Deno.test("a socket that the server cannot come near is an error", UNIT, async () => {
  // What is in its place cannot be written to, as a socket without the right to.
  const inTheWay = { "proc/77/root/run/blockyard/app.sock/x": "" };
  const { findings: [found], ends } = await lookAt({ files: inTheWay });
  assertEquals([found?.severity, ends], ["error", 1]);
  // It may be ended before it has printed anything.
  const { findings: [early, ...more] } = await lookAt({ files: inTheWay, stdout: "" });
  assertEquals([early?.severity, more], ["error", []]);
  assertStringIncludes(
    early?.message ?? "",
    "does not reach a worker with network: none: Is a dir",
  );
  assertStringIncludes(
    found?.message ?? "",
    "does not reach a worker with network: none: Is a dir",
  );
  assertStringIncludes(JSON.stringify(found), "CAP_SYS_PTRACE and CAP_DAC_OVERRIDE");
});

Deno.test("a worker that does not say what it has is no good news, and no bad", UNIT, async () => {
  const { findings } = await lookAt({ stdout: "", stderr: "cat: killed\n", files: REACHED });
  assertEquals(findings.map(({ severity, message }) => [severity, message]), [[
    "warning",
    "which interfaces a worker with network: none has could not be found out: its program said " +
    '"cat: killed"',
  ]]);
});

Deno.test("a worker that is gone says nothing of who reaches it", UNIT, async () => {
  const { findings: [found] } = await lookAt({ stderr: "sh: cannot create\n" });
  assertEquals(found?.severity, "warning");
  assertStringIncludes(
    found?.message ?? "",
    "whether the server reaches a worker with network: none could not be found out: No such file",
  );
  assertStringIncludes(found?.message ?? "", 'its program said "sh: cannot create"');
});

Deno.test("a bwrap that cannot take the network away is an error", UNIT, async () => {
  const { findings, trials } = await lookAt({
    fails: ({ network }) => network === "none" ? "bwrap: loopback: Failed RTM_NEWADDR" : undefined,
  });
  assertEquals(findings.length, 1);
  const [found] = findings;
  assertEquals(found?.severity, "error");
  assertEquals(
    found?.message,
    "no worker with network: none can be started: bwrap: loopback: Failed RTM_NEWADDR",
  );
  assertEquals(trials.map(({ network }) => network), ["none", undefined]);
});

Deno.test("where no sandbox works nothing is said of its network", UNIT, async () => {
  const { findings } = await lookAt({ fails: () => "there is no bwrap" });
  assertEquals(findings.map(({ severity, message }) => [severity, message]), [[
    "warning",
    "whether workers can be without a network could not be found out: there is no bwrap",
  ]]);
});
