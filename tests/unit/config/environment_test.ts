import { assertEquals } from "#tests/support/assert.ts";
import { inSection, load, problemsOf, type Surroundings } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const OVERRIDES: readonly [
  name: string,
  value: string,
  section: string,
  key: string,
  result: unknown,
][] = [
  ["BLOCKYARD_SERVER_BIND", "[::1]:0", "server", "bind", { hostname: "::1", port: 0 }],
  ["BLOCKYARD_SERVER_DATA_DIR", "/d", "server", "dataDir", "/d"],
  ["BLOCKYARD_SERVER_ADMIN_TOKEN_FILE", "/t", "server", "adminTokenFile", "/t"],
  ["BLOCKYARD_SERVER_DEFAULT_MEMORY_LIMIT", "64m", "server", "defaultMemoryBytes", 67_108_864],
  ["BLOCKYARD_SERVER_DEFAULT_CPU_LIMIT", "0.5", "server", "defaultCpuCores", 0.5],
  ["BLOCKYARD_SERVER_DEFAULT_PIDS_LIMIT", "99", "server", "defaultPidsLimit", 99],
  ["BLOCKYARD_SERVER_SHUTDOWN_TIMEOUT", "0s", "server", "shutdownTimeoutMs", 0],
  ["BLOCKYARD_SERVER_LOG_LEVEL", "error", "server", "logLevel", "error"],
  ["BLOCKYARD_SERVER_TRUSTED_PROXIES", "10.0.0.0/8, ::1/128", "server", "trustedProxies", [
    "10.0.0.0/8",
    "::1/128",
  ]],
  ["BLOCKYARD_PROCESS_BWRAP_PATH", "/b", "process", "bwrapPath", "/b"],
  ["BLOCKYARD_PROCESS_R_PATH", "/r", "process", "rPath", "/r"],
  ["BLOCKYARD_PROCESS_RIG_BASE", "/g", "process", "rigBase", "/g"],
  ["BLOCKYARD_PROCESS_PORT_RANGE_START", "10001", "process", "portRangeStart", 10_001],
  ["BLOCKYARD_PROCESS_PORT_RANGE_END", "0x3000", "process", "portRangeEnd", 12_288],
  [
    "BLOCKYARD_PROCESS_WORKER_UID_RANGE_START",
    "1900000001",
    "process",
    "workerUidRangeStart",
    1_900_000_001,
  ],
  [
    "BLOCKYARD_PROCESS_WORKER_UID_RANGE_END",
    "1900000998",
    "process",
    "workerUidRangeEnd",
    1_900_000_998,
  ],
  ["BLOCKYARD_PROCESS_WORKER_GID", " 7 ", "process", "workerGid", 7],
  ["BLOCKYARD_PROCESS_STANDBY_LAUNCHERS", "0", "process", "standbyLaunchers", 0],
  ["BLOCKYARD_PROCESS_NETWORK", "none", "process", "network", "none"],
  ["BLOCKYARD_PROCESS_SECCOMP_PROFILE", "/s", "process", "seccompProfile", {
    kind: "file",
    path: "/s",
  }],
  ["BLOCKYARD_PROCESS_SKIP_METADATA_CHECK", "true", "process", "skipMetadataCheck", true],
  ["BLOCKYARD_FIREWALL_MODE", "managed", "firewall", "mode", "managed"],
  ["BLOCKYARD_FIREWALL_DENY", "192.0.2.9, a.example:1", "firewall", "deny", [
    { kind: "range", range: { family: 4, address: "192.0.2.9", prefix: 32 }, port: undefined },
    { kind: "name", hostname: "a.example", port: 1 },
  ]],
  ["BLOCKYARD_PROXY_SESSION_IDLE_TTL", "2h", "proxy", "sessionIdleTtlMs", 7_200_000],
  ["BLOCKYARD_PROXY_IDLE_WORKER_TIMEOUT", "1s", "proxy", "idleWorkerTimeoutMs", 1000],
  ["BLOCKYARD_PROXY_WORKER_START_TIMEOUT", "1s", "proxy", "workerStartTimeoutMs", 1000],
  ["BLOCKYARD_PROXY_HEALTH_INTERVAL", "1s", "proxy", "healthIntervalMs", 1000],
  ["BLOCKYARD_PROXY_MAX_WORKERS", "5", "proxy", "maxWorkers", 5],
];

