/** What workers reach is looked at from real sandboxes, under real rules of the kernel. */
import { openPreflightHost } from "#src/preflight_host.ts";
import { loadConfig } from "#src/config/mod.ts";
import type { Finding, PreflightHost } from "#src/preflight/mod.ts";
import { cloudMetadata } from "#src/preflight/cloud_metadata.ts";
import { workerEgress } from "#src/preflight/worker_egress.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";

const root = needs({
  root: true,
  files: ["/usr/bin/bwrap", "/usr/sbin/nft", "/usr/sbin/ip", "/usr/bin/unshare"],
});

/** Set in the processes that the tests start in network namespaces of their own. */
const CASE_VARIABLE = "BLOCKYARD_EGRESS_CASE";
const METADATA = ["169.254.169.254/32", "fd00:ec2::254/128"];
const REDIS_PORT = 6399;
const FIRST_UID = 1_950_000_000 + (Deno.pid % 400) * 1000;
const LAST_UID = FIRST_UID + 999;
const GID = 1_950_000_000;

type Look = () => Promise<readonly Finding[]>;
type Case = (look: Look, host: PreflightHost) => Promise<void>;

const CASES: Readonly<Record<string, Case>> = {
  async "nothing is open but what the server opens"(look, host) {
    const [finding, ...more] = await look();
    assertEquals(more, []);
    assertEquals(finding?.severity, "warning");
    assertStringIncludes(finding?.message ?? "", "the server itself at 127.0.0.1:8099");
    await fix(finding);
    const after = await look();
    assertEquals(after.map(({ severity }) => severity), ["ok"]);
    assertStringIncludes(after[0]?.message ?? "", "127.0.0.1:8099 (refused)");
    assertEquals((await cloudFinding()).severity, "ok");
    const absent = { command: ["/nonexistent"], shown: [], env: {} };
    const selfInSandbox = () => Promise.resolve(absent);
    const [unknown] = [await workerEgress.run({ ...host, selfInSandbox })].flat();
    assertEquals(unknown?.severity, "warning");
    assertStringIncludes(unknown?.message ?? "", "could not be found out: the probe ended with");
  },
  async "metadata and Redis are open until both commands have run, in any number"(look) {
    await addMetadata();
    using _redis = Deno.listen({ hostname: "127.0.0.1", port: REDIS_PORT });
    using _four = Deno.listen({ hostname: "169.254.169.254", port: 80 });
    using _six = Deno.listen({ hostname: "fd00:ec2::254", port: 80 });
    const [metadata, services, ...more] = await look();
    assertEquals(more, []);
    assertEquals([metadata?.severity, services?.severity], ["error", "warning"]);
    assertStringIncludes(metadata?.message ?? "", "169.254.169.254:80, [fd00:ec2::254]:80");
    assertStringIncludes(services?.message ?? "", `Redis at 127.0.0.1:${REDIS_PORT}`);
    await fix(services);
    assertEquals((await look()).map(({ severity }) => severity), ["error"]);
    await fix(metadata);
    await fix(services);
    await fix(metadata);
    // A command that is run again leaves no rule behind twice.
    const rules = await run("nft", "list table inet blockyard_egress");
    assertEquals(rules.match(/meta skuid/g)?.length, 4, rules);
    assertEquals((await look()).map(({ severity }) => severity), ["ok"]);
    // Rules for workers are none for the server.
    const connection = await Deno.connect({ hostname: "169.254.169.254", port: 80 });
    connection.close();
    const direct = await cloudFinding();
    assertEquals(direct.severity, "info");
    assertStringIncludes(direct.message, "169.254.169.254:80, [fd00:ec2::254]:80");
  },
  async "a rule that drops is told from one that rejects"(look) {
    await addMetadata();
    using _redis = Deno.listen({ hostname: "127.0.0.1", port: REDIS_PORT });
    using _four = Deno.listen({ hostname: "169.254.169.254", port: 80 });
    using _six = Deno.listen({ hostname: "fd00:ec2::254", port: 80 });
    await run(
      "nft",
      "add table inet t; add chain inet t o { type filter hook output priority 0; }; " +
        `add rule inet t o meta skuid ${FIRST_UID}-${LAST_UID} ip daddr 169.254.169.254 drop; ` +
        `add rule inet t o meta skgid ${GID} ip6 daddr fd00:ec2::254 reject; ` +
        `add rule inet t o meta skgid ${GID} tcp dport { ${REDIS_PORT}, 8099 } reject`,
    );
    const [finding, ...more] = await look();
    assertEquals([finding?.severity, more.length], ["ok", 0]);
    assertStringIncludes(finding?.message ?? "", "169.254.169.254:80 (no answer)");
    assertStringIncludes(finding?.message ?? "", "[fd00:ec2::254]:80 (refused)");
    // bwrap alone, started by root, stays uid 0 for the host whatever --uid says.
    const ids = ["--unshare-user", "--uid", String(FIRST_UID), "--gid", String(GID)];
    const code = `exec 3<>/dev/tcp/169.254.169.254/80`;
    await run("bwrap", ...ids, "--ro-bind", "/", "/", "--dev", "/dev", "bash", "-c", code);
  },
  async "without a network a worker reaches nothing of what is there"(look) {
    await addMetadata();
    using _redis = Deno.listen({ hostname: "127.0.0.1", port: REDIS_PORT });
    using _four = Deno.listen({ hostname: "169.254.169.254", port: 80 });
    using _six = Deno.listen({ hostname: "fd00:ec2::254", port: 80 });
    const [finding, ...more] = await look();
    assertEquals([finding?.severity, more], ["ok", []]);
    assertStringIncludes(finding?.message ?? "", "169.254.169.254:80 (unreachable)");
    assertStringIncludes(finding?.message ?? "", `127.0.0.1:${REDIS_PORT} (refused)`);
  },
  async "a service that does not answer the server is not called blocked"(look) {
    await addMetadata();
    const found = await look();
    const unknown = found.filter(({ message }) => message.includes("could not be found out"));
    assertEquals(unknown.map(({ severity }) => severity), ["warning"]);
    assertStringIncludes(unknown[0]?.message ?? "", `127.0.0.1:${REDIS_PORT}`);
  },
};

