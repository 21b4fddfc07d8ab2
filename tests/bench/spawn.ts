import { type Libc, openLibc } from "#ffi/mod.ts";
import type { Backend, WorkerSpec } from "#src/backend/mod.ts";
import type { ProcessConfig } from "#src/config/mod.ts";
import { silentLogger, toUid } from "#src/core/mod.ts";
import { findProgram } from "#src/find_program.ts";
import {
  findLandlock,
  type HostLayout,
  LauncherPool,
  probeHost,
  SandboxedProcess,
} from "#src/sandbox/mod.ts";
import { selfCommand } from "#src/self_command.ts";
import { openTestBackend, wholeLog, workerSpec } from "#tests/support/host_backend.ts";
import { runBare } from "./support/bare_bwrap.ts";
import type { BenchContext, Benchmark } from "./support/benchmark.ts";
import {
  compileFirstInstruction,
  elapsedMs,
  FIRST_INSTRUCTION,
} from "./support/first_instruction.ts";
import { interleave, pause, type Schedule } from "./support/interleave.ts";
import { MonotonicClock } from "./support/monotonic.ts";
import type { Reading } from "./support/reading.ts";
import { recordJob } from "./support/recorded_job.ts";

/** Enough for a launcher to be started and waiting, on a busy machine too; milliseconds. */
const APART_MS = 250;
/** Processes and threads of one worker; what it is does not matter here. */
const MAX_PROCESSES = 256;

/** The ways in which workers are spawned, each a row. */
const ROWS = [
  { row: "1 standby, apart", standbyLaunchers: 1, inARow: 1, wanted: "≤ 1.5" },
  { row: "1 standby, back to back", standbyLaunchers: 1, inARow: 10 },
  { row: "no standby, back to back", standbyLaunchers: 0, inARow: 10 },
] as const;

/** What a part of a sandbox costs: the same backend with and without it. */
const PARTS = [
  { row: "with a cgroup, against without", wanted: "≤ 1.1", without: { cgroups: false } },
  {
    row: "filtered and without a network, against neither",
    wanted: "≤ 1.3",
    with: { network: "none" },
    without: { seccompProfile: undefined },
  },
] as const;

/**
 * From the wish for a worker until the first instruction of its program, against the same bwrap
 * with the same options behind setpriv(1). The launchers run from the sources.
 */
export const spawnBenchmark: Benchmark = {
  name: "spawn",
  programs: [
    { name: "bwrap", debianPackage: "bubblewrap" },
    { name: "R", debianPackage: "r-base-core" },
    { name: "gcc", debianPackage: "gcc" },
    { name: "setpriv", debianPackage: "util-linux" },
  ],
  usesExecutable: false,
  async run({ quick, folder }: BenchContext): Promise<Reading[]> {
    await compileFirstInstruction(folder);
    const readings: Reading[] = [];
    for (const { standbyLaunchers, inARow, ...about } of ROWS) {
      const schedule: Schedule = {
        samples: quick ? 20 : 60,
        warmups: inARow === 1 ? 3 : inARow,
        inARow,
        settle: pause(APART_MS),
      };
      const pairs = await compare(folder, { standbyLaunchers, schedule });
      readings.push({ benchmark: "spawn", unit: "ms", ...about, ...pairs });
    }
    for (const part of PARTS) readings.push(await comparePart(folder, part, quick ? 20 : 60));
    return readings;
  },
};

async function compare(
  folder: string,
  { standbyLaunchers, schedule }: { standbyLaunchers: number; schedule: Schedule },
) {
  using libc = openLibc();
  using clock = new MonotonicClock();
  const [bwrapPath, rPath] = await Promise.all([pathOf("bwrap"), pathOf("R")]);
  await using host = await openTestBackend({
    bwrapPath,
    rPath,
    standbyLaunchers,
    maxProcesses: MAX_PROCESSES,
  });
  const { backend, config } = host;
  const spec = (): WorkerSpec =>
    workerSpec({ source: { kind: "directory", path: folder }, cmd: [`/app/${FIRST_INSTRUCTION}`] });
  const layout = await hostLayout(libc, config);
  const job = await recordJob(spec(), { config, layout, maxProcesses: MAX_PROCESSES });
  const nowNs = () => clock.nowNs();
  return await interleave({
    subject: () => spawnOnce(backend, spec(), nowNs),
    baseline: async () => {
      const { sinceNs, output } = await runBare(libc, job, nowNs);
      return elapsedMs(output, sinceNs);
    },
  }, schedule);
}

async function comparePart(
  folder: string,
  part: (typeof PARTS)[number],
  samples: number,
): Promise<Reading> {
  using clock = new MonotonicClock();
  const options = { standbyLaunchers: 1, maxProcesses: MAX_PROCESSES };
  const network = "with" in part ? part.with.network : "host";
  await using whole = await openTestBackend(options);
  const start = whole.config.workerUidRangeEnd + 1;
  await using plain = await openTestBackend({
    ...options,
    ...part.without,
    workerUidRangeStart: toUid(start),
    workerUidRangeEnd: toUid(start + 49),
  });
  const spec = (changes: Partial<WorkerSpec> = {}): WorkerSpec =>
    workerSpec({
      source: { kind: "directory", path: folder },
      cmd: [`/app/${FIRST_INSTRUCTION}`],
      ...changes,
    });
  const nowNs = () => clock.nowNs();
  const pairs = await interleave({
    subject: () => spawnOnce(whole.backend, spec({ network }), nowNs),
    baseline: () => spawnOnce(plain.backend, spec(), nowNs),
  }, { samples, warmups: 3, settle: pause(APART_MS) });
  return { benchmark: "spawn", row: part.row, unit: "ms", wanted: part.wanted, ...pairs };
}

async function spawnOnce(
  backend: Backend,
  spec: WorkerSpec,
  nowNs: () => bigint,
): Promise<number> {
  const sinceNs = nowNs();
  await backend.spawn(spec);
  const lines = await wholeLog(backend, spec.id);
  await backend.exited(spec.id);
  await backend.removeResource(spec.id);
  return elapsedMs(lines.map(({ text }) => text).join("\n"), sinceNs);
}

async function hostLayout(libc: Libc, config: ProcessConfig): Promise<HostLayout> {
  await using launchers = new LauncherPool(selfCommand(["bwrap-exec", "--wait"]), {
    standby: 0,
    log: silentLogger,
  });
  return await probeHost({
    launchers,
    attach: (monitorPid) => SandboxedProcess.of(libc, monitorPid),
    bwrapPath: config.bwrapPath,
    canLandlock: (await findLandlock(libc, config)).kind === "scoped",
    owner: {
      uid: config.workerUidRangeEnd,
      gid: config.workerGid,
      exclusive: true,
      maxProcesses: MAX_PROCESSES,
    },
  });
}

async function pathOf(name: string): Promise<string> {
  const path = await findProgram(name, { path: Deno.env.get("PATH") ?? "/usr/bin:/bin" });
  if (path === undefined) throw new Error(`cannot find ${name} in PATH`);
  return path;
}
