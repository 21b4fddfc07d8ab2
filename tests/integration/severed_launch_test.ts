/** A launch whose server is gone before bwrap has made the sandbox. */
import { toGid, toUid } from "#src/core/mod.ts";
import { bareSandbox } from "#tests/support/bare_sandbox.ts";
import { startLauncher } from "#tests/support/bwrap_exec.ts";
import { processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap"] });

const uid = toUid(1_931_000_001);
const gid = toGid(1_931_000_000);

Deno.test("a sandbox whose server is gone before it is made ends by itself", root, async () => {
  const child = startLauncher(["--wait"], { stderr: "null" });
  const job = await bareSandbox({ uid, gid, command: ["/usr/bin/sleep", "60"] });

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
