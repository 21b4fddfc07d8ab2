import { descendants, isDeadState, type ProcStatus, readStatus } from "#src/backend/mod.ts";
import { type Pid, toPid } from "#src/core/mod.ts";
import { isIn, type NumberRange } from "./number_ranges.ts";

/** Every pid namespace has it; a procfs with hidepid= need not show it (proc(5)). */
const FIRST = toPid(1);

/**
 * Finds the uids of a range that processes run under which this process did not start: other checks
 * start some at the same time. Processes that have ended and that nobody has reaped do not count,
 * as they do not when a worker is given a uid.
 *
 * @param range The uids.
 * @param options `proc` is the root of the procfs.
 * @returns The uids, ascending.
 * @throws {Error} When the processes cannot be looked at.
 */
export async function findUidsOfOthers(
  range: NumberRange,
  { proc }: { proc: string },
): Promise<number[]> {
  const pids: Pid[] = [];
  for await (const { name } of Deno.readDir(proc)) {
    if (/^\d+$/.test(name)) pids.push(toPid(Number(name)));
  }
  if (!pids.includes(FIRST)) {
    throw new Error(
      `${proc} does not show the processes of others, want it without hidepid= or the server with ` +
        "CAP_SYS_PTRACE",
    );
  }
  const before = await uidsOf(pids, { range, proc });
  // What was there before and is there after was there in between: if it is this process's, it shows.
  const own = new Set(await descendants(toPid(Deno.pid), { proc }));
  const others = [...before.keys()].filter((pid) => !own.has(pid));
  const after = await uidsOf(others, { range, proc });
  return [...new Set([...after.values()].flat())].sort((a, b) => a - b);
}

/** The uids in the range of those processes that can still run and have any. */
async function uidsOf(
  pids: readonly Pid[],
  { range, proc }: { range: NumberRange; proc: string },
): Promise<Map<Pid, number[]>> {
  const found = new Map<Pid, number[]>();
  for (const pid of pids) {
    const status = await readStatus(proc, pid);
    const uids = status?.uids.filter((uid) => isIn(uid, range)) ?? [];
    if (status !== undefined && uids.length > 0 && await canRun(proc, status)) found.set(pid, uids);
  }
  return found;
}

/** A process whose first thread has ended looks like a zombie while others of its threads go on. */
async function canRun(proc: string, { pid, state }: ProcStatus): Promise<boolean> {
  if (!isDeadState(state)) return true;
  try {
    for await (const { name } of Deno.readDir(`${proc}/${pid}/task`)) {
      const thread = await readStatus(proc, `${pid}/task/${name}`);
      if (thread !== undefined && !isDeadState(thread.state)) return true;
    }
  } catch (error) {
    // It was reaped in the meantime; a zombie's threads hide nothing from root.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}
