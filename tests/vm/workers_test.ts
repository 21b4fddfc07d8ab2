/** Workers in groups with limits, on a host that has cgroup v2 alone. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertGreater, assertLess } from "#tests/support/assert.ts";
import { until } from "#tests/support/until.ts";
import { GuestGroup } from "./support/guest_group.ts";
import { GuestServer } from "./support/guest_server.ts";
import type { Vm } from "./support/vm.ts";
import { testInVm } from "./support/vm_tests.ts";

const APPS = fileURLToPath(new URL("apps/", import.meta.url));
const SLOW_MS = 120_000;
const MIB = 1024 ** 2;

const greedy = {
  path: `${APPS}greedy`,
  cmd: ["perl", "/app/greedy.pl", "{port}"],
  max_sessions_per_worker: 100,
};

const CONFIG = {
  process: { standby_launchers: 1 },
  server: { log_level: "debug", default_memory_limit: "1g", default_pids_limit: 40 },
  proxy: { worker_start_timeout: "2m" },
  apps: {
    eater: {
      path: `${APPS}eater`,
      cmd: ["Rscript", "/app/eater.R", "{port}"],
      memory_limit: "192m",
    },
    greedy,
    spinner: { ...greedy, cpu_limit: 0.3 },
  },
};

/** Neither the app nor its child, which has a session of its own, listens to a signal. */
const STUBBORN = `trap '' INT TERM; (setsid sleep 3600) & exec perl /app/greedy.pl "$0"`;
const CROWD = 50;
const CROWD_CONFIG = {
  server: { shutdown_timeout: "1s" },
  proxy: { worker_start_timeout: "2m" },
  apps: {
    crowd: {
      path: `${APPS}greedy`,
      cmd: ["/bin/sh", "-c", STUBBORN, "{port}"],
      max_workers: CROWD,
    },
  },
};

const start = (vm: Vm, options: { uid?: number; group?: string } = {}) => {
  const folder = options.uid === undefined ? "/run/server" : "/home/tester/server";
  return GuestServer.start(vm, { config: CONFIG, folder, ...options });
};

/** How much processor time a group uses, in cores, by the machine's own clock. */
async function coresOf(vm: Vm, folder: string, seconds: number): Promise<number> {
  const look = `awk '/usage_usec/ { print $2 }' ${folder}/cpu.stat; cut -d' ' -f1 /proc/uptime`;
  const text = await vm.sh(`${look}; sleep ${seconds}; ${look}`);
  const [used0 = NaN, at0 = NaN, used1 = NaN, at1 = NaN] = text.split("\n").map(Number);
  return (used1 - used0) / 1e6 / (at1 - at0);
}

