import { loadConfig } from "#src/config/mod.ts";
import { toGid, toUid } from "#src/core/mod.ts";
import type { Finding, PreflightHost, ProgramResult, SandboxTrial } from "#src/preflight/mod.ts";
import { cloudMetadata } from "#src/preflight/cloud_metadata.ts";
import { silentServices } from "#src/preflight/egress_findings.ts";
import { egressScript, METADATA_RULE, serviceRule } from "#src/preflight/egress_rules.ts";
import { standInForServer } from "#src/preflight/server_stand_in.ts";
import { configuredServices, locateService } from "#src/preflight/services.ts";
import { workerEgress } from "#src/preflight/worker_egress.ts";
import { type ProbeResult, targetText } from "#src/probe/mod.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { fakeHost } from "./fake_host.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };
const QUIET = { BLOCKYARD_PROCESS_SKIP_METADATA_CHECK: "true" };

function configOf(env: Record<string, string>): PreflightHost["config"] {
  return loadConfig({ env, isRoot: true, readFile: () => "" });
}

/** A host on which a probe answers for each target what `answer` says. */
function probing(
  answer: (target: string) => string | undefined,
  { port, ...overrides }: Partial<PreflightHost> & { port: number },
): PreflightHost {
  const run = ({ command }: SandboxTrial): Promise<ProgramResult> => {
    const lines = command.flatMap((arg, i) => {
      const isTarget = ["--tcp", "--unix"].includes(command[i - 1] ?? "");
      return isTarget ? [answer(arg) ?? ""] : [];
    });
    return Promise.resolve({ code: 1, stdout: `${lines.join("\n")}\n`, stderr: "" });
  };
  const canDisableUserns = () => Promise.resolve(true);
  return fakeHost({
    config: configOf({ ...QUIET, BLOCKYARD_SERVER_BIND: `127.0.0.1:${port}` }),
    sandboxes: { ...fakeHost().sandboxes, run, canDisableUserns },
    ...overrides,
  });
}

const line = (result: string) => (target: string) => JSON.stringify({ target, result });

