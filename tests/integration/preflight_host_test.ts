/** What the checks of a preflight are given, on the real host. */
import { openLibc } from "#ffi/mod.ts";
import { type Config, loadConfig } from "#src/config/mod.ts";
import { toGid, toUid } from "#src/core/mod.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import { TrialOwners } from "#src/preflight_trials.ts";
import { serverIdentity } from "#src/sandbox/mod.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "#tests/support/assert.ts";
import { processesOfUids, processStatus } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap"] });

const START = 1_932_000_000;

function configWith(env: Record<string, string> = {}, count = 10): Config {
  return loadConfig({
    env: {
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(START),
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(START + count - 1),
      BLOCKYARD_PROCESS_WORKER_GID: String(START),
      BLOCKYARD_PROXY_MAX_WORKERS: "1",
      ...env,
    },
    readFile: () => "",
    isRoot: true,
  });
}

function openHost(env: Record<string, string> = {}, count = 10) {
  return openPreflightHost(configWith(env, count), { configPath: undefined });
}

const processes = () => processesOfUids({ start: START, end: START + 9 });

Deno.test(
  "a trial runs in a sandbox under a worker's ids, and its output comes back",
  root,
  async () => {
    await using opened = openHost();
    const seen: (string | undefined)[] = [];
    const { code, stdout, stderr } = await opened.host.sandboxes.run({
      command: ["/bin/sh", "-c", 'id -u; ls /; echo "$WORD" >&2; sleep 0.3; exit 3'],
      env: { WORD: "grüße" },
      whileRunning: ({ uid, gid, monitorPid, initPid }) => {
        seen.push(processStatus(monitorPid).Uid, processStatus(initPid).Uid);
        assert(toUid(uid) >= START && toGid(gid) === START);
        return Promise.resolve();
      },
    });
    const [uid = "", ...names] = stdout.trim().split("\n");
    assert(Number(uid) >= START && Number(uid) < START + 10, uid);
    assert(names.includes("app") && !names.includes("home"), stdout);
    assertEquals([code, stderr], [3, "grüße\n"]);
    assertEquals(seen, [`${uid} ${uid} ${uid} ${uid}`, `${uid} ${uid} ${uid} ${uid}`]);
    await until(() => processes().length === 0, { what: "the sandbox is gone" });
  },
);

Deno.test(
  "a trial is in a group beside those of workers, and this process stays where it is",
  root,
  async () => {
    const before = await Deno.readTextFile("/proc/self/cgroup");
    await using opened = openHost();
    let group = "";
    await opened.host.sandboxes.run({
      command: ["/usr/bin/sleep", "60"],
      whileRunning: async ({ initPid, end }) => {
        group = /^0::(.*)$/m.exec(await Deno.readTextFile(`/proc/${initPid}/cgroup`))?.[1] ?? "";
        end();
      },
    });
    assertMatch(group, /\/workers\/preflight-[a-z0-9]+$/);
    assertEquals(await Deno.readTextFile("/proc/self/cgroup"), before);
  },
);

Deno.test("trials of a range with a single uid take turns", root, async () => {
  await using opened = openHost({}, 1);
  const { sandboxes, runProgram } = opened.host;
  const asWorker = await Promise.all([
    ...[1, 2, 3].map(() => sandboxes.run({ command: ["/usr/bin/id", "-u"] })),
    runProgram(["/usr/bin/id", "-u"], { asWorker: true }),
  ]);
  assertEquals(asWorker.map(({ stdout }) => stdout), Array(4).fill(`${START}\n`));
});

Deno.test("a trial that takes too long is killed with all it started", root, async () => {
  await using opened = openHost();
  const { code } = await opened.host.sandboxes.run({
    command: ["/bin/sh", "-c", "sleep 60 & sleep 60"],
    timeoutMs: 200,
  });
  assertEquals(code, 124);
  assertEquals(processes(), []);
});

Deno.test("without bwrap a trial fails, and says what is missing", root, async () => {
  await using opened = openHost({ BLOCKYARD_PROCESS_BWRAP_PATH: "/nonexistent/bwrap" });
  await assertRejects(
    () => opened.host.sandboxes.run({ command: ["/usr/bin/true"] }),
    Error,
    "/nonexistent/bwrap is no program",
  );
});

Deno.test("this executable can be shown and started in a sandbox", root, async () => {
  await using opened = openHost();
  const { sandboxes, selfInSandbox } = opened.host;
  const { code, stdout, stderr } = await sandboxes.run(
    await selfInSandbox(["bwrap-exec", "--help"]),
  );
  assertEquals([code, stderr], [0, ""]);
  assert(stdout.includes("bwrap-exec"), stdout);
});

Deno.test("the look at uids in use has ended when those for trials are let go", root, async () => {
  await using folder = await tempFolder();
  // A status that nobody has written yet: who reads it has to wait.
  const status = `${await folder.folder("proc/1")}/status`;
  assertEquals((await new Deno.Command("mkfifo", { args: [status] }).output()).code, 0);
  using libc = openLibc();
  const identity = serverIdentity(libc);
  const open = () => new TrialOwners(libc, configWith(), { identity, proc: `${folder.path}/proc` });
  // Where nobody asks for one, nobody looks.
  await open()[Symbol.asyncDispose]();
  const owners = open();
  const used = owners.use(({ owner: { uid } }) => Promise.resolve(uid));
  let isLetGo = false;
  const letGo = owners[Symbol.asyncDispose]().then(() => isLetGo = true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert(!isLetGo, "somebody still reads");
  await Deno.writeTextFile(status, "");
  await letGo;
  assertEquals(await used, toUid(START));
});
