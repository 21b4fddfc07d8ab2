import { type Pid, toPid } from "#src/core/mod.ts";
import { CgroupError } from "./cgroup_error.ts";
import type { GroupTree } from "./group_tree.ts";
import { findCount, parseCount, parseIoStat, parsePressure, readParsed } from "./kernel_text.ts";

/** What a group used, undefined for what its host does not count by group. */
export interface GroupUsage {
  /** CPU time of all processes that ever were in it, in microseconds. */
  readonly cpuUsec: number | undefined;
  /** Memory that it needs, in bytes: without files that were read and can be dropped at once. */
  readonly memoryBytes: number | undefined;
  /** The most memory that it had, page cache included, in bytes; since Linux 5.19. */
  readonly memoryPeakBytes: number | undefined;
  /** Processes and threads that are in it. */
  readonly processes: number | undefined;
  /** What it read from block devices and wrote to them, in bytes. */
  readonly io: { readonly readBytes: number; readonly writtenBytes: number } | undefined;
  /** Parts of the last ten seconds in which some of it waited for a resource, in percent. */
  readonly pressure: GroupPressure | undefined;
}

/** How much a group waits for resources, in percent of the last ten seconds. */
export interface GroupPressure {
  /** For a CPU. */
  readonly cpu: number;
  /** For memory that is taken back or read again. */
  readonly memory: number;
  /** For a device. */
  readonly io: number;
}

/**
 * Reads what a group used (the kernel's `Documentation/admin-guide/cgroup-v2.rst`).
 *
 * @param folder Absolute path of the group's folder.
 * @param groups The groups.
 * @param controllers The controllers that the group has; without one there are no files of it.
 * @returns What the kernel counts; nothing of it for a group that is gone.
 * @throws {CgroupError} When a file is there and cannot be read.
 * @throws {SyntaxError} When its content is not understood.
 */
export async function readUsage(
  folder: string,
  groups: Pick<GroupTree, "read">,
  controllers: readonly string[],
): Promise<GroupUsage> {
  const read = <T>(file: string, parse: (text: string) => T) => {
    const [owner = ""] = file.split(".");
    const isThere = EVERYWHERE.test(file) || controllers.includes(owner);
    return isThere ? readParsed(groups, folder, file, parse) : Promise.resolve(undefined);
  };
  const count = (text: string) => parseCount(text.trim());
  const [cpuUsec, current, inactive, memoryPeakBytes, processes, io, pressure] = await Promise.all([
    read("cpu.stat", (text) => findCount(text, "usage_usec")),
    read("memory.current", count),
    read("memory.stat", (text) => findCount(text, "inactive_file")),
    read("memory.peak", count),
    read("pids.current", count),
    read("io.stat", parseIoStat),
    readPressure(read),
  ]);
  // The two are not read at the same moment.
  const memoryBytes = current === undefined ? undefined : Math.max(0, current - (inactive ?? 0));
  return { cpuUsec, memoryBytes, memoryPeakBytes, processes, io, pressure };
}

/**
 * Reads how many processes were killed because memory ran out.
 *
 * @param folder Absolute path of the group's folder.
 * @param groups The groups.
 * @returns How many, those in groups below it included; 0 where the kernel does not count them, and
 * for a group that is gone. When the whole group is killed, each of its processes counts.
 * @throws {CgroupError} When it cannot be read.
 * @throws {SyntaxError} When it is not understood.
 */
export async function readOomKills(
  folder: string,
  groups: Pick<GroupTree, "read">,
): Promise<number> {
  const kills = (text: string) => findCount(text, "oom_kill");
  return await readParsed(groups, folder, "memory.events", kills) ?? 0;
}

/**
 * Tells whether there are processes in a group or below it.
 *
 * @param folder Absolute path of the group's folder.
 * @param groups The groups.
 * @returns Whether there are; false for a group that is gone.
 * @throws {CgroupError} When it cannot be read.
 * @throws {SyntaxError} When it is not understood.
 */
export async function readPopulated(
  folder: string,
  groups: Pick<GroupTree, "read">,
): Promise<boolean> {
  return await readParsed(groups, folder, "cgroup.events", (text) => {
    const populated = findCount(text, "populated");
    if (populated === undefined) throw new SyntaxError("it does not say whether it is populated");
    return populated !== 0;
  }) ?? false;
}

/**
 * Reads which processes are in a group.
 *
 * @param folder Absolute path of the group's folder.
 * @param groups The groups.
 * @returns Their ids; none for a group that is gone.
 * @throws {CgroupError} When it cannot be read.
 * @throws {SyntaxError} When it is not understood.
 */
export async function readPids(folder: string, groups: Pick<GroupTree, "read">): Promise<Pid[]> {
  const pids = (text: string) =>
    text.split("\n").filter((line) => line !== "").map((line) => toPid(parseCount(line)));
  return await readParsed(groups, folder, "cgroup.procs", pids) ?? [];
}

/** Files that groups have without any controller. */
const EVERYWHERE = /^cpu\.stat$|\.pressure$/;

type ReadFile = <T>(file: string, parse: (text: string) => T) => Promise<T | undefined>;

async function readPressure(read: ReadFile): Promise<GroupPressure | undefined> {
  try {
    const [cpu, memory, io] = await Promise.all(
      ["cpu.pressure", "memory.pressure", "io.pressure"].map((file) => read(file, parsePressure)),
    );
    if (cpu === undefined || memory === undefined || io === undefined) return undefined;
    return { cpu, memory, io };
  } catch (error) {
    // What the files say on a kernel that was booted with psi=0.
    if (error instanceof CgroupError && error.code === "EOPNOTSUPP") return undefined;
    throw error;
  }
}
