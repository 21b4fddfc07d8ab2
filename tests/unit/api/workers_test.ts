import { createApi } from "#src/api/mod.ts";
import type { Backend, ResourceUsage, WorkerInfo } from "#src/backend/mod.ts";
import {
  ConflictError,
  NotSupportedError,
  silentLogger,
  toAppName,
  toGid,
  toPid,
  toPort,
  toUid,
  toWorkerId,
} from "#src/core/mod.ts";
import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

const TOKEN = "0123456789abcdef";

const WORKER: WorkerInfo = {
  id: toWorkerId("hello-1"),
  app: toAppName("hello"),
  state: "ready",
  uid: toUid(1_900_000_000),
  gid: toGid(1_900_000_000),
  pid: toPid(77),
  address: { kind: "tcp", hostname: "127.0.0.1", port: toPort(10_000) },
  startedAtMs: Date.UTC(2026, 0, 2),
  cgroup: { folder: "/sys/fs/cgroup/x/workers/hello-1", path: "x/workers/hello-1", level: 3 },
};

const LIMITS = { memoryBytes: 0, cpuCores: 1.5, pids: 256 };

const USAGE: ResourceUsage = {
  cpuPercent: 12.345,
  memoryBytes: 100,
  processes: 4,
  limits: LIMITS,
  memoryPeakBytes: 200,
  io: { readBytes: 1, writtenBytes: 2 },
  pressure: { cpu: 0.5, memory: 0, io: 0 },
};

type Change = { memoryBytes?: number; cpuCores?: number };

