import { hasProcesses, openLibc } from "#ffi/mod.ts";
import { livenessOfServers, readServerOwner } from "#src/server_owner.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

Deno.test("this very process lives, and none before it with its id", needs(), async () => {
  await using folder = await tempFolder();
  const machineId = await folder.write("machine-id", "0123456789abcdef0123456789abcdef\n");
  const owner = await readServerOwner({ machineIdPaths: [machineId] });
  assertEquals(owner.pid, Deno.pid);
  const isLive = await livenessOfServers();
  assertEquals(await isLive(owner), true);
  const [boot, namespace, ticks] = owner.startedAt.split(":");
  const earlier = `${boot}:${namespace}:${Number(ticks) - 1}`;
  assertEquals(await isLive({ pid: owner.pid, startedAt: earlier }), false);
});

Deno.test(
  "hasProcesses() sees a user's process from its start to its end",
  needs({ root: true }),
  async () => {
    const uid = 1_940_000_000 + Deno.pid;
    using libc = openLibc();
    assertEquals(hasProcesses(libc, uid), false);
    const child = new Deno.Command("/usr/bin/setpriv", {
      args: ["--reuid", String(uid), "--clear-groups", "/bin/sleep", "60"],
      cwd: "/",
    }).spawn();
    await until(() => hasProcesses(libc, uid), { what: "the process has its uid" });
    child.kill("SIGKILL");
    await child.status;
    assertEquals(hasProcesses(libc, uid), false);
  },
);
