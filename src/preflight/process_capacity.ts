import { readCgroupView, readPidsMaxima } from "#src/cgroup/mod.ts";
import { errorMessage } from "#src/core/mod.ts";
import { advice, type Finding, info, warning } from "./finding.ts";
import type { HostRoots } from "./host.ts";
import { parseMaxProcesses } from "./process_limit.ts";
import { readSysctl } from "./sysctl.ts";

/** A bound to how many processes and threads there can be in all. */
export interface ProcessBound {
  /** What sets it: the name of a kernel setting, a file, or a limit of the user. */
  readonly name: string;
  /** How many there can be; `Infinity` for any number. */
  readonly value: number;
  /** What raises it, as the beginning of a sentence. */
  readonly raise: string;
}

/**
 * What a worker has of processes and threads while nothing happens in it: two of bwrap, and three
 * or four of an R with shiny, measured with R 4.2 and its reference BLAS; a BLAS with threads adds
 * one for each core.
 */
const IDLE_WORKER = 8;

/**
 * Reads what bounds the number of processes and threads on this host.
 *
 * @param roots Where the system keeps it.
 * @param options `isRoot` tells whether this process is root, whose own limit binds no worker.
 * @returns The bounds, and for each that could not be read what went wrong.
 */
export async function readBounds(
  roots: HostRoots,
  { isRoot }: { readonly isRoot: boolean },
): Promise<{ bounds: ProcessBound[]; problems: string[] }> {
  const sources = [
    kernelBound(roots, "kernel.threads-max"),
    kernelBound(roots, "kernel.pid_max"),
    groupBound(roots),
    ...(isRoot ? [] : [userBound(roots)]),
  ];
  const read = await Promise.allSettled(sources);
  return {
    bounds: read.flatMap((it) => it.status === "fulfilled" ? it.value : []),
    problems: read.flatMap((it) => it.status === "rejected" ? [errorMessage(it.reason)] : []),
  };
}

/**
 * Compares the bounds with what workers may have and with what they need.
 *
 * @param bounds What there can be.
 * @param options `perWorker` is how many processes and threads one worker may have, `workers` how
 * many workers there may be.
 * @returns A warning for each bound that keeps workers from starting while one of them uses all it
 * may, and what to know for each that keeps them from using all they may.
 */
export function judgeCapacity(
  bounds: readonly ProcessBound[],
  { perWorker, workers }: { readonly perWorker: number; readonly workers: number },
): Finding[] {
  const wanted = perWorker * workers;
  const needed = perWorker + workers * IDLE_WORKER;
  return bounds.filter(({ value }) => value < wanted).map(({ name, value, raise }) => {
    const fix = advice(
      `${raise} to ${wanted} or more, or lower proxy.max_workers or server.default_pids_limit`,
    );
    if (value < needed) {
      const message =
        `${name} is ${value}, so that not all of ${workers} workers can start while ` +
        `one has ${perWorker} processes and threads, for which it takes about ${needed}`;
      return warning(message, fix);
    }
    const message = `${name} is ${value}, so that not all of ${workers} workers can have ` +
      `${perWorker} processes and threads at a time`;
    return info(message, fix);
  });
}

/** Settings of the whole kernel, or of its pid namespace (proc_sys_kernel(5)). */
async function kernelBound(roots: HostRoots, name: string): Promise<ProcessBound[]> {
  const text = await readSysctl(roots, name);
  if (text === undefined || !/^\d+$/.test(text)) {
    throw new Error(`cannot read ${name}: it is ${JSON.stringify(text ?? null)}, want a number`);
  }
  return [{ name, value: Number(text), raise: `Raise ${name} with sysctl` }];
}

/** The lowest of what the groups are limited to that workers are in today: the server's own. */
async function groupBound(roots: HostRoots): Promise<ProcessBound[]> {
  const maxima = await readPidsMaxima(await readCgroupView(roots));
  return maxima.toSorted((a, b) => a.max - b.max).slice(0, 1).map(({ file, max }) => ({
    name: file,
    value: max,
    raise: "Raise it, with TasksMax= in the unit if it is one of systemd's,",
  }));
}

/** RLIMIT_NPROC counts all processes of a user, which without root are all workers. */
async function userBound({ proc }: HostRoots): Promise<ProcessBound[]> {
  const { soft } = parseMaxProcesses(await Deno.readTextFile(`${proc}/self/limits`));
  return [{
    name: "the number of processes of the server's user (ulimit -u)",
    value: soft,
    raise: "Raise it, with LimitNPROC= in the server's unit or ulimit -u in its shell,",
  }];
}
