import { toGid, toUid } from "#src/core/mod.ts";
import type { Finding, PreflightHost } from "#src/preflight/mod.ts";
import { portRange } from "#src/preflight/port_range.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { configOf, finding as findingPrograms, look } from "./host_files.ts";
import { socketTable } from "./socket_table.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const EPHEMERAL = "proc/sys/net/ipv4/ip_local_port_range";
const RESERVED = "proc/sys/net/ipv4/ip_local_reserved_ports";
const UNPRIVILEGED = "proc/sys/net/ipv4/ip_unprivileged_port_start";

/** A kernel as it comes, on a host where nobody listens. */
const FILES = {
  [EPHEMERAL]: "32768\t60999\n",
  [RESERVED]: "\n",
  [UNPRIVILEGED]: "1024\n",
  "proc/net/tcp": socketTable([]),
  "proc/net/tcp6": socketTable([]),
};
const OTHERS =
  "Set process.port_range_start and process.port_range_end to ports that nothing else " +
  "uses";
/** Who runs a server that cannot give its workers uids. */
const ORDINARY: PreflightHost["identity"] = {
  uid: toUid(1000),
  gid: toGid(1000),
  groups: [],
  isRoot: false,
};

function lookAt(
  files: Readonly<Record<string, string>>,
  { env = {}, ...host }: Partial<PreflightHost> & { env?: Readonly<Record<string, string>> } = {},
): Promise<readonly Finding[]> {
  const config = configOf({ env });
  const findProgram = findingPrograms("sysctl");
  return look(portRange, { files: { ...FILES, ...files }, host: { config, findProgram, ...host } });
}

function range(start: number, end: number, maxWorkers = 1): Record<string, string> {
  return {
    PROCESS_PORT_RANGE_START: String(start),
    PROCESS_PORT_RANGE_END: String(end),
    PROXY_MAX_WORKERS: String(maxWorkers),
  };
}

Deno.test("ports that nobody else uses are ok, and counted", UNIT, async () => {
  assertEquals(await lookAt({}), [{
    severity: "ok",
    message:
      "1000 ports from 10000 to 10999 for 100 workers, and nothing else of the host uses them",
  }]);
});

Deno.test("no ports are asked for when no worker is to have one", UNIT, async () => {
  const env = { PROCESS_NETWORK: "none", ...range(10_000, 10_000, 50) };
  assertEquals(await lookAt({}, { env }), [{
    severity: "ok",
    message: "every worker has network: none, and no port",
  }]);
  const yaml = "apps: {a: {path: /a, network: host}}";
  const config = configOf({ yaml, env: { PROCESS_NETWORK: "none" } });
  const [found] = await lookAt({}, { config });
  assertStringIncludes(found?.message ?? "", "1000 ports from 10000 to 10999");
});

Deno.test(
  "a host without IPv6, and a kernel that knows no setting for the first unprivileged port, are as good as others",
  UNIT,
  async () => {
    const { [UNPRIVILEGED]: _old, "proc/net/tcp6": _v4, ...files } = FILES;
    const found = await look(portRange, { files });
    assertEquals(found.map(({ severity }) => severity), ["ok"]);
  },
);

for (
  const { reserved, start, end, taken, list } of [
    {
      reserved: "",
      start: 40000,
      end: 40999,
      taken: "1000 ports (40000 to 40999)",
      list: "40000-40999",
    },
    {
      reserved: "8080,9148-9200",
      start: 60000,
      end: 61999,
      taken: "1000 ports (60000 to 60999)",
      list: "8080,9148-9200,60000-61999",
    },
    {
      reserved: "39999,40010-40019,41000",
      start: 40000,
      end: 40999,
      taken: "990 ports (40000 to 40009, 40020 to 40999)",
      list: "39999-41000",
    },
    {
      reserved: "40001-50000",
      start: 40000,
      end: 40010,
      taken: "1 port (40000)",
      list: "40000-50000",
    },
  ]
) {
  Deno.test(`connections can take ${taken} where "${reserved}" is reserved`, UNIT, async () => {
    const env = range(start, end);
    assertEquals(await lookAt({ [RESERVED]: `${reserved}\n` }, { env }), [{
      severity: "warning",
      message: `connections of the host can take ${taken} from workers, because ` +
        "net.ipv4.ip_local_port_range is 32768 to 60999",
      fix: { kind: "command", text: `sysctl -w net.ipv4.ip_local_reserved_ports=${list}` },
    }]);
  });
}