testInVm("workers on a host with cgroup v2 alone", {
  "are in groups with the limits of their app, before and while they run": async (vm) => {
    await using server = await start(vm);
    assertEquals((await server.ask("/app/greedy/")).body, "/");
    const [worker] = await server.workers("greedy");
    const folder = worker?.cgroup?.folder ?? "";
    const limits = await vm.sh(
      `cd ${folder} && cat memory.max memory.high memory.oom.group cpu.max pids.max`,
    );
    const [max, high, oomGroup, cpu, pids] = limits.split("\n");
    assertEquals([max, oomGroup, cpu, pids], [String(1024 * MIB), "1", "max 100000", "40"]);
    assert(Number(high) < 1024 * MIB && Number(high) > 900 * MIB, high);
    assertGreater((await vm.sh(`cat ${folder}/cgroup.procs`)).split("\n").length, 2);
    const groups = await vm.sh(`cat /proc/${server.pid}/cgroup`);
    assert(!groups.includes("workers"), groups);
    const { limits: told } = await server.api(`/workers/${worker?.id}/usage`);
    assertEquals(told, { memory_bytes: 1024 * MIB, cpu_cores: null, pids: 40 });
  },

  "that want more memory than they may have end alone, and the reason is told": async (vm) => {
    await using server = await start(vm);
    await server.ask("/app/greedy/");
    const { cookie, body } = await server.ask("/app/eater/");
    assertEquals(body, "well fed\n");
    const [eater] = await server.workers("eater");
    assertGreater((await server.ask("/app/eater/eat", { cookie })).status, 499);
    const line = await server.said("worker exited", "exit");
    assert(line !== "undefined");
    await until(() => /"worker exited"[^\n]*"oom"/.test(server.log), {
      what: () => `no worker was reported as ended for its memory: ${server.log}`,
      withinMs: SLOW_MS,
    });
    const exited = server.log.split("\n").find((each) => each.includes('"worker exited"')) ?? "{}";
    const { worker, exit } = JSON.parse(exited);
    assertEquals([worker, exit.kind, exit.limitBytes], [eater?.id, "oom", 192 * MIB]);
    assert(exit.peakBytes > 150 * MIB && exit.peakBytes <= 193 * MIB, String(exit.peakBytes));
    // The neighbour has seen nothing of it, and the next visitor gets a new worker.
    assertEquals((await server.ask("/app/greedy/still")).body, "/still");
    assertEquals((await server.workers("greedy")).map(({ state }) => state), ["ready"]);
    assertEquals((await server.ask("/app/eater/")).body, "well fed\n");
  },

  "use the processor time that they may have, also when that changes": async (vm) => {
    await using server = await start(vm);
    await server.ask("/app/spinner/spin");
    const [worker] = await server.workers("spinner");
    const folder = worker?.cgroup?.folder ?? "";
    const before = await coresOf(vm, folder, 10);
    assertGreater(before, 0.27);
    assertLess(before, 0.33);
    const changed = await server.api(`/workers/${worker?.id}/resources`, {
      method: "PATCH",
      body: JSON.stringify({ cpu: 0.6, memory: "256m" }),
    });
    assertEquals(changed.limits, { memory_bytes: 256 * MIB, cpu_cores: 0.6, pids: 40 });
    assertEquals(
      await vm.sh(`cat ${folder}/cpu.max ${folder}/memory.max`),
      `60000 100000\n${256 * MIB}`,
    );
    const after = await coresOf(vm, folder, 10);
    assertGreater(after, 0.54);
    assertLess(after, 0.66);
    const { cpu_percent: percent } = await server.api(`/workers/${worker?.id}/usage`);
    assertGreater(percent, 0);
    const { status, body } = await server.ask(`/api/v1/workers/${worker?.id}/resources`, {
      method: "PATCH",
      body: JSON.stringify({ memory: "16m" }),
    });
    // A few megabytes are needed by perl; less than that is refused, more is taken.
    assert(status === 200 || (status === 409 && body.includes("would end it")), body);
  },

  "cannot start more processes than they may have": async (vm) => {
    await using server = await start(vm);
    await server.ask("/app/greedy/");
    const { body } = await server.ask("/app/greedy/fork");
    const started = Number(body);
    assertGreater(started, 20);
    assertLess(started, 40);
    const [worker] = await server.workers("greedy");
    assertLess(Number(await vm.sh(`cat ${worker?.cgroup?.folder}/pids.current`)), 41);
    assertEquals((await server.ask("/app/greedy/alive")).body, "/alive");
  },

  "are found by packet filters under the names that the API tells": async (vm) => {
    await using server = await start(vm);
    await server.ask("/app/greedy/");
    const [worker] = await server.workers("greedy");
    const { folder = "", path = "", level = 0 } = worker?.cgroup ?? {};
    const match = `socket cgroupv2 level ${level} "${path}" tcp dport ${server.port}`;
    await vm.sh(`
      modprobe -a nf_tables nft_socket nft_reject_inet
      nft add table inet test
      nft add chain inet test out '{ type filter hook output priority filter; }'
      nft 'add rule inet test out ${match} reject'
    `);
    const connect = `exec 3<>/dev/tcp/127.0.0.1/${server.port}`;
    const outside = await vm.run(["/bin/bash", "-c", connect]);
    // What is in the group is rejected, whoever it is: it is the group that is looked at.
    const join = `echo 0 >"$0/cgroup.procs" && ${connect}`;
    const inside = await vm.run(["/bin/bash", "-c", join, folder]);
    await vm.sh("nft delete table inet test");
    assertEquals([outside.code, inside.code], [0, 1], inside.stderr);
    assert(inside.stderr.includes("Connection refused"), inside.stderr);
  },

  "are killed by their groups, fifty of them with children, when the server stops": async (vm) => {
    const groups = async () => {
      const found = await vm.sh("find /sys/fs/cgroup/*/workers -mindepth 1 -name 'sandbox-*'");
      return found === "" ? 0 : found.split("\n").length;
    };
    {
      await using server = await GuestServer.start(vm, {
        config: CROWD_CONFIG,
        folder: "/run/crowd",
      });
      // Each is a session of its own, which takes a worker.
      for (let count = 0; count < CROWD; count++) {
        assertEquals((await server.ask("/app/crowd/")).status, 200);
      }
      const workers = await server.workers("crowd");
      assertEquals(new Set(workers.map(({ cgroup }) => cgroup?.folder)).size, CROWD);
      assert(await groups() >= CROWD);
      assertEquals(await vm.sh("pgrep -c sleep"), String(CROWD));
    }
    assertEquals(await groups(), 0);
    assertEquals(await vm.sh("pgrep -c 'perl|sleep' || true"), "0");
  },

  "leave no group and no process when the server has stopped": async (vm) => {
    const left = await vm.sh("find /sys/fs/cgroup -mindepth 3 -type d -path '*workers*'");
    assertEquals(left, "");
    assertEquals(await vm.sh("pgrep -c perl || true"), "0");
  },

  "of an ordinary user are limited in a subtree that was handed over": async (vm) => {
    const { uid } = vm.user;
    await using group = await GuestGroup.make(vm, "handed", { owner: uid });
    await using server = await start(vm, { uid, group: group.folder });
    assertEquals((await server.ask("/app/spinner/")).body, "/");
    const [worker] = await server.workers("spinner");
    const folder = worker?.cgroup?.folder ?? "";
    assert(folder.startsWith(`${group.folder}/workers/`), folder);
    assertEquals(await vm.sh(`cat ${folder}/cpu.max ${folder}/pids.max`), "30000 100000\n40");
    assertEquals(await vm.sh(`cut -d: -f3 /proc/${server.pid}/cgroup`), "/handed/server");
  },
});