async function look(host: PreflightHost): Promise<readonly Finding[]> {
  return [await workerEgress.run(host)].flat();
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const NOT_KNOWN: readonly [what: string, answer: (target: string) => string | undefined][] = [
  ["says nothing", () => undefined],
  ["writes no JSON", () => "/bin/sh: not found"],
  ["writes another form", () => '{"result":"refused"}'],
  ["writes an unknown result", line("maybe")],
  ["speaks of another target", () => line("refused")("127.0.0.1:1")],
  ["could not try", line("error")],
];
for (const [what, answer] of NOT_KNOWN) {
  Deno.test(`a probe that ${what} is a warning`, SANE, async () => {
    const found = await look(probing(answer, { port: freePort() }));
    assertEquals(found.map(({ severity }) => severity), ["warning"]);
    assertStringIncludes(found[0]?.message ?? "", "could not be found out");
  });
}

Deno.test("workers are probed without a network when none of them has one", SANE, async () => {
  const port = freePort();
  for (
    const [network, more] of [["none", ""], ["host", ", b: {path: /b, network: host}"]] as const
  ) {
    const networks: unknown[] = [];
    const config = loadConfig({
      path: "/etc/blockyard.yaml",
      env: {
        ...QUIET,
        BLOCKYARD_SERVER_BIND: `127.0.0.1:${port}`,
        BLOCKYARD_PROCESS_NETWORK: "none",
      },
      isRoot: true,
      readFile: () => `apps: {a: {path: /a}${more}}`,
    });
    const host = probing(line("refused"), { port, config });
    const run: PreflightHost["sandboxes"]["run"] = (trial) => {
      networks.push(trial.network);
      return host.sandboxes.run(trial);
    };
    const [finding] = await look({ ...host, sandboxes: { ...host.sandboxes, run } });
    assertEquals([finding?.severity, networks], ["ok", [network]]);
  }
});

Deno.test("a host without sandboxes is a warning", SANE, async () => {
  const env = { ...QUIET, BLOCKYARD_SERVER_BIND: `127.0.0.1:${freePort()}` };
  const [finding] = await look(fakeHost({ config: configOf(env) }));
  assertEquals(finding?.severity, "warning");
  assertStringIncludes(finding?.message ?? "", "this host runs nothing");
});

Deno.test("a server that runs already is probed as it is", SANE, async () => {
  using running = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = running.addr;
  const [finding] = await look(probing(line("refused"), { port }));
  assertEquals(finding?.severity, "ok");
  const asked: (readonly string[])[] = [];
  const [open] = await look(probing(line("connected"), {
    port,
    findProgram: () => Promise.resolve("/usr/sbin/nft"),
    runProgram: (command) => {
      asked.push(command);
      return Promise.resolve({ code: 0, stdout: "", stderr: "" });
    },
  }));
  assert(open !== undefined && open.severity === "warning");
  assertStringIncludes(open.message, "; with firewall.mode: managed, the server would");
  assertEquals(open.fix.kind, "command");
  assertStringIncludes(open.fix.text, `ip daddr 127.0.0.1 tcp dport ${port} reject`);
  // The kernel has seen what the command asks for.
  assertEquals(asked.map((command) => command.slice(0, 2)), [["/usr/sbin/nft", "-c"]]);
  assertEquals(open.fix.text, `nft '${asked[0]?.[2]}'`);
});

Deno.test("a command that the kernel refuses is no fix", SANE, async () => {
  const said = "Error: Could not process rule: Operation not permitted\nadd table inet t\n^^^\n";
  for (
    const [runProgram, reason] of [
      [() => Promise.resolve({ code: 1, stdout: "", stderr: said }), said.split("\n")[0] ?? ""],
      [() => Promise.reject(new Error("nft cannot be started")), "nft cannot be started"],
    ] as const
  ) {
    const findProgram = () => Promise.resolve("/usr/sbin/nft");
    const host = probing(line("connected"), { port: freePort(), findProgram, runProgram });
    const [open] = await look(host);
    assert(open !== undefined && open.severity === "warning");
    assertEquals(open.fix.kind, "advice");
    assertStringIncludes(open.fix.text, "process.network: none");
    assertStringIncludes(open.fix.text, reason);
    assert(!open.message.includes("managed"), open.message);
  }
});

Deno.test(
  "a server that takes any port is tried at one, and no rule is offered for it",
  SANE,
  async () => {
    const asked: string[] = [];
    const answer = (result: string) => (target: string) => {
      asked.push(target);
      return line(result)(target);
    };
    const [open, ...more] = await look(probing(answer("connected"), { port: 0 }));
    assertEquals(more, []);
    assert(open !== undefined && open.severity === "warning");
    assertEquals(
      open.message,
      "a worker reaches the server itself at 127.0.0.1, whatever port it gets",
    );
    assertEquals(open.fix.kind, "advice");
    assertStringIncludes(open.fix.text, "firewall.mode: managed");
    assertEquals((await look(probing(answer("refused"), { port: 0 })))[0]?.severity, "ok");
    assertEquals(asked.length, 2);
    for (const target of asked) assert(/^127\.0\.0\.1:[1-9]\d*$/.test(target), target);
  },
);

Deno.test("a server that listens everywhere is looked for at all own addresses", SANE, async () => {
  const own = Deno.networkInterfaces().map(({ address }) => address)
    .filter((address) => !/^(?:127\.|::1$|fe80:)/.test(address));
  for (const [hostname, family] of [["0.0.0.0", 4], ["::", 6], ["0::0", 6]] as const) {
    const target = { kind: "tcp", hostname, port: 8080 } as const;
    const { targets } = await locateService({ kind: "server", target });
    const others = own.filter((address) => family === 6 || !address.includes(":")).slice(0, 16);
    assertEquals(
      targets.map((it) => it.kind === "tcp" && it.hostname),
      [...family === 6 ? ["::1"] : [], "127.0.0.1", ...new Set(others)],
    );
    const redis = await locateService({ kind: "redis", target });
    assertEquals(redis.targets.length, 1, "to a client, it means loopback");
  }
});

Deno.test("a service that answers at one address need not answer at the others", SANE, () => {
  const names = ["127.0.0.1", "::1"];
  const targets = names.map((hostname) => ({ kind: "tcp", hostname, port: 1 }) as const);
  const target = { kind: "tcp", hostname: "localhost", port: 1 } as const;
  using standIn = standInForServer({ hostname: "127.0.0.1", port: 0 });
  type Results = readonly [ProbeResult, ProbeResult];
  const judge = (inside: Results, outside: Results) => {
    const outcomes = (results: Results) =>
      new Map(targets.map((it, index) => {
        const outcome = { target: targetText(it), result: results[index] ?? "error" };
        return [outcome.target, outcome] as const;
      }));
    const services = [{ kind: "redis", target, targets }] as const;
    return silentServices(services, {
      inside: outcomes(inside),
      outside: outcomes(outside),
      standIn,
    }).map(({ message }) => message.replace(/.*found out: /, ""));
  };
  assertEquals(judge(["refused", "refused"], ["connected", "refused"]), []);
  assertEquals(judge(["timeout", "unreachable"], ["connected", "unreachable"]), []);
  assertEquals(judge(["connected", "refused"], ["refused", "refused"]), []);
  // It may be there, and only be silent at the moment.
  const silent = "the server itself does not reach [::1]:1";
  assertEquals(judge(["refused", "timeout"], ["connected", "timeout"]), [silent]);
  const away = "Redis at localhost:1 does not answer the server either";
  assertEquals(judge(["refused", "refused"], ["refused", "refused"]), [away]);
  assertEquals(judge(["refused", "timeout"], ["timeout", "timeout"]), [away]);
});

Deno.test("without nft, and without root, the fix is advice", SANE, async () => {
  const [bare] = await look(probing(line("connected"), { port: freePort() }));
  assert(bare !== undefined && bare.severity !== "ok");
  assertEquals(bare.fix.kind, "advice");
  assertStringIncludes(bare.fix.text, "Install nftables");
  const identity = { uid: toUid(1000), gid: toGid(1000), groups: [], isRoot: false };
  const [user] = await look(probing(line("connected"), { port: freePort(), identity }));
  assert(user !== undefined && user.severity !== "ok");
  assertEquals(user.fix.kind, "advice");
  assert(!user.fix.text.includes("nft"));
});

Deno.test("the rules are one line that names uids, addresses and ports", SANE, () => {
  const uids = { start: 2000, end: 2999 };
  const metadata = egressScript([METADATA_RULE], uids);
  assert(!/[\n']/.test(metadata));
  // Connection tracking has one table for the whole host, which a worker could fill.
  assert(!metadata.includes("ct state"));
  assertStringIncludes(metadata, "meta skuid 2000-2999 ip6 daddr { fd00:ec2::254, fd20:ce::254, ");
  const target = { kind: "tcp", hostname: "0.0.0.0", port: 8080 } as const;
  const rule = serviceRule("server", [target], { everyAddress: true });
  assertEquals(rule.matches, ["fib daddr type local tcp dport 8080"]);
});

const RULE_ADDRESSES: readonly [address: string, match: string][] = [
  ["192.0.2.7", "ip daddr 192.0.2.7"],
  ["2001:DB8:0::1", "ip6 daddr 2001:db8::1"],
  // Packets to it are those of IPv4.
  ["::ffff:192.0.2.7", "ip daddr 192.0.2.7"],
  ["fe80::7%eth0", "ip6 daddr fe80::7"],
];
for (const [hostname, match] of RULE_ADDRESSES) {
  Deno.test(`${hostname} is matched as packets have it`, SANE, () => {
    const target = { kind: "tcp", hostname, port: 5432 } as const;
    const { matches } = serviceRule("database", [target, target], { everyAddress: false });
    assertEquals(matches, [`${match} tcp dport 5432`]);
  });
}

const STORES: readonly [variable: string, url: string, target: string][] = [
  ["REDIS_URL", "redis://u:s3cret@cache.example.org", "cache.example.org:6379"],
  ["REDIS_URL", "rediss://[::1]:7000/2", "[::1]:7000"],
  ["REDIS_URL", "redis+unix://u:s3cret@/run/my%20redis.sock?db=1", "/run/my redis.sock"],
  ["DATABASE_URL", "postgresql://u:s3cret@db.example.org/d", "db.example.org:5432"],
  ["DATABASE_URL", "postgres://u@[fd00::1]:5433/d", "[fd00::1]:5433"],
  ["DATABASE_URL", "postgresql://u@/d?host=/run/postgresql", "/run/postgresql/.s.PGSQL.5432"],
  ["DATABASE_URL", "postgresql://u@%2Frun%2Fpg:5433/d", "/run/pg/.s.PGSQL.5433"],
];
for (const [variable, url, target] of STORES) {
  Deno.test(`the service of ${url} is at ${target}`, SANE, () => {
    const env: Record<string, string> = { [`BLOCKYARD_${variable}`]: url };
    if (variable === "DATABASE_URL") env["BLOCKYARD_DATABASE_DRIVER"] = "postgres";
    const [service] = configuredServices(configOf(env));
    assertEquals(service && targetText(service.target), target);
  });
}

Deno.test("where the URL of a database names no port, the driver's variable does", SANE, () => {
  const portOf = (url: string) => {
    const config = configOf({ BLOCKYARD_DATABASE_DRIVER: "postgres", BLOCKYARD_DATABASE_URL: url });
    const get = (name: string) => name === "PGPORT" ? "6432" : undefined;
    const [service] = configuredServices(config, { get });
    return service && targetText(service.target);
  };
  assertEquals(portOf("postgresql://u@db/d"), "db:6432");
  assertEquals(portOf("postgresql://u@db:5433/d"), "db:5433");
  assertEquals(portOf("postgresql://u@/d?host=/run/pg"), "/run/pg/.s.PGSQL.6432");
});

Deno.test("metadata is left alone where the configuration says so", SANE, async () => {
  const [finding] = [await cloudMetadata.run(fakeHost({ config: configOf(QUIET) }))].flat();
  assert(finding !== undefined && finding.severity === "info");
  assertEquals(finding.fix.text, "process.skip_metadata_check: false");
  const asked: string[] = [];
  const note = (target: string) => {
    asked.push(target);
    return line("refused")(target);
  };
  const port = freePort();
  await look(probing(note, { port }));
  assertEquals(asked, [`127.0.0.1:${port}`]);
});
