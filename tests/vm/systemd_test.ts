/** The unit that `systemd-unit` prints, under a systemd that is the first process of its machine. */
import { fileURLToPath } from "node:url";
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { reportProblems } from "#tests/support/report_schema.ts";
import type { GuestFinding } from "./support/blockyard.ts";
import type { GuestClient } from "./support/guest_client.ts";
import { GuestGroup } from "./support/guest_group.ts";
import { GuestServer } from "./support/guest_server.ts";
import { GuestUnit, UNIT, UNIT_GROUP } from "./support/guest_unit.ts";
import { testInVm } from "./support/vm_tests.ts";

const WITNESS = fileURLToPath(new URL("apps/witness", import.meta.url));
const MIB = 1024 ** 2;
/** The first of the uids that workers have if the configuration says nothing of them. */
const FIRST_UID = 1_900_000_000;

const witness = {
  path: "/srv/apps/witness",
  cmd: ["perl", "/app/witness.pl", "{port}"],
  max_sessions_per_worker: 100,
};

const APPS = {
  witness: {
    ...witness,
    memory_limit: "64m",
    mounts: [{ source: "/srv/shared", target: "/shared", read_only: false }],
  },
  silent: {
    ...witness,
    cmd: ["perl", "/app/witness.pl", "{socket}"],
    network: "none",
    cpu_limit: 0.3,
  },
};

const CONFIG = {
  server: { default_pids_limit: 40, shutdown_timeout: "10s" },
  proxy: { worker_start_timeout: "2m" },
  firewall: { mode: "managed" },
  apps: APPS,
};

/** What differs for a second server on the machine. */
const BESIDE = {
  proxy: CONFIG.proxy,
  process: {
    standby_launchers: 0,
    port_range_start: 20_000,
    port_range_end: 20_099,
    worker_uid_range_start: FIRST_UID + 2000,
    worker_uid_range_end: FIRST_UID + 2099,
  },
  apps: APPS,
};

