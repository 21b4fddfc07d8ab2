/** What a worker takes of the kernel's own, on a host that has cgroup v2 alone. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertGreater } from "#tests/support/assert.ts";
import { until } from "#tests/support/until.ts";
import { GuestServer } from "./support/guest_server.ts";
import type { Vm } from "./support/vm.ts";
import { testInVm } from "./support/vm_tests.ts";

const SLOW_MS = 120_000;
const MIB = 1024 ** 2;
/** Where the handler of core dumps leaves a sign. */
const DUMPED = "/run/dumped";

const hostile = {
  path: fileURLToPath(new URL("../support/bombs/app", import.meta.url)),
  cmd: ["perl", "/app/bomber.pl", "{port}"],
  memory_limit: "64m",
};

const CONFIG = {
  process: { standby_launchers: 0 },
  server: { log_level: "debug" },
  proxy: { worker_start_timeout: "2m" },
  apps: { hostile, neighbour: hostile },
};

const start = (vm: Vm) => GuestServer.start(vm, { config: CONFIG, folder: "/run/server" });

testInVm("hostile workers on a host with cgroup v2 alone", {
  "end alone when their empty files take more of the kernel's memory than they may have": async (
    vm,
  ) => {
    await using server = await start(vm);
    const { body } = await server.ask("/app/neighbour/there");
    assert(body.endsWith("/there"), body);
    await server.ask("/app/hostile/");
    assertGreater((await server.ask("/app/hostile/inode")).status, 499);
    await until(() => /"worker exited"[^\n]*"oom"/.test(server.log), {
      what: () => `no worker was reported as ended for its memory: ${server.log}`,
      withinMs: SLOW_MS,
    });
    const exited = server.log.split("\n").find((each) => each.includes('"worker exited"')) ?? "{}";
    const { app, exit } = JSON.parse(exited);
    assertEquals([app, exit.kind, exit.limitBytes], ["hostile", "oom", 64 * MIB]);
    assertEquals((await server.workers("neighbour")).map(({ state }) => state), ["ready"]);
  },

  "start no handler of core dumps when they crash": async (vm) => {
    await vm.sh(`echo '|/usr/bin/touch ${DUMPED}' >/proc/sys/kernel/core_pattern`);
    const isDumped = async () => await vm.sh(`ls ${DUMPED} 2>/dev/null || true`) !== "";
    // A limit of 0 keeps files from being made, but not the handler from being started.
    await vm.run(["/bin/sh", "-c", "ulimit -c 0; kill -SEGV $$"]);
    await until(isDumped, { what: "the handler is started for others", withinMs: SLOW_MS });
    await vm.sh(`rm ${DUMPED}`);
    await using server = await start(vm);
    assertEquals((await server.ask("/app/hostile/crash")).body, "signal 11, no core");
    assertEquals(await isDumped(), false);
  },
});
