import type { GroupTree } from "./group_tree.ts";

/** How far up the tree of processes is followed: no real one is nearly as deep. */
const MAX_DEPTH = 1000;

/**
 * Counts the processes of a group that neither are a certain process nor descend from it. A group
 * with processes hands no controllers down, and of those in it only one's own can be moved away.
 *
 * @param folder Absolute path of the group's folder.
 * @param options `groups` are the groups; `proc` is the root of the procfs; `pid` is the process.
 * @returns How many there are; those that the procfs does not show count.
 * @throws {CgroupError} When the kernel does not list them.
 * @throws {SyntaxError} When its list is not understood.
 */
export async function countOtherProcesses(
  folder: string,
  { groups, proc, pid }: { groups: GroupTree; proc: string; pid: number },
): Promise<number> {
  const judged = await Promise.all((await listProcesses(folder, groups)).map(async (it) => ({
    pid: it,
    descends: await descends(it, pid, proc),
  })));
  const others = judged.filter((it) => it.descends === false).length;
  const unseen = judged.filter((it) => it.descends === undefined);
  if (unseen.length === 0) return others;
  // What has ended is in nobody's way; what is hidden, as by hidepid= of the procfs, still is.
  const left = await listProcesses(folder, groups);
  return others + unseen.filter((it) => left.includes(it.pid)).length;
}

/**
 * Lists the processes of a group that are a certain process or descend from it.
 *
 * @param folder Absolute path of the group's folder.
 * @param options As for {@linkcode countOtherProcesses}.
 * @returns Their ids.
 * @throws {CgroupError} When the kernel does not list them.
 * @throws {SyntaxError} When its list is not understood.
 */
export async function listOwnProcesses(
  folder: string,
  { groups, proc, pid }: { groups: GroupTree; proc: string; pid: number },
): Promise<number[]> {
  const own: number[] = [];
  for (const it of await listProcesses(folder, groups)) {
    if (await descends(it, pid, proc)) own.push(it);
  }
  return own;
}

/**
 * Lists the processes of a group.
 *
 * @param folder Absolute path of the group's folder.
 * @param groups The groups.
 * @returns Their ids; 0 for those outside of this pid namespace.
 * @throws {CgroupError} When the kernel does not list them.
 * @throws {SyntaxError} When its list is not understood.
 */
export async function listProcesses(
  folder: string,
  groups: Pick<GroupTree, "read">,
): Promise<number[]> {
  const text = await groups.read(folder, "cgroup.procs") ?? "";
  return text.split("\n").filter((line) => line !== "").map((line) => {
    if (!/^\d+$/.test(line)) {
      throw new SyntaxError(`cannot parse ${JSON.stringify(line)} of cgroup.procs: want a number`);
    }
    return Number(line);
  });
}

/** Undefined when the process or one above it is not shown. */
async function descends(
  pid: number,
  ancestor: number,
  proc: string,
): Promise<boolean | undefined> {
  let current: number | undefined = pid;
  for (let depth = 0; depth < MAX_DEPTH && current !== undefined; depth++) {
    if (current === ancestor) return true;
    // The kernel shows processes outside of this pid namespace as 0.
    if (current <= 1) return false;
    current = await parentOf(current, proc);
  }
  return current === undefined ? undefined : false;
}

async function parentOf(pid: number, proc: string): Promise<number | undefined> {
  let status: string;
  try {
    status = await Deno.readTextFile(`${proc}/${pid}/status`);
  } catch {
    return undefined;
  }
  const parent = /^PPid:\t(\d+)$/m.exec(status)?.[1];
  return parent === undefined ? undefined : Number(parent);
}