/** Those that make the one `store` of a configuration together, with other tests of their own. */
const STORE_VARIABLES = [
  "BLOCKYARD_PROXY_SESSION_STORE",
  "BLOCKYARD_DATABASE_DRIVER",
  "BLOCKYARD_DATABASE_URL",
  "BLOCKYARD_REDIS_URL",
  "BLOCKYARD_REDIS_KEY_PREFIX",
];
const FILE = `
server: {bind: 127.0.0.1:1, data_dir: /f, admin_token_file: /f, default_memory_limit: 32m, default_cpu_limit: 3, default_pids_limit: 3, shutdown_timeout: 3s, log_level: warn, trusted_proxies: [192.0.2.0/24]}
process: {bwrap_path: /f, r_path: /f, rig_base: /f, port_range_start: 10003, port_range_end: 10903, worker_uid_range_start: 1900000003, worker_uid_range_end: 1900000903, worker_gid: 3, seccomp_profile: /f, standby_launchers: 3}
firewall: {mode: off, deny: [192.0.2.0/24]}
proxy: {session_idle_ttl: 3s, idle_worker_timeout: 3s, worker_start_timeout: 3s, health_interval: 3s, max_workers: 3}
`;
for (const [name, value, section, key, result] of OVERRIDES) {
  Deno.test(`${name} overrides the file and the default, and nothing else`, SANE, () => {
    for (const text of ["", FILE]) {
      const want = structuredClone(load(text)) as unknown as Record<
        string,
        Record<string, unknown>
      >;
      Object.assign(want[section] ?? {}, { [key]: result });
      assertEquals<unknown>(load(text, { env: { [name]: value } }), want);
    }
  });
}

Deno.test("every key outside of apps can be set by the environment", SANE, () => {
  const sections = ["SERVER", "PROCESS", "FIREWALL", "PROXY", "DATABASE", "REDIS"];
  const known = sections.flatMap((section) => {
    const [problem = ""] = problemsOf("", { env: { [`BLOCKYARD_${section}_XXXXXXXX`]: "" } });
    const [, keys = ""] = problem.split(" and one of ");
    return keys.split(", ").map((key) => `BLOCKYARD_${section}_${key}`);
  });
  const tested = [...OVERRIDES.map(([name]) => name), ...STORE_VARIABLES];
  assertEquals(known.toSorted(), tested.toSorted());
});

Deno.test("the environment names the store, and overrides the file in that", SANE, () => {
  const file = "redis: {url: 'redis://f', key_prefix: 'f:'}\nproxy: {session_store: memory}\n";
  assertEquals(load(file).store, { kind: "memory" });
  const redis = {
    BLOCKYARD_PROXY_SESSION_STORE: "redis",
    BLOCKYARD_REDIS_URL: "redis://127.0.0.1",
    BLOCKYARD_REDIS_KEY_PREFIX: "",
  };
  const wanted = { kind: "redis", redis: { url: "redis://127.0.0.1", keyPrefix: "" } } as const;
  assertEquals(load("", { env: redis }).store, wanted);
  assertEquals(load(file, { env: redis }).store, wanted);
  const url = "postgresql://127.0.0.1/d";
  const postgres = {
    BLOCKYARD_PROXY_SESSION_STORE: "postgres",
    BLOCKYARD_DATABASE_DRIVER: "postgres",
    BLOCKYARD_DATABASE_URL: url,
  };
  assertEquals(load(file, { env: postgres }).store, { kind: "postgres", database: { url } });
});

Deno.test("--bind overrides the environment and the file", SANE, () => {
  const env = { BLOCKYARD_SERVER_BIND: "127.0.0.1:2" };
  const config = load(inSection("server", "bind: 127.0.0.1:1"), { env, bind: "127.0.0.1:3" });
  assertEquals(config.server.bind.port, 3);
});

