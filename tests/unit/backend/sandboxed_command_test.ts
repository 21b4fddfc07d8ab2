import { startCommand } from "#src/backend/sandboxed_command.ts";
import type { WorkerGroup } from "#src/cgroup/mod.ts";
import { systemClock, toGid, toPid, toUid, toWorkerId } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

function streamOf(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob([text]).stream();
}

Deno.test(
  "why a sandbox did not start is told, also when its group cannot be removed",
  strict,
  async () => {
    const log = new RecordingLogger();
    const limits = { memoryBytes: 1024 ** 2, cpuCores: 0, pids: 1 };
    const settled: unknown[] = [];
    const group = {
      folder: "/cg/workers/a",
      setLimits(wanted: unknown) {
        settled.push(wanted);
        return Promise.resolve(limits);
      },
      remove: () => Promise.reject(new Error("it is busy")),
    } as unknown as WorkerGroup;
    const start = startCommand({
      id: toWorkerId("a"),
      command: ["/bin/true"],
      network: "host",
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
      limits,
      frame: {
        launchers: {
          async launch(_job, { settle } = {}) {
            await settle?.(group);
            return {
              group,
              pid: toPid(1_000_000),
              stdout: streamOf(""),
              stderr: streamOf("bwrap-exec: cannot join the cgroup\n"),
              atGate: Promise.resolve(false),
              kill: () => {},
              open: () => Promise.resolve(),
              status: Promise.resolve({ success: false, code: 126, signal: null }),
            };
          },
        },
        attach: () => undefined,
        proc: "/proc",
        clock: systemClock,
        log,
        layout: { rootEntries: [], keyLists: [], canDisableUserns: true, canLandlock: false },
        bwrapPath: "/usr/bin/bwrap",
        groups: { lacking: [] },
        seccomp: undefined,
      },
    });
    await assertRejects(() => start, Error, "bwrap-exec: cannot join the cgroup");
    assertEquals(settled, [limits]);
    assertEquals(log.records.map(({ message, fields }) => [message, fields["error"]]), [
      ["cannot remove a cgroup", "it is busy"],
    ]);
  },
);
