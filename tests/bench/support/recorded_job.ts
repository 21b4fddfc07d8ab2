import { MemoryAllocator, PORT_SLOTS, UID_SLOTS } from "#src/allocator/mod.ts";
import { ProcessBackend, type WorkerSpec } from "#src/backend/mod.ts";
import type { ProcessConfig } from "#src/config/mod.ts";
import { silentLogger, systemClock } from "#src/core/mod.ts";
import { type HostLayout, type LaunchJob, withoutGate } from "#src/sandbox/mod.ts";

/** What a launcher is told. */
type Job = Omit<LaunchJob, "parent">;

/**
 * Finds out what a backend would tell a launcher, without starting anything.
 *
 * @param spec The worker.
 * @param options The configuration, with absolute paths of bwrap and R; the layout of the host;
 * `maxProcesses` is the limit for the worker.
 * @returns The job.
 * @throws {Error} When the backend does not get that far.
 */
export async function recordJob(
  spec: WorkerSpec,
  { config, layout, maxProcesses }: {
    config: ProcessConfig;
    layout: HostLayout;
    maxProcesses: number;
  },
): Promise<Job> {
  const jobs: Job[] = [];
  const uids = { start: config.workerUidRangeStart, end: config.workerUidRangeEnd };
  const ports = { start: config.portRangeStart, end: config.portRangeEnd };
  const backend = new ProcessBackend({
    frame: {
      launchers: {
        launch(job) {
          jobs.push(job);
          return Promise.reject(new Error("this job is for the record only"));
        },
      },
      attach: () => {
        throw new Error("cannot take hold of a sandbox that was not started");
      },
      proc: "/proc",
      clock: systemClock,
      log: silentLogger,
      layout,
      bwrapPath: config.bwrapPath,
      groups: undefined,
      seccomp: undefined,
    },
    owners: {
      kind: "exclusive",
      uids: new MemoryAllocator(UID_SLOTS, uids),
      isBusy: () => Promise.resolve(false),
      gid: config.workerGid,
      maxProcesses,
    },
    ports: new MemoryAllocator(PORT_SLOTS, ports),
    holdPort: () => ({ [Symbol.dispose]() {} }),
    openSocket: () => {
      throw new Error("cannot take hold of a sandbox that was not started");
    },
    rPath: config.rPath,
    rigBase: config.rigBase,
    limits: { memoryBytes: 0, cpuCores: 0, pids: maxProcesses },
  });
  try {
    await backend.spawn(spec);
  } catch (error) {
    const [job] = jobs;
    if (job !== undefined) return ungated(job);
    throw error;
  }
  throw new Error("cannot record a job: the backend started a worker without one");
}

/** On its own, bwrap has nobody to open the gate. */
function ungated(job: Job): Job {
  const end = job.args.indexOf("--") + 1;
  const command = job.args.slice(end).filter((arg) => typeof arg === "string");
  return { ...job, args: [...job.args.slice(0, end), ...withoutGate(command)] };
}
