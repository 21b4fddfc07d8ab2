/** How a preflight ends: whatever hangs, and when it is interrupted. */
import { loadConfig } from "#src/config/mod.ts";
import type { Check } from "#src/preflight/mod.ts";
import { askHost } from "#src/preflight_host.ts";
import { selfCommand } from "#src/self_command.ts";
import { assert, assertEquals, assertRejects } from "#tests/support/assert.ts";
import { descendantsOf, runningProcesses } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { installFakeR } from "#tests/support/r_installation.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true, files: ["/usr/bin/unshare", "/usr/bin/mkfifo", "/usr/bin/env"] });

/** A thousand uids that no other test has. */
const USERS = 1_975_000_000 + (Deno.pid % 400) * 1000;
/** Not executed in the shell's place, so that killing the shell alone leaves it. */
const HANG = "sleep 600; exit 1";
/** More than any of its limits together, in milliseconds; what is stuck then is killed. */
const WATCHDOG_MS = 90_000;
/** What a signal's number is added to for an exit code. */
const SIGNALLED = 128;

/** A host whose bwrap hangs. */
async function hangingHost() {
  const folder = await tempFolder();
  const bin = await folder.folder("bin");
  const write = async (name: string, script: string) => {
    await Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\n${script}\n`);
    await Deno.chmod(`${bin}/${name}`, 0o755);
  };
  await write("bwrap", `[ "$1" = --version ] && { echo bubblewrap 0.12.0; exit; }\n${HANG}`);
  return {
    path: folder.path,
    write,
    start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
      const self = selfCommand(args);
      const variables = {
        ...self.env,
        PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
        BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(USERS),
        BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(USERS + 9),
        BLOCKYARD_PROCESS_WORKER_GID: String(USERS),
        BLOCKYARD_PROXY_MAX_WORKERS: "1",
        ...env,
      };
      return new Deno.Command("/usr/bin/unshare", {
        args: [
          ...["--net", "/bin/sh", "-c", 'ip link set lo up && exec "$@"', "sh"],
          ...[self.program, ...self.args],
        ],
        env: variables,
        clearEnv: true,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Folders for trials, of whoever makes some. */
function trialFolders(): string[] {
  return Array.from(Deno.readDirSync("/tmp"), ({ name }) => name)
    .filter((name) => /^blockyard-(preflight-)?[0-9a-f]+$/.test(name)).map((name) =>
      `/tmp/${name}`
    );
}

/** Remembers what a process has started and in which groups that is, until it is gone. */
class Traces {
  readonly #before = new Set(trialFolders());
  /** New ones, which may be those of other tests, too: those go as well. */
  readonly folders = new Set<string>();
  readonly #seen = new Map<number, string>();
  readonly #groups = new Set<string>();

  /** Looks at what is below a process now. */
  look(pid: number): string[] {
    const below = descendantsOf(pid);
    for (const folder of trialFolders()) {
      if (!this.#before.has(folder)) this.folders.add(folder);
    }
    for (const it of below) {
      this.#seen.set(it.pid, it.startTime);
      try {
        const path = /^0::(.*)$/m.exec(Deno.readTextFileSync(`/proc/${it.pid}/cgroup`))?.[1] ?? "";
        if (path.includes("/preflight-")) this.#groups.add(path);
      } catch {
        // It has ended meanwhile.
      }
    }
    return below.map(({ name }) => name);
  }

  /** How many groups were seen. */
  get groups(): number {
    return this.#groups.size;
  }

  /** What is left of it: processes by their names, and groups. */
  left(): string[] {
    const mounts = Deno.readTextFileSync("/proc/self/mounts").split("\n")
      .map((line) => line.split(" ")).filter(([, , type]) => type === "cgroup2");
    return [
      ...runningProcesses().filter(({ pid, startTime }) => this.#seen.get(pid) === startTime)
        .map(({ name }) => name),
      ...[...this.#groups].filter((group) =>
        mounts.some(([, folder]) => exists(`${folder}${group}`))
      ),
    ];
  }

  /** Waits until a bwrap hangs that was to run a program, and one that was to make a sandbox. */
  async hang(pid: number): Promise<void> {
    await until(() => {
      const names = this.look(pid);
      return names.filter((name) => name === "bwrap").length >= 3 &&
        names.filter((name) => name === "sleep").length >= 3 && this.folders.size >= 2;
    }, { what: "bwrap hangs in every place" });
  }

  /** Waits until the folders are gone, which stay if nobody removes them. */
  async foldersGone(): Promise<void> {
    await until(() => ![...this.folders].some(exists), {
      what: () => `${[...this.folders].filter(exists)} are gone`,
    });
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("a preflight ends although nothing that it starts or opens does", root, async () => {
  await using host = await hangingHost();
  await host.write("getent", HANG);
  await host.write("nft", HANG);
  await installFakeR(`${host.path}/R/4.4.2`, { script: HANG, version: "4.4.2" });
  // Files that nobody writes to.
  await Deno.mkdir(`${host.path}/R/4.3.1/lib/R/library/base`, { recursive: true });
  for (const name of ["filter", "R/4.3.1/lib/R/library/base/DESCRIPTION"]) {
    const { code } = await new Deno.Command("mkfifo", { args: [`${host.path}/${name}`] }).output();
    assertEquals(code, 0);
  }
  await installFakeR(`${host.path}/R/other`, { script: HANG, version: "4.3.1" });
  const child = host.start(["preflight", "--json"], {
    BLOCKYARD_PROCESS_SECCOMP_PROFILE: `${host.path}/filter`,
    BLOCKYARD_PROCESS_R_PATH: `${host.path}/R/4.4.2/bin/R`,
    BLOCKYARD_PROCESS_RIG_BASE: `${host.path}/R`,
    BLOCKYARD_PROCESS_NETWORK: "none",
    BLOCKYARD_FIREWALL_MODE: "managed",
  });
  const traces = new Traces();
  const watching = setInterval(() => traces.look(child.pid), 500);
  const watchdog = setTimeout(() => child.kill("SIGKILL"), WATCHDOG_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(watchdog);
  clearInterval(watching);
  assertEquals([code, new TextDecoder().decode(stderr)], [1, ""]);
  const { results } = JSON.parse(new TextDecoder().decode(stdout));
  const worst = (name: string) =>
    results.filter((it: { name: string }) => it.name === name)
      .map((it: { severity: string }) => it.severity);
  for (
    const name of [
      ...["bwrap_available", "user_namespaces", "sandbox_smoke", "bwrap_host_uid_mapping"],
      ...["seccomp_profile", "r_binary", "shiny_package", "network_none", "worker_egress"],
      ...["abstract_sockets", "uid_range"],
    ]
  ) {
    const severities = worst(name);
    assert(severities.length > 0 && severities.some((it: string) => it !== "ok"), name);
  }
  assertEquals(worst("bwrap_available"), ["error"]);
  assertEquals(traces.left(), []);
  await traces.foldersGone();
});

for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) {
  Deno.test(`${signal} ends a preflight and what it has started`, root, async () => {
    await using host = await hangingHost();
    const only = "bwrap_available,user_namespaces,sandbox_smoke,abstract_sockets";
    const child = host.start(["preflight", "--only", only]);
    const traces = new Traces();
    await traces.hang(child.pid);
    assert(traces.groups > 0 || !exists("/sys/fs/cgroup/unified"), "trials are in groups");
    const watchdog = setTimeout(() => child.kill("SIGKILL"), WATCHDOG_MS);
    child.kill(signal);
    const { code, stdout, stderr } = await child.output();
    clearTimeout(watchdog);
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([code, text(stdout), text(stderr)], [SIGNALLED + number, "", ""]);
    assertEquals(traces.left(), []);
    await traces.foldersGone();
  });
}

Deno.test("SIGTERM ends a server that still looks at its host", root, async () => {
  await using host = await hangingHost();
  const child = host.start(["serve", "--demo"], {
    BLOCKYARD_SERVER_BIND: "127.0.0.1:0",
    BLOCKYARD_SERVER_DATA_DIR: `${host.path}/data`,
  });
  const traces = new Traces();
  await traces.hang(child.pid);
  const watchdog = setTimeout(() => child.kill("SIGKILL"), WATCHDOG_MS);
  child.kill("SIGTERM");
  const { code, stderr } = await child.output();
  clearTimeout(watchdog);
  const log = new TextDecoder().decode(stderr).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals([code, log.at(-1)?.msg], [0, "stopped before the host was checked"]);
  assertEquals(traces.left(), []);
  await traces.foldersGone();
});

Deno.test("what does not end is not waited for, and is told of", root, async () => {
  const config = loadConfig({ env: {}, readFile: () => "", isRoot: true });
  const log = new RecordingLogger();
  const giveUp = new AbortController();
  const [begun, stuck] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()];
  const check: Check = {
    name: "stuck",
    category: "sandbox",
    run: ({ inScratchFolder }) =>
      inScratchFolder(async (folder) => {
        begun.resolve(folder);
        await stuck.promise;
        return [];
      }),
  };
  const options = { configPath: undefined, checks: [check], log, signal: giveUp.signal };
  const asking = assertRejects(() => askHost(config, options), DOMException, "aborted");
  const folder = await begun.promise;
  giveUp.abort();
  await asking;
  assertEquals(log.records.map(({ level, message }) => [level, message]), [
    ["error", "what the preflight has started does not end"],
  ]);
  stuck.resolve();
  await until(() => !exists(folder), { what: "the folder is gone" });
  await assertRejects(() => askHost(config, options), DOMException, "aborted");
  assertEquals(log.records.length, 1);
});
