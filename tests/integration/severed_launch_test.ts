/** A launch whose server is gone before bwrap has made the sandbox. */
import { toGid, toUid } from "#src/core/mod.ts";
import { inspectRoot, launchJob, sandboxEnvironment } from "#src/sandbox/mod.ts";
import { selfCommand } from "#src/self_command.ts";
import { processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap"] });

const uid = toUid(1_931_000_001);
const gid = toGid(1_931_000_000);

Deno.test("a sandbox whose server is gone before it is made ends by itself", root, async () => {
  const { program, args, env } = selfCommand(["bwrap-exec", "--wait"]);
  const child = new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const job = launchJob({
    uid,
    gid,
    network: "host",
    layout: {
      rootEntries: await inspectRoot("/"),
      keyLists: [],
      canDisableUserns: true,
      canLandlock: false,
    },
    toolTrees: [],
    app: { kind: "none" },
    mounts: [],
    env: sandboxEnvironment({}),
    workDir: "/tmp",
    seccomp: undefined,
    tmpBytes: 1e6,
    shmBytes: 1e6,
    command: ["/usr/bin/sleep", "60"],
  }, { bwrapPath: "/usr/bin/bwrap", owner: { uid, gid, exclusive: true, maxProcesses: 50 } });

  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify({ ...job, parent: Deno.pid }) + "\n"));
  // What the kernel does for a server that is killed, but for the signal: it comes too early then,
  // since bwrap asks for it only when it has made the sandbox's first process.
  await Promise.all([input.close(), child.stdout.cancel()]);

  await child.status;
  await until(() => processesOfUids({ start: uid, end: uid }).length === 0, {
    what: () => `still there: ${JSON.stringify(processesOfUids({ start: uid, end: uid }))}`,
    withinMs: 2000,
  });
});
