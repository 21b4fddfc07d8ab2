/** The sandbox on hosts whose system folders are links, and on those where they are not. */
import { openLibc } from "#ffi/mod.ts";
import { silentLogger, toGid, toUid } from "#src/core/mod.ts";
import {
  type HostLayout,
  inspectRoot,
  LauncherPool,
  type RootEntry,
  SandboxedProcess,
} from "#src/sandbox/mod.ts";
import { bareSandbox } from "#tests/support/bare_sandbox.ts";
import { selfCommand } from "#src/self_command.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R"] });

async function runIn(layout: Partial<HostLayout>, command: string[]): Promise<string> {
  const self = selfCommand(["bwrap-exec", "--wait"]);
  await using launchers = new LauncherPool(self, { standby: 0, log: silentLogger });
  const uid = toUid(1_930_000_001);
  const gid = toGid(1_930_000_000);
  const child = await launchers.launch(await bareSandbox({ uid, gid, layout, command }));
  await child.atGate;
  using libc = openLibc();
  using sandbox = SandboxedProcess.of(libc, child.pid);
  await child.open();
  const [, stdout, stderr] = await Promise.all([
    child.status,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await until(() => sandbox?.isAlive() !== true, { what: "the sandbox is gone" });
  return stdout + stderr;
}

const R = ["/usr/bin/R", "--no-echo", "--vanilla", "-e", "cat(1 + 1)"];

Deno.test("R runs in a root that is laid out as the host's", root, async () => {
  assertEquals(await runIn({}, R), "2");
});

Deno.test("R runs in a root whose system folders are folders of their own", root, async () => {
  const rootEntries = (await inspectRoot("/")).map(({ name }): RootEntry => ({
    kind: "directory",
    name,
  }));
  assertEquals(await runIn({ rootEntries }, R), "2");
  const kinds = await runIn({ rootEntries }, ["/bin/sh", "-c", "test -L /bin || echo folder"]);
  assertEquals(kinds, "folder\n");
});

Deno.test("a launcher that cannot be started is an error at once", root, async () => {
  const command = { program: "/nonexistent", args: [], env: {} };
  await using launchers = new LauncherPool(command, { standby: 1, log: silentLogger });
  const job = {
    uid: 1,
    gid: 1,
    keepGroups: false,
    lifeline: "signal" as const,
    rlimits: [],
    landlock: false,
    keepFds: [],
    program: "/bin/true",
    args: [],
  };
  await assertRejects(() => launchers.launch(job), Deno.errors.NotFound);
});

Deno.test("a launcher whose group cannot be limited ends with all of its pipes", root, async () => {
  const removed: string[] = [];
  const group = {
    folder: "/nonexistent",
    remove() {
      removed.push(group.folder);
      return Promise.resolve();
    },
  };
  const self = selfCommand(["bwrap-exec", "--wait"]);
  await using launchers = new LauncherPool(self, {
    standby: 0,
    newGroup: () => Promise.resolve(group),
    log: silentLogger,
  });
  const settle = () => Promise.reject(new RangeError("no such limit"));
  const job = {
    ...{ uid: 1, gid: 1, keepGroups: false, lifeline: "signal" as const, rlimits: [] },
    ...{ landlock: false, keepFds: [], program: "/bin/true", args: [] },
  };
  await assertRejects(() => launchers.launch(job, { settle }), RangeError, "no such limit");
  assertEquals(removed, ["/nonexistent"]);
});