Deno.test("ports of connections that are reserved are ok", UNIT, async () => {
  const env = range(40000, 40999);
  const found = await lookAt({ [RESERVED]: "8080,40000-40500,40501-41000\n" }, { env });
  assertEquals(found.map(({ severity }) => severity), ["ok"]);
});

Deno.test(
  "a list of reserved ports that is too long to be written at once is not written",
  UNIT,
  async () => {
    const odd = Array.from({ length: 1000 }, (_, index) => 2001 + 2 * index).join(",");
    const [found] = await lookAt({ [RESERVED]: `${odd}\n` }, { env: range(40000, 40999) });
    assert(found?.severity === "warning");
    assertEquals(found.fix, {
      kind: "advice",
      text: "Add 40000-40999 to net.ipv4.ip_local_reserved_ports",
    });
  },
);

Deno.test("ports that take privileges to bind are an error", UNIT, async () => {
  assertEquals(await lookAt({ [UNPRIVILEGED]: "10500\n" }), [{
    severity: "error",
    message: "workers cannot bind 500 ports (10000 to 10499), because " +
      "net.ipv4.ip_unprivileged_port_start is 10500",
    fix: { kind: "command", text: "sysctl -w net.ipv4.ip_unprivileged_port_start=10000" },
  }]);
  const [all] = await lookAt({ [UNPRIVILEGED]: "20000\n" });
  assertMatch(all?.message ?? "", /^workers cannot bind 1000 ports \(10000 to 10999\)/);
  const [none] = await lookAt({ [UNPRIVILEGED]: "10000\n" });
  assertEquals(none?.severity, "ok");
});

Deno.test("without sysctl the lines write the settings themselves", UNIT, async () => {
  const found = await lookAt({ [UNPRIVILEGED]: "32768\n" }, {
    env: range(32000, 33000),
    findProgram: findingPrograms(),
  });
  assertEquals(found.map((it) => it.severity === "ok" ? "" : it.fix.text), [
    "echo 32000 > /proc/sys/net/ipv4/ip_unprivileged_port_start",
    "echo 32000-33000 > /proc/sys/net/ipv4/ip_local_reserved_ports",
  ]);
});

Deno.test(
  "those who listen where a worker would are named, and what workers listen on is left out",
  UNIT,
  async () => {
    const v4 = socketTable([
      { address: "0100007F", port: 10000, uid: 33 },
      { address: "00000000", port: 10001, uid: 0 },
      { address: "0100007F", port: 10002, uid: 1_900_000_007 },
      { address: "0200007F", port: 10003, uid: 33 },
      { address: "0100007F", port: 9999, uid: 33 },
      { address: "0100007F", port: 11000, uid: 33 },
      { address: "0100007F", port: 10004, uid: 33, state: "01" },
    ]);
    const v6 = socketTable([
      { address: "00000000000000000000000000000000", port: 10005, uid: 1_899_999_999 },
      { address: "0000000000000000FFFF00000100007F", port: 10006, uid: 1_900_001_000 },
      { address: "00000000000000000000000001000000", port: 10007, uid: 33 },
      { address: "00000000000000000000000000000000", port: 10001, uid: 0 },
    ]);
    assertEquals(await lookAt({ "proc/net/tcp": v4, "proc/net/tcp6": v6 }), [{
      severity: "warning",
      message:
        "4 ports of the workers' are in use by others and will be passed over: 10000 (uid 33), " +
        "10001 (uid 0), 10005 (uid 1899999999), 10006 (uid 1900001000)",
      // 11000 is in use.
      fix: { kind: "advice", text: `${OTHERS}, such as 12000 to 12999` },
    }]);
  },
);

Deno.test("no more than five are named", UNIT, async () => {
  const ports = [10001, 10002, 10003, 10004, 10005, 10006, 10007];
  const table = socketTable(ports.map((port) => ({ address: "00000000", port, uid: 0 })));
  const [found] = await lookAt({ "proc/net/tcp": table });
  assertMatch(
    found?.message ?? "",
    /^7 ports .*: 10001 \(uid 0\), .*, 10005 \(uid 0\) and 2 more$/,
  );
});

Deno.test("too few ports for the workers are an error", UNIT, async () => {
  const listeners = [{ address: "0100007F", port: 10001, uid: 0 }];
  const files = { "proc/net/tcp": socketTable(listeners) };
  const found = await lookAt(files, { env: range(10000, 10009, 10) });
  assertEquals(found.map(({ severity }) => severity), ["warning", "error"]);
  assertEquals(
    found[1]?.message,
    "9 of the 10 ports from 10000 to 10009 are left for 10 workers, because others use the rest",
  );
  const enough = await lookAt(files, { env: range(10000, 10009, 9) });
  assertEquals(enough.map(({ severity }) => severity), ["warning"]);
});

