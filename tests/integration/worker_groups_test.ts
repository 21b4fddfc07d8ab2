/** Workers in cgroups of their own, as the kernel shows them; on hosts with and without controllers. */
import { ConflictError, NotSupportedError } from "#src/core/mod.ts";
import { selfCommand } from "#src/self_command.ts";
import {
  assert,
  assertEquals,
  assertExists,
  assertGreater,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertRejects,
} from "#tests/support/assert.ts";
import { descendantsOf, processesOfUids } from "#tests/support/host_processes.ts";
import { lineOf, openTestBackend, shellSpec } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";
import { OwnGroup } from "#tests/support/own_group.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/strace"] });

const pidsIn = (folder: string): number[] =>
  Deno.readTextFileSync(`${folder}/cgroup.procs`).trim().split("\n").filter(Boolean).map(Number);

const foldersIn = (place: string): string[] =>
  Array.from(Deno.readDirSync(place)).filter((entry) => entry.isDirectory)
    .map(({ name }) => `${place}/${name}`);

const exists = (folder: string): boolean => {
  try {
    return Deno.statSync(folder).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
};

/** The group of the launcher that waits for the next worker of this process. */
async function standbyGroup(place: string): Promise<string> {
  let folder: string | undefined;
  await until(() => {
    const children = new Set(descendantsOf(Deno.pid).map(({ pid }) => pid));
    folder = foldersIn(place).find((it) => {
      try {
        return pidsIn(it).some((pid) => children.has(pid));
      } catch {
        return false; // that of another server, which has just removed it
      }
    });
    return folder !== undefined;
  }, { what: "a launcher waits in a group" });
  assertExists(folder);
  return folder;
}

Deno.test("every process of a worker is in its group, and nobody else", root, async () => {
  await using host = await openTestBackend();
  const spec = shellSpec("sleep 60 & (setsid sleep 61 &) ; echo up; exec sleep 62");
  const { cgroup, pid, uid } = await host.backend.spawn(spec);
  assertExists(cgroup);
  assertMatch(cgroup.folder, /\/workers\/sandbox-[a-z0-9]+$/);
  assert(cgroup.folder.endsWith(`/${cgroup.path}`), cgroup.path);
  assertEquals(cgroup.level, cgroup.path.split("/").length);
  await lineOf(host.backend, spec.id, /^up$/);
  const inside = pidsIn(cgroup.folder).sort((a, b) => a - b);
  const running = [pid, ...descendantsOf(pid).map((each) => each.pid)].sort((a, b) => a - b);
  assertEquals(inside, running);
  assertEquals(processesOfUids({ start: uid, end: uid }).length, inside.length);
  const owner = Deno.statSync(cgroup.folder);
  assertEquals([owner.uid, (owner.mode ?? 0) & 0o022], [0, 0]);

  await host.backend.stop(spec.id, { graceMs: 0 });
  assert(!exists(cgroup.folder), "the group is removed with the worker");
  assertEquals(processesOfUids({ start: uid, end: uid }), []);
});

Deno.test("the group of one worker is not the other's, and ends alone", root, async () => {
  await using host = await openTestBackend();
  const [one, other] = [shellSpec("exec sleep 60"), shellSpec("exec sleep 60")];
  const first = await host.backend.spawn(one);
  const second = await host.backend.spawn(other);
  assertExists(first.cgroup);
  assertExists(second.cgroup);
  const others = new Set(pidsIn(second.cgroup.folder));
  assertEquals(pidsIn(first.cgroup.folder).filter((pid) => others.has(pid)), []);
  await host.backend.stop(one.id);
  assertEquals(new Set(pidsIn(second.cgroup.folder)), others);
  await host.backend.stop(other.id);
});

Deno.test(
  "a worker that ends by itself leaves no group, nor does one that cannot start",
  root,
  async () => {
    let next: string;
    {
      await using host = await openTestBackend();
      const spec = shellSpec("exit 3");
      const { cgroup } = await host.backend.spawn(spec);
      assertExists(cgroup);
      assertEquals(await host.backend.exited(spec.id), { kind: "code", code: 3 });
      assert(!exists(cgroup.folder));
      const place = cgroup.folder.slice(0, cgroup.folder.lastIndexOf("/"));
      const waiting = await standbyGroup(place);
      // More than the kernel takes as one argument, which the launcher is told when it is too late.
      const broken = shellSpec("x".repeat(200_000));
      await assertRejects(() => host.backend.spawn(broken), Error, "cannot execute the program");
      assert(!exists(waiting), "a group outlives the launcher that failed");
      next = await standbyGroup(place);
      assertNotEquals(next, waiting);
    }
    assert(!exists(next), "a group outlives the server");
  },
);

Deno.test("fifty workers with children of their own are killed by their groups", root, async () => {
  const folders: string[] = [];
  const uids = new Set<number>();
  {
    await using host = await openTestBackend();
    // Neither the program nor its child, which has a session of its own, listens to a signal.
    const script = "trap '' INT TERM; (trap '' INT TERM; setsid sleep 600) & echo up; sleep 600; :";
    const specs = Array.from({ length: 50 }, () => shellSpec(script));
    for (const spec of specs) {
      const { cgroup, uid } = await host.backend.spawn(spec);
      assertExists(cgroup);
      folders.push(cgroup.folder);
      uids.add(uid);
    }
    for (const { id } of specs) await lineOf(host.backend, id, /^up$/);
    assertEquals(folders.filter(exists).length, 50);
    assertEquals(uids.size, 50);
    await host.backend.close({ graceMs: 0 });
    assertEquals(folders.filter(exists), []);
  }
  const [start, end] = [Math.min(...uids), Math.max(...uids)];
  assertEquals(processesOfUids({ start, end }), []);
});

Deno.test("a build is in a group of its own, too", root, async () => {
  await using host = await openTestBackend();
  const { id, app } = shellSpec("");
  const result = await host.backend.build({
    id,
    app,
    cmd: ["/bin/sh", "-c", "cat /proc/self/cgroup; exit 4"],
    rVersion: "",
    env: {},
    mounts: [],
    timeoutMs: 10_000,
  });
  assertEquals([result.outcome, result.exitCode], ["finished", 4]);
  // Inside, the namespace hides where in the tree it is: its own group is the root.
  assert(result.log.some(({ text }) => text === "0::/"), JSON.stringify(result.log));
});

Deno.test("processor time of what has ended stays in a worker's use", root, async () => {
  await using host = await openTestBackend();
  const spec = shellSpec(
    "timeout 1 sh -c 'while :; do :; done'; echo over; exec sleep 60",
  );
  await host.backend.spawn(spec);
  await lineOf(host.backend, spec.id, /^over$/);
  const { cpuPercent, processes, limits } = await host.backend.workerResourceUsage(spec.id);
  assertGreater(cpuPercent, 20);
  assertLess(cpuPercent, 130);
  assertGreater(processes, 2);
  assertEquals(limits.pids, 256);
  await host.backend.stop(spec.id);
  await assertRejects(
    () => host.backend.updateResources(spec.id, { cpuCores: 1 }),
    ConflictError,
    "it has exited",
  );
});

Deno.test(
  "limits of a live worker are refused where the host has no controllers",
  root,
  async () => {
    await using host = await openTestBackend();
    const spec = shellSpec("exec sleep 60");
    const { cgroup } = await host.backend.spawn(spec);
    assertExists(cgroup);
    const controllers = Deno.readTextFileSync(`${cgroup.folder}/cgroup.controllers`);
    const change = () => host.backend.updateResources(spec.id, { cpuCores: 1 });
    if (controllers.includes("cpu")) {
      assertEquals((await change()).cpuCores, 1);
      assertEquals(Deno.readTextFileSync(`${cgroup.folder}/cpu.max`), "100000 100000\n");
    } else {
      const error = await assertRejects(change, NotSupportedError);
      assert(/\bcpu\b/.test(error.message), error.message);
    }
    await host.backend.stop(spec.id);
  },
);

for (const how of ["its job", "--cgroup"] as const) {
  Deno.test(
    `told by ${how}, a launcher joins its group before it drops privilege`,
    root,
    async () => {
      await using group = new OwnGroup();
      const uid = 1_935_000_000;
      const program = ["/bin/sleep", "60"];
      const ids = ["--uid", String(uid), "--gid", String(uid)];
      const isWaiting = how === "--cgroup";
      const self = selfCommand([
        "bwrap-exec",
        ...(isWaiting ? ["--wait"] : ids),
        ...["--cgroup", group.path],
        ...(isWaiting ? [] : ["--", ...program]),
      ]);
      const child = new Deno.Command("/usr/bin/strace", {
        args: [
          ...[
            "-f",
            "-qq",
            "-e",
            "trace=openat,open,read,write,setgroups,setresuid,setresgid,execve",
          ],
          ...["--", self.program, ...self.args],
        ],
        env: { ...self.env },
        clearEnv: true,
        stdin: "piped",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const traced = new Response(child.stderr).text();
      const job = {
        ...{ uid, gid: uid, keepGroups: false, lifeline: "signal", rlimits: [], landlock: false },
        keepFds: [],
        ...{ program: program[0], args: program.slice(1) },
      };
      const input = child.stdin.getWriter();
      if (isWaiting) await input.write(new TextEncoder().encode(JSON.stringify(job) + "\n"));
      await input.close();
      // Right behind the exec the program is in the group, and so is everything that it will start.
      await until(
        () => pidsIn(group.path).some((pid) => commandOf(pid) === "sleep\x0060\x00"),
        { what: "sleep runs in the group" },
      );
      for (const pid of pidsIn(group.path)) Deno.kill(pid, "SIGKILL");
      await child.status;
      const lines = (await traced).split("\n");
      // Behind the thread, for what is read from the program's own files may name calls, too.
      const indexOf = (call: string) =>
        lines.findIndex((line) => line.replace(/^\[pid +\d+\] /, "").startsWith(call));
      const joined = indexOf(`openat(AT_FDCWD, "${group.path}/cgroup.procs"`);
      assert(joined !== -1, "the group is not joined");
      const readsJob = isWaiting ? [`read(0, "{`] : [];
      for (
        const later of [
          ...readsJob,
          "setgroups(",
          "setresgid(",
          "setresuid(",
          'execve("/bin/sleep"',
        ]
      ) {
        assertGreater(indexOf(later), joined, later);
      }
    },
  );
}

function commandOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch {
    // It has ended meanwhile.
    return "";
  }
}
