import { appDefaults, type Config, loadConfig } from "#src/config/mod.ts";
import { toAppName, toGid, toPort, toUid } from "#src/core/mod.ts";
import { assert, assertEquals, assertThrows } from "#tests/support/assert.ts";
import { inApp, inSection, load, problemsOf } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const DEFAULTS: Config = {
  server: {
    bind: { hostname: "127.0.0.1", port: 8080 },
    dataDir: "/var/lib/blockyard",
    adminTokenFile: undefined,
    defaultMemoryBytes: 0,
    defaultCpuCores: 0,
    defaultPidsLimit: 256,
    shutdownTimeoutMs: 30_000,
    logLevel: "info",
    trustedProxies: [],
  },
  process: {
    bwrapPath: "bwrap",
    rPath: "R",
    rigBase: "/opt/R",
    portRangeStart: toPort(10_000),
    portRangeEnd: toPort(10_999),
    workerUidRangeStart: toUid(1_900_000_000),
    workerUidRangeEnd: toUid(1_900_000_999),
    workerGid: toGid(1_900_000_000),
    standbyLaunchers: 1,
    seccompProfile: { kind: "default" },
    network: "host",
    skipMetadataCheck: false,
  },
  firewall: { mode: "off", deny: [] },
  proxy: {
    sessionIdleTtlMs: 3_600_000,
    idleWorkerTimeoutMs: 300_000,
    workerStartTimeoutMs: 60_000,
    healthIntervalMs: 10_000,
    maxWorkers: 100,
  },
  store: { kind: "memory" },
  apps: [],
  hasDemo: false,
};

const APP_DEFAULTS = {
  rVersion: "",
  maxSessionsPerWorker: 1,
  maxWorkers: 10,
  warmWorkers: 0,
  memoryBytes: 0,
  cpuCores: 0,
  env: {},
  mounts: [],
};

for (
  const [what, text] of [
    ["an empty file", ""],
    ["a file of comments", "# nothing\n---\n# here\n"],
    [
      "sections without keys",
      "server:\nprocess:\nfirewall:\nproxy: {}\ndatabase:\nredis:\napps:\n",
    ],
  ] as const
) {
  Deno.test(`loadConfig() gives every key its default for ${what}`, SANE, () => {
    assertEquals(load(text), DEFAULTS);
  });
}

Deno.test("loadConfig() needs no file and then reads none", SANE, () => {
  const readFile = () => {
    throw new Error("read a file");
  };
  assertEquals(loadConfig({ env: {}, isRoot: true, readFile }), DEFAULTS);
});

Deno.test("loadConfig() reads every key of a full file", SANE, () => {
  const path = new URL("../../testdata/config/full.yaml", import.meta.url).pathname;
  const text = Deno.readTextFileSync(path);
  const env = { API_TOKEN: "s3cret", RETRIES: "010", VERBOSE: "true", EMPTY: "" };
  assertEquals<Config>(load(text), {
    server: {
      bind: { hostname: "::1", port: 9090 },
      dataDir: "/srv/blockyard",
      adminTokenFile: "/etc/blockyard.token",
      defaultMemoryBytes: 1_073_741_824,
      defaultCpuCores: 1.5,
      defaultPidsLimit: 512,
      shutdownTimeoutMs: 60_000,
      logLevel: "debug",
      trustedProxies: ["10.0.0.0/8", "fd00::/8"],
    },
    process: {
      bwrapPath: "/usr/local/bin/bwrap",
      rPath: "/usr/local/bin/R",
      rigBase: "/usr/local/R",
      portRangeStart: toPort(20_000),
      portRangeEnd: toPort(20_999),
      workerUidRangeStart: toUid(2_000_000_000),
      workerUidRangeEnd: toUid(2_000_000_499),
      workerGid: toGid(2_000_000_000),
      standbyLaunchers: 0,
      seccompProfile: { kind: "file", path: "/etc/blockyard.bpf" },
      network: "none",
      skipMetadataCheck: true,
    },
    firewall: {
      mode: "managed",
      deny: [
        { kind: "range", range: { family: 4, address: "10.0.0.0", prefix: 8 }, port: undefined },
        { kind: "range", range: { family: 6, address: "fd00::1", prefix: 128 }, port: undefined },
        { kind: "range", range: { family: 6, address: "fd00::2", prefix: 128 }, port: 443 },
        { kind: "name", hostname: "db.internal", port: 5432 },
      ],
    },
    proxy: {
      sessionIdleTtlMs: 7_200_000,
      idleWorkerTimeoutMs: 90_000,
      workerStartTimeoutMs: 500,
      healthIntervalMs: 1500,
      maxWorkers: 50,
    },
    store: {
      kind: "layered",
      redis: { url: "rediss://worker:p%40ss@cache.example.org:6380/2", keyPrefix: "yard:" },
      database: { url: "postgresql://yard:p%40ss@db.example.org:5433/yard" },
    },
    apps: [
      {
        name: toAppName("hello"),
        path: "/etc/hello",
        cmd: ["Rscript", "app.R", "--port", "{port}", "007", "true"],
        network: "host",
        rVersion: "4.10",
        maxSessionsPerWorker: 5,
        maxWorkers: 3,
        warmWorkers: 2,
        memoryBytes: 536_870_912,
        cpuCores: 0.25,
        env,
        mounts: [
          { source: "/srv/data", target: "/data", readOnly: true },
          { source: "/srv/scratch", target: "/scratch", readOnly: false },
        ],
      },
      {
        ...APP_DEFAULTS,
        network: "none",
        name: toAppName("Dashboard.v2"),
        path: "/srv/dashboard",
        env,
      },
      { ...APP_DEFAULTS, network: "none", name: toAppName("empty"), path: "/etc" },
    ],
    hasDemo: false,
  });
});