async function ask(
  path: string,
  { method = "GET", body, workers = [WORKER], usage = USAGE, update }: {
    method?: string;
    body?: BodyInit;
    workers?: WorkerInfo[];
    usage?: ResourceUsage;
    update?: (change: Change) => Promise<typeof LIMITS>;
  } = {},
) {
  const backend: Pick<Backend, "listManaged" | "workerResourceUsage" | "updateResources"> = {
    listManaged: () => workers,
    workerResourceUsage: () => Promise.resolve(usage),
    updateResources: (_, change) => update?.(change) ?? Promise.resolve(LIMITS),
  };
  const api = createApi({
    token: TOKEN,
    preflight: undefined,
    backend,
    sessionsOf: (id) => id === "hello-1" ? 2 : 0,
    log: silentLogger,
  });
  const response = await api(
    new Request(`http://localhost/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(body !== undefined && { body }),
    }),
  );
  return { status: response.status, json: await response.json() };
}

const change = (body: unknown, update?: (change: Change) => Promise<typeof LIMITS>) =>
  ask("/workers/hello-1/resources", {
    method: "PATCH",
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(update && { update }),
  });

const AS_JSON = {
  id: "hello-1",
  app: "hello",
  state: "ready",
  uid: 1_900_000_000,
  pid: 77,
  address: "127.0.0.1:10000",
  sessions: 2,
  started_at: "2026-01-02T00:00:00.000Z",
  cgroup: { folder: "/sys/fs/cgroup/x/workers/hello-1", path: "x/workers/hello-1", level: 3 },
  exit: null,
};

Deno.test("the workers are listed, and told one by one", strict, async () => {
  assertEquals<unknown>(await ask("/workers"), { status: 200, json: { workers: [AS_JSON] } });
  assertEquals<unknown>(await ask("/workers/hello-1"), { status: 200, json: AS_JSON });
  assertEquals<unknown>(await ask("/workers", { workers: [] }), {
    status: 200,
    json: { workers: [] },
  });
});

Deno.test("a worker without a network is told with its socket", strict, async () => {
  const path = "/proc/77/root/run/blockyard/app.sock";
  const address = { kind: "unix", path, connectPath: "/proc/self/fd/9" } as const;
  const { json } = await ask("/workers/hello-1", { workers: [{ ...WORKER, address }] });
  assertEquals(json.address, `unix:${path}`);
});

Deno.test("why a worker ended is told with what it used", strict, async () => {
  const { cgroup: _, ...rest } = WORKER;
  const exit = { kind: "oom", peakBytes: 5, limitBytes: 4 } as const;
  const ended = { ...rest, id: toWorkerId("hello-2"), state: "exited", exit } as const;
  const { json } = await ask("/workers/hello-2", { workers: [WORKER, ended] });
  assertEquals([json.exit, json.cgroup, json.sessions], [
    { kind: "oom", peak_bytes: 5, limit_bytes: 4 },
    null,
    0,
  ]);
});

Deno.test("what a worker uses is told with what it is held to", strict, async () => {
  assertEquals<unknown>(await ask("/workers/hello-1/usage"), {
    status: 200,
    json: {
      cpu_percent: 12.3,
      memory_bytes: 100,
      memory_peak_bytes: 200,
      processes: 4,
      io: { read_bytes: 1, written_bytes: 2 },
      pressure_percent: { cpu: 0.5, memory: 0, io: 0 },
      limits: { memory_bytes: null, cpu_cores: 1.5, pids: 256 },
    },
  });
  const { memoryPeakBytes: _, io: __, pressure: ___, ...bare } = USAGE;
  const { json } = await ask("/workers/hello-1/usage", { usage: bare });
  assertEquals([json.memory_peak_bytes, json.io, json.pressure_percent], [null, null, null]);
});

Deno.test(
  "limits are changed as they are asked for, and told as the kernel took them",
  strict,
  async () => {
    const asked: Change[] = [];
    const update = (change: Change) => {
      asked.push(change);
      return Promise.resolve({ memoryBytes: 536_870_912, cpuCores: 0.5, pids: 256 });
    };
    assertEquals<unknown>(await change({ memory: "512m", cpu: 0.5 }, update), {
      status: 200,
      json: { limits: { memory_bytes: 536_870_912, cpu_cores: 0.5, pids: 256 } },
    });
    await change({ memory: 0 }, update);
    await change({ cpu: 2 }, update);
    assertEquals(asked, [
      { memoryBytes: 536_870_912, cpuCores: 0.5 },
      { memoryBytes: 0 },
      { cpuCores: 2 },
    ]);
  },
);

const refused: readonly (readonly [what: string, body: unknown, message: string])[] = [
  ["no JSON", "{", "the body is no JSON"],
  ["another encoding", "\u{fffd}{", "the body is no JSON"],
  ["too much", `"${"x".repeat(5000)}"`, "the body is too long: want 4096 bytes at most"],
  ["a list", [], 'want an object with "memory", "cpu" or both'],
  ["nothing", {}, 'nothing is to be changed: want "memory", "cpu" or both'],
  ["another key", { mem: 1 }, '"mem" is not known: want "memory" or "cpu"'],
  ["a size that is none", { memory: "much" }, 'cannot read "much" as a size'],
  ["too little memory", { memory: 1024 }, "cannot set memory to 1024: want 16m or more"],
  ["half a byte", { memory: 1e8 + 0.5 }, "cannot set memory to 100000000.5"],
  ["cores as a text", { cpu: "1" }, 'cannot set cpu to "1": want a number of cores'],
  ["too few cores", { cpu: 0.001 }, "cannot set cpu to 0.001"],
  ["negative cores", { cpu: -1 }, "cannot set cpu to -1"],
];
for (const [what, body, message] of refused) {
  Deno.test(`a change that is ${what} is refused with what is wanted`, strict, async () => {
    const { status, json } = await change(body, () => Promise.reject(new Error("changed")));
    assertEquals([status, json.error.code], [400, "bad_request"]);
    assertStringIncludes(json.error.message, message);
  });
}

Deno.test("what cannot be done has a status and a code of its own", strict, async () => {
  const failing = (error: Error) => () => Promise.reject(error);
  const unable = await change({ cpu: 1 }, failing(new NotSupportedError("no controllers")));
  assertEquals<unknown>(unable, {
    status: 501,
    json: { error: { code: "not_supported", message: "no controllers" } },
  });
  const late = await change({ cpu: 1 }, failing(new ConflictError("it has exited")));
  assertEquals([late.status, late.json.error.code], [409, "conflict"]);
  const broken = await change({ cpu: 1 }, failing(new Error("/sys is gone")));
  assertEquals([broken.status, broken.json.error.code], [500, "internal_error"]);
  assertEquals(JSON.stringify(broken.json).includes("/sys"), false);
});

Deno.test("a worker that is not there, and a method that is not, are told", strict, async () => {
  for (const path of ["/workers/nobody", "/workers/nobody/usage", "/workers/HELLO-1"]) {
    const { status, json } = await ask(path);
    assertEquals([status, json.error.code], [404, "worker_not_found"], path);
  }
  for (
    const [method, path] of [
      ["POST", "/workers"],
      ["PUT", "/workers/hello-1"],
      ["POST", "/workers/hello-1/usage"],
      ["POST", "/workers/hello-1/resources"],
    ] as const
  ) {
    assertEquals((await ask(path, { method })).status, 405, path);
  }
});
