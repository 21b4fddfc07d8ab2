import {
  BASE_FDS,
  fdNeed,
  LAUNCHER_FDS,
  SESSION_FDS,
  SOCKET_FDS,
  WORKER_FDS,
} from "#src/preflight/fd_need.ts";
import { fdLimit } from "#src/preflight/fd_limit.ts";
import type { Finding, PreflightHost } from "#src/preflight/mod.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { configOf, finding as findingPrograms, look } from "./host_files.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const FILE_MAX = "proc/sys/fs/file-max";

/** As Linux 6.18 writes it, in part. */
function limits(hard: number | string, soft: number | string = hard): string {
  const line = (name: string, values: readonly (number | string)[], unit: string) =>
    `${name.padEnd(26)}${values.map((value) => String(value).padEnd(21)).join("")}${unit}\n`;
  return line("Limit", ["Soft Limit", "Hard Limit"], "Units     ") +
    line("Max processes", [96365, 96365], "processes ") +
    line("Max open files", [soft, hard], "files     ") +
    line("Max locked memory", [8388608, 8388608], "bytes     ");
}

function lookAt(
  { hard, yaml = "{}", files = {}, programs = ["sysctl"] }: {
    hard: number | string;
    yaml?: string;
    files?: Readonly<Record<string, string>>;
    programs?: readonly string[];
  },
): Promise<readonly Finding[]> {
  const host: Partial<PreflightHost> = {
    config: configOf({ yaml }),
    findProgram: findingPrograms(...programs),
  };
  return look(fdLimit, {
    files: {
      "proc/self/limits": limits(hard, 1024),
      [FILE_MAX]: "9223372036854775807\n",
      ...files,
    },
    host,
  });
}

/** What 100 workers and the one launcher that waits take. */
const WORKERS_NEED = BASE_FDS + LAUNCHER_FDS + 100 * WORKER_FDS;
/** Two apps: at most 5 × 20 + 95 × 2 sessions on 100 workers. */
const APPS = `
apps:
  few: { path: /srv/few, max_workers: 200, max_sessions_per_worker: 2 }
  many: { path: /srv/many, max_workers: 5, max_sessions_per_worker: 20 }
`;
const SESSIONS_NEED = WORKERS_NEED + (5 * 20 + 95 * 2) * SESSION_FDS;

Deno.test("a limit that is high enough is ok, and told with the need", UNIT, async () => {
  assertEquals(await lookAt({ hard: WORKERS_NEED }), [{
    severity: "ok",
    message:
      `the server may open ${WORKERS_NEED} files, and up to ${WORKERS_NEED} are needed for ` +
      "100 workers",
  }]);
  assertEquals(await lookAt({ hard: SESSIONS_NEED, yaml: APPS }), [{
    severity: "ok",
    message:
      `the server may open ${SESSIONS_NEED} files, and up to ${WORKERS_NEED} are needed for ` +
      `100 workers, ${SESSIONS_NEED} with 290 sessions`,
  }]);
});

Deno.test(
  "workers without a network take more, also when only one app has none",
  UNIT,
  async () => {
    const need = WORKERS_NEED + 100 * SOCKET_FDS;
    for (const yaml of ["process: {network: none}", "apps: {a: {path: /a, network: none}}"]) {
      const [found] = await lookAt({ hard: "unlimited", yaml });
      assertStringIncludes(found?.message ?? "", `up to ${need} are needed for 100 workers`);
    }
  },
);

Deno.test("no limit is ok", UNIT, async () => {
  const [found] = await lookAt({ hard: "unlimited" });
  assertEquals(found?.severity, "ok");
  assertStringIncludes(found?.message ?? "", "the server may open any number of files");
});

Deno.test("a limit below what workers need is an error", UNIT, async () => {
  const hard = WORKERS_NEED - 1;
  assertEquals(await lookAt({ hard }), [{
    severity: "error",
    message:
      `the server may open ${hard} files, but up to ${WORKERS_NEED} are needed for 100 workers`,
    fix: {
      kind: "advice",
      text: `Raise the hard limit to ${WORKERS_NEED} or more: LimitNOFILE=${WORKERS_NEED} in the ` +
        `server's systemd unit, or ulimit -Hn ${WORKERS_NEED} as root before it is started; or set ` +
        "proxy.max_workers to 99",
    },
  }]);
});