Deno.test(
  "without root, listeners of the server's own uid may be workers: they are told and not counted as lost",
  UNIT,
  async () => {
    const table = socketTable([
      { address: "0100007F", port: 10001, uid: 1000 },
      { address: "0100007F", port: 10002, uid: 1_900_000_007 },
    ]);
    const at = (maxWorkers: number) =>
      lookAt({ "proc/net/tcp": table }, {
        env: range(10000, 10009, maxWorkers),
        identity: ORDINARY,
      });
    const found = await at(9);
    assertEquals(found.map(({ severity }) => severity), ["warning"]);
    assertEquals(
      found[0]?.message,
      "2 ports of the workers' are in use and will be passed over: 10001 (uid 1000), " +
        "10002 (uid 1900000007)",
    );
    assertEquals((await at(10)).map(({ severity }) => severity), ["warning", "error"]);
  },
);

for (
  const { url, name, text } of [
    {
      url: "redis://u:s3cret@127.0.0.1:10050/0",
      name: "REDIS_URL",
      text: "Redis at 127.0.0.1:10050",
    },
    {
      url: "postgres://u:s3cret@localhost:10050/d",
      name: "DATABASE_URL",
      text: "the database at localhost:10050",
    },
  ]
) {
  Deno.test(
    `a port for ${text} among the workers' is a warning, running or not`,
    UNIT,
    async () => {
      const env = { [name]: url, ...name === "DATABASE_URL" && { DATABASE_DRIVER: "postgres" } };
      const table = socketTable([{ address: "0100007F", port: 10050, uid: 107 }]);
      for (const files of [{}, { "proc/net/tcp": table }]) {
        assertEquals(await lookAt(files, { env }), [{
          severity: "warning",
          message:
            `the port of ${text} is one of the workers': while nothing listens on it, a worker ` +
            "can be given it and answer in its place",
          fix: { kind: "advice", text: `${OTHERS}, such as 11000 to 11999` },
        }]);
      }
    },
  );
}

Deno.test("a port that a service takes is not there for workers", UNIT, async () => {
  const env = { REDIS_URL: "redis://127.0.0.1:10000/0", ...range(10000, 10000) };
  const found = await lookAt({}, { env });
  assertEquals(found.map(({ severity }) => severity), ["error", "warning"]);
  assertStringIncludes(found[0]?.message ?? "", "0 of the 1 port from 10000 are left for 1 worker");
});

Deno.test(
  "services on sockets, and on ports that workers do not have, are no matter",
  UNIT,
  async () => {
    for (const url of ["redis+unix:///run/redis.sock", "redis://127.0.0.1:6379/0"]) {
      const found = await lookAt({}, { env: { REDIS_URL: url } });
      assertEquals(found.map(({ severity }) => severity), ["ok"]);
    }
  },
);

for (
  const [name, text, reason] of [
    [EPHEMERAL, "32768\n", "of net.ipv4.ip_local_port_range"],
    [EPHEMERAL, "60999 32768\n", "of net.ipv4.ip_local_port_range"],
    [RESERVED, "8080;9148\n", "of net.ipv4.ip_local_reserved_ports"],
    [UNPRIVILEGED, "\n", "of net.ipv4.ip_unprivileged_port_start"],
    ["proc/net/tcp", "", "/proc/net/tcp"],
    ["proc/net/tcp", "nonsense\n", "want a line of /proc/net/tcp"],
    ["proc/net/tcp6", `${socketTable([])}nonsense\n`, "want a line of /proc/net/tcp"],
  ] as const
) {
  Deno.test(`${JSON.stringify(text.slice(-12))} in ${name} is never called ok`, UNIT, async () => {
    const found = await lookAt({ [name]: text });
    assertEquals(found.map(({ severity }) => severity), ["warning"]);
    assertStringIncludes(found[0]?.message ?? "", " could not be found out: ");
    assertStringIncludes(found[0]?.message ?? "", reason);
  });
}

for (const name of [EPHEMERAL, RESERVED, "proc/net/tcp"]) {
  Deno.test(`without ${name} nothing is called ok`, UNIT, async () => {
    const { [name]: _left, ...files }: Record<string, string> = FILES;
    const found = await look(portRange, { files });
    assertEquals(found.map(({ severity }) => severity), ["warning"]);
    assertStringIncludes(found[0]?.message ?? "", " could not be found out: ");
  });
}
