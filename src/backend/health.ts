import { errorMessage, type Pid, type Uid } from "#src/core/mod.ts";
import type { WorkerAddress } from "./backend.ts";
import {
  answeringAt,
  descendants,
  findListeners,
  type SharedSocketTables,
  socketInodes,
} from "./proc/mod.ts";

/** What a health check has to know of a worker. */
export interface HealthSubject {
  /** Where it should answer. */
  readonly address: WorkerAddress & { readonly kind: "tcp" };
  /** Its monitor. */
  readonly pid: Pid;
  /** Its uid, if that is its alone. */
  readonly exclusiveUid: Uid | undefined;
}

/** How long a worker may take to accept a connection. */
const CONNECT_TIMEOUT_MS = 1000;

/**
 * Looks whether a worker answers at its port, and whether it is really the worker that does: any program of the
 * host could listen on its port.
 *
 * @param worker The worker.
 * @param options `proc` is the root of the procfs, `tables` lists the host's sockets.
 * @returns Undefined when it is healthy, else what was seen; never rejects.
 */
export async function checkHealth(
  worker: HealthSubject,
  { proc, tables }: { proc: string; tables: SharedSocketTables },
): Promise<string | undefined> {
  const { hostname, port } = worker.address;
  try {
    // First what costs little: looking through the kernel's list of sockets takes milliseconds.
    const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    (await Deno.connect({ hostname, port, signal })).close();
    const listeners = answeringAt(findListeners(port, await tables.read()), hostname);
    if (listeners.length === 0) return `nothing listens on ${hostname}:${port} any more`;
    const own = worker.exclusiveUid === undefined ? await treeSockets(worker.pid, proc) : undefined;
    for (const { uid, inode } of listeners) {
      // One stranger is enough: it may be the one who gets the connections.
      if (own ? !own.has(inode) : uid !== worker.exclusiveUid) {
        return `a program of uid ${uid} that is not the worker listens on ${hostname}:${port}`;
      }
    }
    return undefined;
  } catch (error) {
    return `cannot check ${hostname}:${port}: ${errorMessage(error)}`;
  }
}

async function treeSockets(root: Pid, proc: string): Promise<ReadonlySet<number>> {
  const pids = [root, ...await descendants(root, { proc })];
  const sets = await Promise.all(pids.map((pid) => socketInodes(pid, { proc })));
  return new Set(sets.flatMap((set) => [...set]));
}