const running = Deno.env.get(CASE_VARIABLE);
for (const [name, action] of Object.entries(CASES)) {
  Deno.test({
    ...root,
    name,
    ignore: root.ignore || (running !== undefined && running !== name),
    fn: running === undefined ? () => inNamespace(name) : () => withHost(name, action),
  });
}

/** Runs one test again in a network namespace that ends with it. */
async function inNamespace(name: string): Promise<void> {
  const file = decodeURIComponent(new URL(import.meta.url).pathname);
  const { code, stdout, stderr } = await new Deno.Command("/usr/bin/unshare", {
    args: ["-n", Deno.execPath(), "test", "-A", "--no-prompt", file],
    env: { [CASE_VARIABLE]: name, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals(code, 0, output);
  assertStringIncludes(output, "1 passed");
}

async function withHost(name: string, action: Case): Promise<void> {
  await run("ip", "link", "set", "lo", "up");
  const usesRedis = !name.startsWith("nothing");
  const config = loadConfig({
    isRoot: true,
    readFile: () => "",
    env: {
      BLOCKYARD_SERVER_BIND: "127.0.0.1:8099",
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(FIRST_UID),
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(LAST_UID),
      BLOCKYARD_PROCESS_WORKER_GID: String(GID),
      ...name.startsWith("without a network") && { BLOCKYARD_PROCESS_NETWORK: "none" },
      ...usesRedis && { BLOCKYARD_REDIS_URL: `redis://u:s3cret@127.0.0.1:${REDIS_PORT}/0` },
    },
  });
  await using opened = openPreflightHost(config, { configPath: undefined });
  await action(async () => {
    const found = [await workerEgress.run(opened.host)].flat();
    assert(!JSON.stringify(found).includes("s3cret"));
    return found;
  }, opened.host);
}

async function cloudFinding(): Promise<Finding> {
  const config = loadConfig({ isRoot: true, readFile: () => "", env: {} });
  await using opened = openPreflightHost(config, { configPath: undefined });
  const [finding] = [await cloudMetadata.run(opened.host)].flat();
  assert(finding !== undefined);
  return finding;
}

async function addMetadata(): Promise<void> {
  for (const address of METADATA) {
    await run("ip", "addr", "add", address, "dev", "lo", ...address.includes(":") ? ["nodad"] : []);
  }
}

/** Runs the command of a finding as an operator does. */
async function fix(finding: Finding | undefined): Promise<void> {
  assert(finding !== undefined && finding.severity !== "ok");
  assertEquals(finding.fix.kind, "command");
  await run("sh", "-c", finding.fix.text);
}

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
  })
    .output();
  assertEquals(code, 0, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
