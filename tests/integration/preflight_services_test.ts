/** What workers reach of services in all sorts of places, each test in a network of its own. */
import { locateGroup, openWorkerGroups, readCgroupView } from "#src/cgroup/mod.ts";
import { loadConfig } from "#src/config/mod.ts";
import { cloudMetadata } from "#src/preflight/cloud_metadata.ts";
import { METADATA_TARGETS } from "#src/preflight/metadata_services.ts";
import type { Check, Finding, PreflightHost } from "#src/preflight/mod.ts";
import { redisAuth } from "#src/preflight/redis_auth.ts";
import { workerEgress } from "#src/preflight/worker_egress.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import { shellWord } from "#src/shell_word.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { namespaceCases } from "#tests/support/namespace_cases.ts";
import { needs } from "#tests/support/needs.ts";
import { type Env, fix, severities, shell } from "#tests/support/preflight_cases.ts";
import { REDIS_PROGRAMS, RedisServer } from "#tests/support/redis_server.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({
  root: true,
  files: [
    ...["/usr/bin/bwrap", "/usr/bin/bash", "/usr/bin/unshare", "/usr/sbin/ip", "/usr/sbin/nft"],
    ...REDIS_PROGRAMS,
  ],
});

const FIRST_UID = 1_951_000_000 + (Deno.pid % 400) * 1000;
const LAST_UID = FIRST_UID + 999;
const GID = 1_951_000_000;
const QUIET = { PROCESS_SKIP_METADATA_CHECK: "true" };

interface Scene {
  /** The configuration, without the prefix that all variables have. */
  readonly env?: Env;
  readonly apps?: Readonly<Record<string, unknown>>;
  readonly check?: Check;
  readonly overrides?: Partial<PreflightHost>;
}

async function look(
  { env = {}, apps = {}, check = workerEgress, overrides = {} }: Scene = {},
): Promise<readonly Finding[]> {
  const all = {
    SERVER_BIND: "127.0.0.1:8099",
    PROCESS_WORKER_UID_RANGE_START: String(FIRST_UID),
    PROCESS_WORKER_UID_RANGE_END: String(LAST_UID),
    PROCESS_WORKER_GID: String(GID),
    ...env,
  };
  const config = loadConfig({
    path: "/etc/blockyard.yaml",
    isRoot: true,
    readFile: () => JSON.stringify({ apps }),
    env: Object.fromEntries(Object.entries(all).map(([key, it]) => [`BLOCKYARD_${key}`, it])),
  });
  await using opened = openPreflightHost(config, { configPath: undefined });
  return [await check.run({ ...opened.host, ...overrides })].flat();
}

/** Holds that there is one warning, runs its command, and holds that all is well then. */
async function isMended(scene: Scene, message: string): Promise<void> {
  const [finding, ...more] = await look(scene);
  assertEquals(more, []);
  assertStringIncludes(finding?.message ?? "", message);
  await fix(finding, "warning");
  assertEquals(severities(await look(scene)), ["ok"]);
}

async function isNotKnown(scene: Scene, message: string): Promise<void> {
  const [finding, ...more] = await look(scene);
  assertEquals([finding?.severity, more], ["warning", []], finding?.message);
  assertStringIncludes(finding?.message ?? "", "could not be found out");
  assertStringIncludes(finding?.message ?? "", message);
}

const listen = (hostname: string, port: number) => Deno.listen({ hostname, port });

/** Makes addresses of this host's own out of any. */
const own = (...addresses: readonly string[]) =>
  shell(
    addresses.map((address) =>
      `ip addr add ${address} dev lo${address.includes(":") ? " nodad" : ""}`
    ).join(" && "),
  );

