import type { GroupUsage, WorkerGroup } from "#src/cgroup/mod.ts";
import type { Clock, Pid } from "#src/core/mod.ts";
import type { ResourceLimits, ResourceUsage } from "./backend.ts";
import type { UsageSampler } from "./proc/mod.ts";

/**
 * How long a measure of memory serves where the group does not count it, in milliseconds: the kernel
 * walks through all pages of every process for one, some 0.3 ms for an R. By chance, within these
 * bounds, so that workers that were started together are not all measured in the same look.
 */
const MEMORY_FRESH_MS = { least: 2500, most: 7500 };
/** For how long one look serves all who ask, in milliseconds. */
const FRESH_MS = 1000;

/** What a worker's use is read from. */
export interface UsageSources {
  /** Its cgroup; undefined on a host where none can be made. */
  readonly group: Pick<WorkerGroup, "usage" | "limits" | "pids"> | undefined;
  /** Its processes, where there is no group. */
  readonly processes: Pick<UsageSampler, "sample">;
  /** Measures the memory of processes, for a group that does not count it; in bytes. */
  readonly memoryOf: (pids: readonly Pid[]) => number;
  /** What holds without a group: the processes of its uid. */
  readonly pids: number;
  /** Measures the time between looks. */
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** Measures one worker, no more often than is worth it however many ask. */
export class WorkerUsage {
  readonly #sources: UsageSources;
  #latest: { readonly atMs: number; readonly usage: Promise<ResourceUsage> } | undefined;
  #memory: { readonly bytes: number; readonly untilMs: number } | undefined;
  #cpu: { readonly usec: number; readonly atMs: number };

  /**
   * Begins the time that the first look is about.
   *
   * @param sources What the use is read from; the worker has just been started.
   */
  constructor(sources: UsageSources) {
    this.#sources = sources;
    this.#cpu = { usec: 0, atMs: sources.clock.monotonicMs() };
  }

  /** What the worker is held to, as the kernel took it. */
  get limits(): ResourceLimits {
    const { group, pids } = this.#sources;
    if (group === undefined) return { memoryBytes: 0, cpuCores: 0, pids };
    return { ...group.limits, pids: group.limits.pids || pids };
  }

  /**
   * Looks, unless somebody has just done so.
   *
   * @returns What the worker uses.
   * @throws {Error} When the kernel's files are there and cannot be read.
   */
  sample(): Promise<ResourceUsage> {
    const nowMs = this.#sources.clock.monotonicMs();
    if (this.#latest !== undefined && nowMs - this.#latest.atMs < FRESH_MS) {
      return this.#latest.usage;
    }
    const usage = this.#look();
    this.#latest = { atMs: nowMs, usage };
    return usage;
  }

  async #look(): Promise<ResourceUsage> {
    const { group, processes } = this.#sources;
    const { limits } = this;
    if (group === undefined) return { ...await processes.sample(), limits };
    const counted = await group.usage();
    const isCounted = counted.memoryBytes !== undefined && counted.processes !== undefined;
    const pids = isCounted ? [] : await group.pids();
    return {
      cpuPercent: this.#cpuPercent(counted),
      memoryBytes: counted.memoryBytes ?? this.#memoryOf(pids),
      processes: counted.processes ?? pids.length,
      limits,
      ...extras(counted),
    };
  }

  #memoryOf(pids: readonly Pid[]): number {
    const { clock, memoryOf } = this.#sources;
    const nowMs = clock.monotonicMs();
    if (this.#memory === undefined || nowMs >= this.#memory.untilMs) {
      const { least, most } = MEMORY_FRESH_MS;
      const untilMs = nowMs + least + Math.random() * (most - least);
      this.#memory = { bytes: memoryOf(pids), untilMs };
    }
    return this.#memory.bytes;
  }

  /** A group that is gone uses nothing any more. */
  #cpuPercent({ cpuUsec = 0 }: GroupUsage): number {
    const atMs = this.#sources.clock.monotonicMs();
    const elapsedUsec = (atMs - this.#cpu.atMs) * 1000;
    const usedUsec = Math.max(0, cpuUsec - this.#cpu.usec);
    this.#cpu = { usec: cpuUsec, atMs };
    return elapsedUsec > 0 ? 100 * usedUsec / elapsedUsec : 0;
  }
}

function extras(
  { memoryPeakBytes, io, pressure }: GroupUsage,
): Pick<ResourceUsage, "memoryPeakBytes" | "io" | "pressure"> {
  return {
    ...(memoryPeakBytes !== undefined && { memoryPeakBytes }),
    ...(io && { io }),
    ...(pressure && { pressure }),
  };
}