testInVm("the printed unit under systemd", {
  "is installed as its comment says, finds the host fit from inside, and serves": async (vm) => {
    await vm.sh(`
      mkdir -p /srv/apps
      cp -r ${WITNESS} /srv/apps
      chmod -R a+rX /srv/apps
      mkdir -m 1777 /srv/shared
    `);
    const unit = new GuestUnit(vm);
    await unit.install({ config: CONFIG, unpacked: await vm.sh("echo $BLOCKYARD_CACHE_DIR") });
    const server = await unit.serving();
    assertEquals(await vm.sh(`systemctl is-enabled ${UNIT}`), "enabled");
    const report = await server.api("/preflight");
    assertEquals(reportProblems(report), []);
    assertEquals(report.host, { kernel: await vm.sh("uname -r"), uid: 0 });
    const results: readonly GuestFinding[] = report.results;
    const unfinished = results.filter(({ message }) => message.includes("not finished"));
    const errors = results.filter(({ severity }) => severity === "error");
    assertEquals([unfinished, errors], [[], []]);
    for (
      const check of [
        ...["user_namespaces", "sandbox_smoke", "bwrap_host_uid_mapping", "seccomp_profile"],
        ...["cgroup_delegation", "resource_limits", "network_none", "worker_egress"],
      ]
    ) {
      const findings = results.filter(({ name }) => name === check);
      assertGreater(findings.length, 0, check);
      assertEquals(findings.filter(({ severity }) => severity !== "ok"), [], check);
    }
    const delegation = results.find(({ name }) => name === "cgroup_delegation")?.message ?? "";
    assertStringIncludes(delegation, `groups with limits in ${UNIT_GROUP} (`);
  },

  "has workers under uids of their own, in groups below it that the kernel limits": async (vm) => {
    const server = await new GuestUnit(vm).serving();
    const { folder, uid } = await workerOf(server, "witness");
    assert(folder.startsWith(`${UNIT_GROUP}/workers/`), folder);
    assertGreater(uid, FIRST_UID - 1);
    const pids = (await vm.sh(`cat ${folder}/cgroup.procs`)).split("\n");
    const uids = await vm.sh(`stat -c %u ${pids.map((pid) => `/proc/${pid}`).join(" ")}`);
    assertEquals(new Set(uids.split("\n")), new Set([String(uid)]));
    assertEquals(await vm.sh(`cat ${folder}/memory.max ${folder}/pids.max`), `${64 * MIB}\n40`);
    const started = Number((await server.ask("/app/witness/fork")).body);
    assert(started > 20 && started < 40, `${started} processes`);
    assertEquals((await server.ask("/app/witness/write")).body, "written");
    assertEquals(await vm.sh("stat -c %u /srv/shared/written"), String(uid));

    const silent = await workerOf(server, "silent");
    assertEquals((await server.ask("/app/silent/spin")).body, "/spin");
    const cpu = await vm.sh(`cat ${silent.folder}/cpu.max ${silent.folder}/cpu.stat`);
    assertMatch(cpu, /^30000 100000\n[^]*^nr_throttled [1-9]/m);
  },

  "shuts workers off as it is configured: all of the network, or the host's services": async (
    vm,
  ) => {
    const server = await new GuestUnit(vm).serving();
    const { body } = await server.ask("/app/silent/view");
    assertEquals(body.match(/^interface .*$/gm), ["interface lo"]);
    const reached = await server.ask(`/app/witness/connect/${server.port}`);
    assertEquals(reached.body, "Connection refused");
  },

  "shows workers no more than they see without it": async (vm) => {
    const server = await new GuestUnit(vm).serving();
    await using group = await GuestGroup.make(vm, "beside");
    await using other = await GuestServer.start(vm, {
      config: BESIDE,
      folder: "/run/beside",
      group: group.folder,
    });
    for (const app of ["witness", "silent"]) {
      const within = await viewOf(server, app);
      const without = await viewOf(other, app);
      assertEquals(within.filter((line) => !without.includes(line)), [], app);
      const hidden = without.filter((line) => !within.includes(line));
      // It is systemd that hides these, so there was something to compare.
      assertGreater(hidden.length, 0);
      assertEquals(hidden.filter((line) => !line.startsWith("file /usr/lib/modules/")), [], app);
    }
  },

  "goes on when a worker ends that wants more memory than it may have": async (vm) => {
    const unit = new GuestUnit(vm);
    const server = await unit.serving();
    const [before] = await server.workers("witness");
    assertGreater((await server.ask("/app/witness/eat")).status, 499);
    await unit.said('"worker exited".*"oom"');
    const [neighbour] = await server.workers("silent");
    assertEquals(neighbour?.state, "ready");
    assertEquals((await server.ask("/app/witness/again")).body, "/again");
    const workers = await server.workers("witness");
    assert(workers.every(({ id, state }) => state === "exited" || id !== before?.id));
    assertEquals(await unit.properties("ActiveState", "NRestarts"), {
      ActiveState: "active",
      NRestarts: "0",
    });
  },

  "keeps its groups and their limits when systemd reads its units anew, or itself": async (vm) => {
    const unit = new GuestUnit(vm);
    const server = await unit.serving();
    const limits = `cd ${UNIT_GROUP} && grep -r . workers/*/memory.max workers/*/pids.max`;
    const before = await vm.sh(limits);
    // To start again without what was looked at above.
    await unit.startWith(["--skip-preflight"]);
    await vm.sh("systemctl daemon-reexec");
    const { stderr } = await vm.run(["systemctl", "reload", UNIT]);
    assertStringIncludes(stderr, "reload is not applicable");
    assertEquals(await vm.sh(limits), before);
    assertEquals((await server.ask("/app/silent/still")).body, "/still");
    // A worker that is started now finds all that it needs.
    const { folder } = await workerOf(server, "witness");
    assertEquals(await vm.sh(`cat ${folder}/memory.max`), String(64 * MIB));
  },

  "starts a server again that was killed, and leaves nothing of the first": async (vm) => {
    const unit = new GuestUnit(vm);
    const before = await unit.processes();
    assertGreater(before.filter(({ uid }) => uid >= FIRST_UID).length, 1);
    const tables = "nft list tables | wc -l";
    assertEquals(await vm.sh(tables), "1");
    await vm.sh(`systemctl kill --kill-whom=main --signal=KILL ${UNIT}`);
    const server = await unit.serving({ starts: 2 });
    const after = await unit.processes();
    assertEquals(after.filter(({ uid }) => uid >= FIRST_UID), []);
    assertEquals(after.filter(({ pid }) => before.some((old) => old.pid === pid)), []);
    assertEquals(await vm.sh(tables), "1");
    for (const app of ["witness", "silent"]) {
      assertEquals((await server.ask(`/app/${app}/anew`)).body, "/anew");
    }
  },

  "stops cleanly while it has sessions, and leaves nothing": async (vm) => {
    const unit = new GuestUnit(vm);
    assertGreater((await unit.processes()).filter(({ uid }) => uid >= FIRST_UID).length, 1);
    await vm.sh(`systemctl stop ${UNIT}`);
    const { ActiveState, Result, ExecMainCode, ExecMainStatus } = await unit.properties(
      ...["ActiveState", "Result", "ExecMainCode", "ExecMainStatus"] as const,
    );
    // 1 is CLD_EXITED of sigaction(2).
    assertEquals([ActiveState, Result, ExecMainCode, ExecMainStatus], [
      "inactive",
      "success",
      "1",
      "0",
    ]);
    assertEquals(await unit.processes(), []);
    assertEquals(await vm.sh(`pgrep -c 'perl|bwrap' || true; ls -d ${UNIT_GROUP} || true`), "0");
    assertEquals(await vm.sh("nft list tables"), "");
  },

  "gives up at once when the configuration is wrong, and the journal says where": async (vm) => {
    const unit = new GuestUnit(vm);
    await unit.configure({ ...CONFIG, nonsense: 1 });
    await vm.sh(`systemctl start ${UNIT}`);
    await unit.said("Failed with result 'exit-code'");
    assertEquals(await unit.properties("ActiveState", "ExecMainStatus", "NRestarts"), {
      ActiveState: "failed",
      ExecMainStatus: "2",
      NRestarts: "0",
    });
    assertStringIncludes(await unit.log(), "nonsense: is not a known key");
  },
}, { manager: "systemd", clock: "instructions" });

/** The group and the uid of a worker that has a session. */
async function workerOf(
  server: GuestClient,
  app: string,
): Promise<{ folder: string; uid: number }> {
  assertEquals((await server.ask(`/app/${app}/`)).body, "/");
  const ready = (await server.workers(app)).find(({ state }) => state === "ready");
  return { folder: ready?.cgroup?.folder ?? "", uid: ready?.uid ?? NaN };
}

/** What a worker can see, without what differs from one worker to the next. */
async function viewOf(server: GuestClient, app: string): Promise<string[]> {
  const { body } = await server.ask(`/app/${app}/view`);
  return body.split("\n").filter((line) => line !== "" && !line.startsWith("Uid:"));
}
