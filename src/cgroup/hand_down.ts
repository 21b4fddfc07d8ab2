import type { Clock } from "#src/core/mod.ts";
import { CgroupError, reasonOf } from "./cgroup_error.ts";
import { parseControllers } from "./controllers.ts";
import type { GroupTree } from "./group_tree.ts";
import { readParsed } from "./kernel_text.ts";
import { listOwnProcesses, listProcesses } from "./other_processes.ts";
import { makeUnlessThere } from "./make_group.ts";

/** How often processes are looked for that a process starts while it is being moved. */
const ROUNDS = 3;
/** How long a process that is ending has to leave a group, in milliseconds. */
const PAUSE_MS = 20;

const SUBTREE_CONTROL = "cgroup.subtree_control";

/** What is needed for handing down controllers. */
export interface HandDownOptions {
  /** The groups. */
  readonly groups: GroupTree;
  /** The time. */
  readonly clock: Clock;
  /** The root of the procfs. */
  readonly proc: string;
  /** This process. */
  readonly pid: number;
}

/**
 * Moves this process and those that it started out of a group.
 *
 * @param from Absolute path of the group's folder.
 * @param to Absolute path of the folder of the group that they are moved to; made when there are
 * any.
 * @param options What is needed for it.
 * @returns How many were moved.
 * @throws {CgroupError} When the kernel refuses.
 * @throws {SyntaxError} When its list of processes is not understood.
 */
export async function moveOwnProcesses(
  from: string,
  to: string,
  options: HandDownOptions,
): Promise<number> {
  const { groups } = options;
  let count = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const own = await listOwnProcesses(from, options);
    if (own.length === 0) break;
    await makeUnlessThere(to, groups);
    for (const pid of own) {
      try {
        await groups.write(to, "cgroup.procs", String(pid));
        count++;
      } catch (error) {
        const hasEnded = error instanceof CgroupError && error.code === "ESRCH";
        if (!hasEnded) throw error;
      }
    }
  }
  return count;
}

/**
 * Hands controllers down from a group to those in it, as far as the kernel lets it, and from one
 * that has processes none: with some the kernel would let it, and make a group for threads of it, in
 * which the groups below could take no processes.
 *
 * @param folder Absolute path of the group's folder.
 * @param names The controllers.
 * @param options What is needed for it.
 * @returns Why it did not, by the controller; empty when all are handed down.
 * @throws {CgroupError} When the kernel does not tell what is handed down, or who is in the group.
 * @throws {SyntaxError} When that is not understood.
 */
export async function handDown(
  folder: string,
  names: readonly string[],
  { groups, clock }: Pick<HandDownOptions, "groups" | "clock">,
): Promise<Map<string, string>> {
  const present = await readParsed(groups, folder, SUBTREE_CONTROL, parseControllers) ?? [];
  const wanted = names.filter((name) => !present.includes(name));
  if (wanted.length === 0) return new Map();
  // The root of the whole hierarchy has no type, and hands down with processes in it.
  const isTop = await groups.read(folder, "cgroup.type") === undefined;
  const isFree = async () => isTop || (await listProcesses(folder, groups)).length === 0;
  const occupied = () => new Map(wanted.map((name) => [name, `processes are left in ${folder}`]));
  for (let round = 1; !await isFree(); round++) {
    if (round === ROUNDS) return occupied();
    await clock.sleep(PAUSE_MS);
  }
  const failures = new Map<string, string>();
  // One by one: the kernel takes all of a line or nothing.
  for (const name of wanted) {
    try {
      await groups.write(folder, SUBTREE_CONTROL, `+${name}`);
    } catch (error) {
      failures.set(name, reasonOf(error));
    }
  }
  if (await isFree()) return failures;
  for (const name of wanted.filter((it) => !failures.has(it))) {
    await groups.write(folder, SUBTREE_CONTROL, `-${name}`);
  }
  return occupied();
}