for (const [written, version] of [["4.10", "4.10"], ['"4.4.2"', "4.4.2"], ["4", "4"], ['""', ""]]) {
  Deno.test(`loadConfig() takes r_version ${written} as it is written`, SANE, () => {
    assertEquals(load(inApp(`r_version: ${written}`)).apps[0]?.rVersion, version);
  });
}

Deno.test(
  "loadConfig() finds an app beside a file that is named relative to the folder",
  SANE,
  () => {
    const text = "apps: {a: {path: x}}";
    const relative = load(text, { path: "conf/c.yaml", cwd: "/home/me" });
    assertEquals(relative.apps[0]?.path, "/home/me/conf/x");
    assertEquals(load(text, { path: "c.yaml" }).apps[0]?.path, `${Deno.cwd()}/x`);
  },
);

for (
  const bind of [
    "localhost:1",
    "0.0.0.0:65535",
    "[::]:0",
    "a-b.example.org:443",
    "[::ffff:1.2.3.4]:80",
  ]
) {
  Deno.test(`loadConfig() listens on ${bind}`, SANE, () => {
    const { hostname, port } = load(inSection("server", `bind: "${bind}"`)).server.bind;
    assertEquals(hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`, bind);
  });
}

for (
  const [what, env, dataDir] of [
    ["XDG_STATE_HOME", { XDG_STATE_HOME: "/s", HOME: "/h" }, "/s/blockyard"],
    ["HOME without XDG_STATE_HOME", { HOME: "/h" }, "/h/.local/state/blockyard"],
    [
      "HOME when XDG_STATE_HOME is relative",
      { XDG_STATE_HOME: "s", HOME: "/h" },
      "/h/.local/state/blockyard",
    ],
    [
      "HOME when XDG_STATE_HOME is empty",
      { XDG_STATE_HOME: "", HOME: "/h" },
      "/h/.local/state/blockyard",
    ],
  ] as const
) {
  Deno.test(`loadConfig() keeps an ordinary user's data below ${what}`, SANE, () => {
    assertEquals(load("", { isRoot: false, env }).server.dataDir, dataDir);
  });
}

Deno.test("loadConfig() needs no home for a data_dir that is set", SANE, () => {
  const config = load(inSection("server", "data_dir: /d"), { isRoot: false });
  assertEquals(config.server.dataDir, "/d");
});

Deno.test("loadConfig() does not ask for a home when a bad data_dir is the problem", SANE, () => {
  const problems = problemsOf(inSection("server", "data_dir: d"), { isRoot: false });
  assertEquals(problems.length, 1);
});

Deno.test("a configuration cannot be changed at any depth", SANE, () => {
  const config = load(inApp("cmd: [R]\nenv: {A: b}\nmounts: [{source: /x, target: /d}]"));
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    assert(Object.isFrozen(value), `not frozen: ${JSON.stringify(value)}`);
    Object.values(value).forEach(walk);
  };
  walk(config);
  walk(appDefaults);
  assertThrows(() => Object.assign(config.server, { dataDir: "/x" }), TypeError);
});

Deno.test("appDefaults is what an app of the file gets that says nothing", SANE, () => {
  assertEquals(appDefaults, APP_DEFAULTS);
  const { name: _name, path: _path, ...settings } = load(inApp("")).apps[0] ?? {};
  assertEquals<unknown>(settings, { ...appDefaults, network: DEFAULTS.process.network });
});
