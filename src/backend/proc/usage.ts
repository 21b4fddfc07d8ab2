import type { Clock, Pid } from "#src/core/mod.ts";
import { readMemoryBytes } from "./memory.ts";
import { descendants } from "./process_tree.ts";
import { procRoot } from "./read.ts";
import type { ProcOptions } from "./read.ts";
import { isDeadState, type ProcStat, readStat, TICKS_PER_SECOND } from "./stat.ts";

/** The processes of a tree at one moment, by pid and start time, which no two processes share. */
export type TreeTimes = ReadonlyMap<
  string,
  Pick<ProcStat, "cpuTicks" | "reapedCpuTicks">
>;

/** What a tree of processes uses. */
export interface TreeUsage {
  /** Share of one core since the sample before, in percent, 0 or above. */
  readonly cpuPercent: number;
  /** Proportional set size of all its processes, in bytes. */
  readonly memoryBytes: number;
  /** How many processes it has. */
  readonly processes: number;
}

const NOTHING: TreeUsage = { cpuPercent: 0, memoryBytes: 0, processes: 0 };

/** Below this the time of processes, which comes in ticks, says nothing about a share. */
const SHORTEST_MEASURE_MS = 1000 / TICKS_PER_SECOND;

/**
 * Calculates the CPU time that a tree of processes used between two looks.
 *
 * The time of a process that ended moves to the parent that reaped it, so that the difference of
 * the sums is right as long as everything is waited for. A parent that ignores SIGCHLD makes the
 * time vanish from the sum (wait(2)); what the others used is then still a lower bound.
 *
 * @param before The earlier look; empty for the start of the tree.
 * @param after The later look.
 * @returns The time in ticks, 0 or above.
 */
export function cpuTicksBetween(before: TreeTimes, after: TreeTimes): number {
  let difference = 0;
  let lowerBound = 0;
  for (const { cpuTicks, reapedCpuTicks } of before.values()) {
    difference -= cpuTicks + reapedCpuTicks;
  }
  for (const [key, { cpuTicks, reapedCpuTicks }] of after) {
    difference += cpuTicks + reapedCpuTicks;
    const earlier = before.get(key);
    lowerBound += earlier === undefined
      ? cpuTicks + reapedCpuTicks
      : Math.max(0, cpuTicks - earlier.cpuTicks);
  }
  return Math.max(difference, lowerBound);
}

/** Measures what a tree of processes uses, from one call to the next. */
export class UsageSampler {
  readonly #pid: Pid;
  readonly #proc: string;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #startTicks: number | undefined;
  #before: TreeTimes = new Map();
  #beforeMs: number;
  #cpuPercent = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Begins the time that the first sample is about.
   *
   * @param pid The process at the top of the tree, just started.
   * @param options `clock` measures the time between samples; `proc` is the root of the procfs.
   */
  constructor(pid: Pid, options: ProcOptions & { readonly clock: Pick<Clock, "monotonicMs"> }) {
    this.#pid = pid;
    this.#proc = procRoot(options);
    this.#clock = options.clock;
    this.#beforeMs = options.clock.monotonicMs();
  }

  /**
   * Measures. Calls that overlap are served one after the other; one that follows within 10 ms
   * repeats the CPU share of the one before.
   *
   * @returns The share of one core since the call before, memory and number of processes now; zeros
   * when the process at the top has ended.
   * @throws {Error} When the kernel's files are there and cannot be read.
   */
  sample(): Promise<TreeUsage> {
    const sample = this.#turn.then(() => this.#sample());
    this.#turn = sample.catch(() => {});
    return sample;
  }

  async #sample(): Promise<TreeUsage> {
    const pids = [this.#pid, ...await descendants(this.#pid, { proc: this.#proc })];
    const nowMs = this.#clock.monotonicMs();
    const stats: ProcStat[] = [];
    // One by one and parents first: a child that is reaped meanwhile is missing here and counted in
    // the next sample, through its parent, instead of twice in this one.
    for (const pid of pids) {
      const stat = await readStat(this.#proc, pid);
      if (stat !== undefined) stats.push(stat);
      else if (pid === this.#pid) return NOTHING;
    }
    const top = stats[0];
    this.#startTicks ??= top?.startTicks;
    if (top === undefined || top.startTicks !== this.#startTicks || isDeadState(top.state)) {
      return NOTHING;
    }
    this.#measureCpu(new Map(stats.map((stat) => [`${stat.pid} ${stat.startTicks}`, stat])), nowMs);
    const live = stats.filter(({ state }) => !isDeadState(state));
    return {
      cpuPercent: this.#cpuPercent,
      memoryBytes: readMemoryBytes(this.#proc, live.map(({ pid }) => pid)),
      processes: live.length,
    };
  }

  #measureCpu(now: TreeTimes, nowMs: number): void {
    const elapsedMs = nowMs - this.#beforeMs;
    if (elapsedMs < SHORTEST_MEASURE_MS) return;
    const usedMs = cpuTicksBetween(this.#before, now) * 1000 / TICKS_PER_SECOND;
    this.#cpuPercent = 100 * usedMs / elapsedMs;
    this.#before = now;
    this.#beforeMs = nowMs;
  }
}