Deno.test(
  "a limit below what sessions need is a warning, and the number of workers in it makes it ok",
  UNIT,
  async () => {
    const hard = SESSIONS_NEED - 1;
    const [found, ...more] = await lookAt({ hard, yaml: APPS });
    assert(found?.severity === "warning");
    assertEquals(more, []);
    assertEquals(
      found.message,
      `the server may open ${hard} files, but up to ${WORKERS_NEED} are needed for 100 workers, ` +
        `${SESSIONS_NEED} with 290 sessions`,
    );
    assertStringIncludes(found.fix.text, "; or set proxy.max_workers to 99");
    const [fewer] = await lookAt({ hard, yaml: `proxy: { max_workers: 99 }${APPS}` });
    assertEquals(fewer?.severity, "ok");
  },
);

Deno.test("what bounds the limit itself is to be raised first", UNIT, async () => {
  const advised = async (nrOpen: number | string) => {
    const files = { "proc/sys/fs/nr_open": `${nrOpen}\n` };
    const [found] = await lookAt({ hard: 500, files });
    assert(found?.severity === "error");
    return found.fix.text;
  };
  const text = await advised(WORKERS_NEED);
  assert(text.startsWith(`Raise the hard limit to ${WORKERS_NEED} or more: `), text);
  assertEquals(await advised("nonsense"), text);
  assertEquals(
    await advised(WORKERS_NEED - 1),
    `Raise fs.nr_open from ${WORKERS_NEED - 1} to ${WORKERS_NEED} with sysctl. ${text}`,
  );
});

Deno.test("the built-in app has sessions too, unless another has its name", UNIT, () => {
  const sessions = (yaml: string, demo: boolean) => fdNeed(configOf({ yaml, demo })).sessions;
  assertEquals([sessions("{}", false), sessions("{}", true)], [0, 10]);
  const own = "apps: { demo: { path: /srv/demo, max_workers: 3 } }";
  assertEquals([sessions(own, false), sessions(own, true)], [3, 3]);
});

Deno.test("fewer workers than are kept warm are not proposed", UNIT, async () => {
  const yaml = "apps: { a: { path: /srv/a, max_workers: 100, warm_workers: 100 } }";
  const [found] = await lookAt({ hard: WORKERS_NEED, yaml });
  assert(found?.severity === "warning");
  assert(found.fix.text.endsWith("before it is started"), found.fix.text);
});

Deno.test(
  "a limit below what the server needs alone proposes no number of workers",
  UNIT,
  async () => {
    const [found] = await lookAt({ hard: 32 });
    assert(found?.severity === "error");
    assert(found.fix.text.endsWith("before it is started"), found.fix.text);
  },
);

Deno.test("sessions take no more than there are connections", UNIT, async () => {
  const yaml = "apps: { a: { path: /srv/a, max_workers: 100, max_sessions_per_worker: 10000 } }";
  const need = WORKERS_NEED + 20_000;
  const [found] = await lookAt({ hard: need, yaml });
  assertEquals(found?.severity, "ok");
  assertStringIncludes(found?.message ?? "", `${need} with 1000000 sessions`);
});

Deno.test(
  "a limit of the whole host below the need is a warning with a command",
  UNIT,
  async () => {
    const files = { [FILE_MAX]: "600\n" };
    const warning = (text: string) => [{
      severity: "warning",
      message:
        `all processes of the host may open 600 files together (fs.file-max), but the server ` +
        `alone may need ${WORKERS_NEED}`,
      fix: { kind: "command", text },
    }];
    const wanted = 4 * WORKERS_NEED;
    const found: unknown = await lookAt({ hard: 4096, files });
    assertEquals(found, warning(`sysctl -w fs.file-max=${wanted}`));
    const without: unknown = await lookAt({ hard: 4096, files, programs: [] });
    assertEquals(without, warning(`echo ${wanted} > /proc/sys/fs/file-max`));
  },
);

for (
  const [name, text] of [
    ["proc/self/limits", ""],
    ["proc/self/limits", limits("some")],
    ["proc/self/limits", limits(4096).replace("files  ", "bytes  ")],
    [FILE_MAX, "\n"],
    [FILE_MAX, "lots\n"],
  ] as const
) {
  Deno.test(
    `${JSON.stringify(text.slice(-80, -60))} in ${name} is never called ok`,
    UNIT,
    async () => {
      const found = await lookAt({ hard: 4096, files: { [name]: text } });
      assertEquals(found.map(({ severity }) => severity), ["warning"]);
      assertStringIncludes(found[0]?.message ?? "", " could not be found out: ");
    },
  );
}

Deno.test("without the kernel's files nothing is called ok", UNIT, async () => {
  const found = await look(fdLimit, { files: {} });
  assertEquals(found.map(({ severity }) => severity), ["warning", "warning"]);
});
