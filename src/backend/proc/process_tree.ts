import { type Pid, toPid } from "#src/core/mod.ts";
import { isGone, listIfThere, listPids, mapInBatches, procRoot, readIfThere } from "./read.ts";
import type { ProcOptions } from "./read.ts";
import { readStat } from "./stat.ts";

/** The children of one process, and whether the kernel could tell. */
type Children = readonly Pid[] | "unsupported";

/**
 * Finds every process that descends from one, zombies included.
 *
 * A child hangs on the thread that forked it, so that all threads are asked, through
 * `/proc/PID/task/TID/children` (proc_tid_children(5)); where the kernel has no such file
 * (CONFIG_PROC_CHILDREN is off), every process of the host is asked for its parent.
 * While processes come and go, one that is forked during the look can be missed: to be sure that
 * none is left, ask for those of a uid when nothing can fork any more.
 *
 * @param pid The process at the top.
 * @param options `proc` is the root of the procfs.
 * @returns The descendants without `pid` itself, parents before their children; empty when the
 * process is gone.
 * @throws {Error} When the kernel's files are there and cannot be read.
 */
export async function descendants(pid: Pid, options: ProcOptions = {}): Promise<Pid[]> {
  const proc = procRoot(options);
  return await walk(pid, (parent) => childrenOf(proc, parent)) ??
    await descendantsByParent(pid, proc);
}

/** Breadth first; undefined as soon as the kernel cannot tell. */
async function walk(
  root: Pid,
  childrenOfOne: (parent: Pid) => Children | Promise<Children>,
): Promise<Pid[] | undefined> {
  const found = new Set<Pid>([root]);
  for (let level: Pid[] = [root]; level.length > 0;) {
    const next: Pid[] = [];
    for (const children of await mapInBatches(level, async (pid) => await childrenOfOne(pid))) {
      if (children === "unsupported") return undefined;
      for (const child of children) {
        if (found.has(child)) continue; // its number was given to another process meanwhile
        found.add(child);
        next.push(child);
      }
    }
    level = next;
  }
  found.delete(root);
  return [...found];
}

async function childrenOf(proc: string, pid: Pid): Promise<Children> {
  const children: Pid[] = [];
  for (const tid of await listIfThere(`${proc}/${pid}/task`) ?? []) {
    const ofThread = await childrenOfThread(`${proc}/${pid}/task/${tid}`);
    if (ofThread === "unsupported") return ofThread;
    children.push(...ofThread);
  }
  return children;
}

async function childrenOfThread(task: string): Promise<Children> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${task}/children`);
  } catch (error) {
    if (!isGone(error)) throw new Error(`cannot read ${task}/children`, { cause: error });
    // Gone, or a kernel without the file? A thread that is there has a stat.
    return await readIfThere(`${task}/stat`) === undefined ? [] : "unsupported";
  }
  return text.split(" ").filter((word) => word.trim() !== "").map((word) => toPid(Number(word)));
}

async function descendantsByParent(pid: Pid, proc: string): Promise<Pid[]> {
  const byParent = new Map<number, Pid[]>();
  for (const stat of await mapInBatches(await listPids(proc), (name) => readStat(proc, name))) {
    if (stat === undefined) continue;
    const siblings = byParent.get(stat.ppid);
    if (siblings === undefined) byParent.set(stat.ppid, [stat.pid]);
    else siblings.push(stat.pid);
  }
  return await walk(pid, (parent) => byParent.get(parent) ?? []) ?? [];
}
