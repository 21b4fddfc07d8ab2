import { startCommand } from "#src/backend/sandboxed_command.ts";
import type { WorkerGroup } from "#src/cgroup/mod.ts";
import { systemClock, toGid, toUid, toWorkerId } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

Deno.test(
  "why a sandbox did not start is told, also when its group cannot be removed",
  strict,
  async () => {
    const log = new RecordingLogger();
    const group = {
      folder: "/cg/workers/a",
      remove: () => Promise.reject(new Error("it is busy")),
    } as unknown as WorkerGroup;
    const id = toWorkerId("a");
    const start = startCommand({
      id,
      command: ["/bin/true"],
      app: { kind: "none" },
      mounts: [],
      env: {},
      workDir: "/tmp",
      runtime: { rPath: "", binFolders: [], toolTrees: [] },
    }, {
      slots: {
        owner: { uid: toUid(2000), gid: toGid(2000), exclusive: true, maxProcesses: 1 },
        release: () => Promise.resolve(),
      },
      limits: { memoryBytes: 0, cpuCores: 0, pids: 0 },
      frame: {
        launchers: { launch: () => Promise.reject(new Error("no launcher starts")) },
        attach: () => undefined,
        proc: "/proc",
        clock: systemClock,
        log,
        layout: { rootEntries: [], canDisableUserns: true },
        bwrapPath: "/usr/bin/bwrap",
        groups: { lacking: [], create: () => Promise.resolve(group) },
        seccomp: undefined,
      },
    });
    await assertRejects(() => start, Error, "no launcher starts");
    assertEquals(log.records.map(({ message, fields }) => [message, fields["error"]]), [
      ["cannot remove a cgroup", "it is busy"],
    ]);
  },
);