namespaceCases(import.meta.url, root, {
  async "the same rules keep a worker out and let it in again, and never a sandbox without the launcher"() {
    await own("169.254.169.254");
    using _metadata = listen("169.254.169.254", 80);
    using _redis = listen("127.0.0.1", 6399);
    const env = { REDIS_URL: "redis://127.0.0.1:6399" };
    const open = await look({ env });
    assertEquals(severities(open), ["error", "warning"]);
    await fix(open[0], "error");
    await fix(open[1], "warning");
    const rules = await listing();
    assertEquals(severities(await look({ env })), ["ok"]);

    // bwrap alone, started by root, stays uid 0 for the host whatever --uid says.
    const ids = `--unshare-user --uid ${FIRST_UID} --gid ${GID}`;
    for (const place of ["169.254.169.254/80", "127.0.0.1/6399"]) {
      await shell(`bwrap ${ids} --ro-bind / / --dev /dev bash -c 'exec 3<>/dev/tcp/${place}'`);
    }
    assertEquals(await listing(), rules, "the rules are the same for both");

    await shell("nft delete table inet blockyard_egress");
    assertEquals(severities(await look({ env })), ["error", "warning"]);
  },

  async "a rule for the group of workers keeps them out, since they are tried from it"() {
    const groups = await openWorkerGroups({
      roots: { proc: "/proc" },
      isRoot: true,
      handsDown: false,
    });
    const { mount } = await readCgroupView({ proc: "/proc" });
    assert(groups.kind !== "none" && mount !== undefined, "the host has cgroup v2");
    const { path, level } = locateGroup(mount, groups.folder);
    // Where nft looks for groups, for this command alone.
    const nft = "mount -t cgroup2 none /sys/fs/cgroup && nft 'add table inet t; " +
      "add chain inet t o { type filter hook output priority 0; }; " +
      `add rule inet t o socket cgroupv2 level ${level} "${path}" tcp dport 8099 ` +
      "tcp flags & (syn | ack) == syn reject'";
    assertEquals(severities(await look({ env: QUIET })), ["warning"]);
    await shell(`unshare --mount sh -c ${shellWord(nft)}`);
    assertEquals(severities(await look({ env: QUIET })), ["ok"]);
    await shell("nft delete table inet t");
    assertEquals(severities(await look({ env: QUIET })), ["warning"]);
  },

  async "a server that listens everywhere is kept from workers at every own address"() {
    await own("10.77.0.1/32", "fd77::1/128");
    for (const bind of ["0.0.0.0:8099", "[::]:8099"]) {
      const env = { ...QUIET, SERVER_BIND: bind };
      await shell(
        "nft 'add table inet t; add chain inet t o { type filter hook output priority 0; }; " +
          `add rule inet t o meta skuid ${FIRST_UID}-${LAST_UID} oifname lo ` +
          "ip daddr 127.0.0.1 tcp dport 8099 reject'",
      );
      await isMended({ env }, `a worker reaches the server itself at ${bind}`);
      await shell("nft delete table inet t && nft delete table inet blockyard_egress");
    }
  },

  async "a database whose address is IPv4 in the clothes of IPv6 is kept from workers"() {
    await own("10.77.0.2/32");
    using _database = listen("10.77.0.2", 5432);
    const env = {
      ...QUIET,
      DATABASE_DRIVER: "postgres",
      DATABASE_URL: "postgresql://u:s3cret@[::ffff:10.77.0.2]/d",
    };
    const [finding] = await look({ env });
    await fix(finding, "warning");
    assertStringIncludes(finding?.message ?? "", "the database at [::ffff:a4d:2]:5432");
    assertEquals(severities(await look({ env })), ["ok"]);
  },

  async "a service that NAT of the host leads elsewhere is kept from workers"() {
    await own("10.77.0.9/32");
    using _redis = listen("127.0.0.1", 6380);
    await shell(
      "nft 'add table ip n; add chain ip n o { type nat hook output priority -100; }; " +
        "add rule ip n o ip daddr 10.77.0.9 tcp dport 6379 dnat to 127.0.0.1:6380'",
    );
    const scene = { env: { ...QUIET, REDIS_URL: "redis://10.77.0.9" } };
    await isMended(scene, "Redis at 10.77.0.9:6379");
  },

  async "answers that never come are waited for all at once"() {
    const addresses = METADATA_TARGETS.flatMap((it) => it.kind === "tcp" ? [it.hostname] : []);
    await own(...new Set(addresses));
    using _redis = listen("127.0.0.1", 6399);
    using _database = listen("::1", 5432);
    await shell(
      "nft 'add table inet t; add chain inet t o { type filter hook output priority 0; }; " +
        `add rule inet t o meta skuid ${FIRST_UID}-${LAST_UID} tcp flags syn drop'`,
    );
    // One after the other, they would take longer than a sandbox of the preflight may.
    const [finding, ...more] = await look({
      env: {
        REDIS_URL: "redis://127.0.0.1:6399",
        DATABASE_DRIVER: "postgres",
        DATABASE_URL: "postgresql://u@[::1]/d",
      },
    });
    assertEquals([finding?.severity, more], ["ok", []], finding?.message);
    const silent = finding?.message.match(/\(no answer\)/g)?.length;
    assertEquals(silent, METADATA_TARGETS.length + 3, finding?.message);
  },

  async "a route into nowhere is told from a connection that could not be tried"() {
    await shell("ip route add blackhole 169.254.169.254");
    const [closed] = await look({ check: cloudMetadata });
    assertEquals(closed?.severity, "ok", closed?.message);
    const found = await look();
    assertStringIncludes(found[0]?.message ?? "", "the server itself at 127.0.0.1:8099");
    await fix(found[0], "warning");
    const [ok] = await look();
    assertEquals(ok?.severity, "ok");
    assertStringIncludes(ok?.message ?? "", "169.254.169.254:80 (unreachable)");

    // Without a port to connect from, nothing can be said.
    await shell("ip route del blackhole 169.254.169.254");
    await own("169.254.169.254");
    await Deno.writeTextFile("/proc/sys/net/ipv4/ip_local_reserved_ports", "61000");
    await Deno.writeTextFile("/proc/sys/net/ipv4/ip_local_port_range", "61000 61000");
    const reason = "169.254.169.254:80 (Cannot assign requested address";
    await isNotKnown({ check: cloudMetadata }, reason);
    const unknown = await look();
    assert(unknown.every(({ severity }) => severity === "warning"));
    assert(unknown.some(({ message }) => message.includes(`a worker could not try ${reason}`)));
  },

  async "a probe that is killed, or says something else, is a warning"() {
    const ending = (...command: readonly string[]) => ({
      selfInSandbox: () => Promise.resolve({ command, shown: [], env: {} }),
    });
    const killed = ending("/bin/sh", "-c", "kill -KILL $$");
    await isNotKnown({ overrides: killed }, "the probe ended with code 137");
    await isNotKnown(
      { overrides: ending("/bin/echo", "hello") },
      "the probe wrote what is no JSON",
    );
  },

  async "where nothing can listen in place of the server, that is said"() {
    await isNotKnown(
      { env: { ...QUIET, SERVER_BIND: "192.0.2.1:8099" } },
      "nothing listens at 192.0.2.1:8099, and the preflight cannot: Cannot assign requested",
    );
    await isNotKnown(
      { env: { ...QUIET, SERVER_BIND: "192.0.2.1:0" } },
      "nothing can listen in place of the server: Cannot assign requested",
    );
  },

  async "a server that takes any port is tried at one"() {
    const env = { ...QUIET, SERVER_BIND: "127.0.0.1:0" };
    const [open] = await look({ env });
    assertEquals(open?.severity, "warning");
    assertStringIncludes(open?.message ?? "", "at 127.0.0.1, whatever port it gets");
    await shell(
      "nft 'add table inet t; add chain inet t o { type filter hook output priority 0; }; " +
        `add rule inet t o meta skuid ${FIRST_UID}-${LAST_UID} tcp flags syn reject'`,
    );
    assertEquals(severities(await look({ env })), ["ok"]);
  },

  async "a name that is not known is a warning, and what else is open is told all the same"() {
    const found = await look({ env: { ...QUIET, REDIS_URL: "redis://nobody.invalid:6379" } });
    assertEquals(severities(found), ["warning", "warning"]);
    assertStringIncludes(found[0]?.message ?? "", "the server itself at 127.0.0.1:8099");
    assertStringIncludes(found[1]?.message ?? "", "cannot look up nobody.invalid:6379");
  },

  async "Redis in protected mode is not called closed, since workers on its host get in"() {
    await own("10.77.0.3/32");
    await using redis = await RedisServer.start({ settings: { bind: "0.0.0.0" } });
    const [finding, ...more] = await look({
      check: redisAuth,
      env: { REDIS_URL: `redis://10.77.0.3:${redis.port}` },
    });
    assertEquals([finding?.severity, more], ["warning", []]);
    assertStringIncludes(finding?.message ?? "", "answers whoever is on its own host");
    assertEquals(await redis.cli("ping"), "PONG");
  },

  async "a socket is out of reach unless an app is shown its folder"() {
    await using folder = await tempFolder();
    await folder.folder("run", 0o755);
    const path = `${folder.path}/run/redis.sock`;
    using _redis = Deno.listen({ transport: "unix", path });
    await Deno.chmod(path, 0o777);
    await Deno.symlink("run", `${folder.path}/link`);
    const env = { ...QUIET, REDIS_URL: `unix://${folder.path}/link/redis.sock` };
    const mount = (source: string) => ({ mounts: [{ source, target: "/data", read_only: true }] });
    const apps = {
      other: { path: await folder.folder("other"), ...mount(await folder.folder("data")) },
    };
    await fix((await look({ env, apps }))[0], "warning");
    const [ok, ...more] = await look({ env, apps });
    assertEquals([ok?.severity, more], ["ok", []]);
    assertStringIncludes(ok?.message ?? "", "redis.sock (unreachable)");

    const shown = { ...apps, shown: { path: apps.other.path, ...mount(folder.path) } };
    const [open, ...others] = await look({ env, apps: shown });
    assert(open !== undefined && open.severity === "warning");
    assertEquals(others, []);
    assertEquals(
      open.message,
      `a worker of the app "shown" reaches Redis at ${folder.path}/link/redis.sock, which ` +
        "apps.shown.mounts[0] shows it",
    );
    assertEquals(open.fix.text, "Set apps.shown.mounts[0] to a folder without that socket");

    // Shown, but not for workers to open.
    await Deno.chmod(path, 0o700);
    assertEquals(severities(await look({ env, apps: shown })), ["ok"]);
  },
});

async function listing(): Promise<string> {
  const { stdout } = await new Deno.Command("nft", { args: ["list", "ruleset"] }).output();
  return new TextDecoder().decode(stdout);
}