Deno.test(
  "the network of a demo without a file gives way to a file, and to the environment",
  SANE,
  () => {
    const networkOf = (surroundings: Surroundings) =>
      load("", { demo: true, ...surroundings }).process.network;
    const env = { BLOCKYARD_PROCESS_NETWORK: "host" };
    assertEquals(networkOf({ path: undefined }), "none");
    assertEquals(networkOf({ path: undefined, env }), "host");
    assertEquals(networkOf({}), "host");
  },
);

Deno.test("an empty variable empties a list", SANE, () => {
  const env = { BLOCKYARD_SERVER_TRUSTED_PROXIES: "" };
  assertEquals(load(FILE, { env }).server.trustedProxies, []);
});

Deno.test("an override takes the place of a bad value in the file", SANE, () => {
  const env = { BLOCKYARD_SERVER_BIND: "127.0.0.1:2" };
  assertEquals(load(inSection("server", "bind: 1"), { env }).server.bind.port, 2);
});

Deno.test("variables that name no section of the file are left alone", SANE, () => {
  const env = {
    BLOCKYARD_TESTS_MUST_RUN: "1",
    BLOCKYARD_CONFIG: "x",
    BLOCKYARD_SERVER: "y",
    PATH: "z",
  };
  assertEquals(load("", { env }), load(""));
});

const REFUSED: readonly [name: string, value: string, problem: string][] = [
  ["BLOCKYARD_SERVER_BNID", "x", "is not a known variable, want BLOCKYARD_SERVER_BIND"],
  [
    "BLOCKYARD_PROXY_COLOUR",
    "x",
    "is not a known variable, want BLOCKYARD_PROXY_ and one of SESSION_STORE, SESSION_IDLE_TTL, " +
    "IDLE_WORKER_TIMEOUT, WORKER_START_TIMEOUT, HEALTH_INTERVAL, MAX_WORKERS",
  ],
  [
    "BLOCKYARD_APPS_HELLO_PATH",
    "/x",
    "apps cannot be set by the environment, want them in the file",
  ],
  ["BLOCKYARD_PROXY_MAX_WORKERS", "many", '"many" is text, want a whole number from 1 to 10000'],
  ["BLOCKYARD_PROXY_MAX_WORKERS", "", "is empty, want a whole number from 1 to 10000"],
  [
    "BLOCKYARD_SERVER_LOG_LEVEL",
    "loud",
    '"loud" is not known, want one of debug, info, warn, error',
  ],
  [
    "BLOCKYARD_PROCESS_RIG_BASE",
    "R",
    'cannot use the relative path "R": want an absolute one that starts with "/"',
  ],
  [
    "BLOCKYARD_SERVER_TRUSTED_PROXIES",
    "10.0.0.0/8,x",
    'cannot use "x" as a range of addresses: want a CIDR such as 10.0.0.0/8, fd00::/8 or, for one address, 192.0.2.7/32',
  ],
  [
    "BLOCKYARD_REDIS_URL",
    "http://user:s3cret@h",
    "cannot use this as the URL of Redis: its scheme is none of redis, rediss, redis+unix and " +
    "unix, want a URL such as redis://127.0.0.1:6379",
  ],
  [
    "BLOCKYARD_DATABASE_URL",
    "postgresql://127.0.0.1/d",
    'a URL alone says not what answers there, want "driver: postgres" beside it',
  ],
  [
    "BLOCKYARD_PROXY_SESSION_STORE",
    "redis",
    "redis needs redis.url, want a URL such as redis://127.0.0.1:6379 there",
  ],
  [
    "BLOCKYARD_PROCESS_PORT_RANGE_START",
    "20000",
    "the range 20000 to 10999 is empty, want its start at or below its end",
  ],
];
for (const [name, value, problem] of REFUSED) {
  Deno.test(`${name}=${value} is refused under its own name`, SANE, () => {
    assertEquals(problemsOf("", { env: { [name]: value } }), [`${name}: ${problem}`]);
  });
}

Deno.test("a bad --bind is refused under its own name", SANE, () => {
  assertEquals(problemsOf("", { bind: ":80" }), [
    '--bind: cannot listen on ":80": want host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080',
  ]);
});
