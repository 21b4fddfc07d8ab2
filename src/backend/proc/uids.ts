import type { Pid, Uid } from "#src/core/mod.ts";
import { listIfThere, listPids, mapInBatches, procRoot } from "./read.ts";
import type { ProcOptions } from "./read.ts";
import { isDeadState } from "./stat.ts";
import { type ProcStatus, readStatus } from "./status.ts";

/** The processes of one user. */
export interface UidProcesses {
  /** Those that can still run, in no order. */
  readonly live: readonly Pid[];
  /** Those that only wait for their parent to reap them, in no order. */
  readonly zombies: readonly Pid[];
}

/**
 * Finds the processes that have a uid as their real, effective, saved or file system uid.
 *
 * A process whose first thread has ended looks like a zombie while others of its threads run on;
 * it counts as live. A look takes in one process after the other: one that forks all the time can
 * slip through, so that "none left" is certain only once nothing of the uid can fork.
 *
 * @param uid The uid, as in the user namespace of the procfs.
 * @param options `proc` is the root of the procfs.
 * @returns The processes of the uid.
 * @throws {Error} When there is no procfs, or a file of it has another form than it should: then
 * nobody can say that none is left.
 */
export async function processesOfUid(
  uid: Uid,
  options: ProcOptions = {},
): Promise<UidProcesses> {
  const proc = procRoot(options);
  const all = await mapInBatches(await listPids(proc), (pid) => readStatus(proc, pid));
  const found: { live: Pid[]; zombies: Pid[] } = { live: [], zombies: [] };
  for (const status of all) {
    if (!status?.uids.includes(uid)) continue;
    const runs = !isDeadState(status.state) || await hasLiveThread(proc, status);
    (runs ? found.live : found.zombies).push(status.pid);
  }
  return found;
}

/**
 * Lists the users that have processes.
 *
 * @param options `proc` is the root of the procfs.
 * @returns Every uid in any of the four columns of any process, zombies included.
 * @throws {Error} When the processes cannot be listed, or a file has another form than it should.
 */
export async function uidsInUse(options: ProcOptions = {}): Promise<Set<Uid>> {
  const proc = procRoot(options);
  const all = await mapInBatches(await listPids(proc), (pid) => readStatus(proc, pid));
  return new Set(all.flatMap((status) => status ? [...status.uids] : []));
}

async function hasLiveThread(proc: string, { pid }: ProcStatus): Promise<boolean> {
  for (const tid of await listIfThere(`${proc}/${pid}/task`) ?? []) {
    if (tid === String(pid)) continue;
    const thread = await readStatus(proc, `${pid}/task/${tid}`);
    if (thread !== undefined && !isDeadState(thread.state)) return true;
  }
  return false;
}
