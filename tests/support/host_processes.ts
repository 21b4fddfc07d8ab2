/**
 * Processes as the kernel shows them to the host in /proc, proc(5).
 *
 * @module
 */

/** A process at one moment. */
export interface HostProcess {
  /** Its id on the host. */
  readonly pid: number;
  /** Its parent's id. */
  readonly parent: number;
  /** The name of its program, at most 15 characters. */
  readonly name: string;
  /** When it started, in clock ticks since boot: with `pid` it names a process for good. */
  readonly startTime: string;
  /** Real, effective, saved and file system uid. */
  readonly uids: readonly number[];
}

/** The first and the last of a range of ids. */
export interface IdRange {
  /** The first. */
  readonly start: number;
  /** The last. */
  readonly end: number;
}

/**
 * Reads the fields of `/proc/<pid>/status`.
 *
 * @param pid The process.
 * @returns The values by their names, the columns of each joined with one space.
 * @throws {Deno.errors.NotFound} When there is no such process.
 */
export function processStatus(pid: number): Record<string, string> {
  return Object.fromEntries(
    Deno.readTextFileSync(`/proc/${pid}/status`).trimEnd().split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim().replaceAll(/\s+/g, " ")];
    }),
  );
}

/**
 * Names the namespace of a process.
 *
 * @param pid The process.
 * @param kind `user`, `mnt`, `pid`, `ipc`, `uts`, `net` or `cgroup`.
 * @returns A text such as `user:[4026531837]`, the same for processes that share it.
 */
export function namespaceOf(pid: number, kind: string): string {
  return Deno.readLinkSync(`/proc/${pid}/ns/${kind}`);
}

/**
 * Lists what a process has open.
 *
 * @param pid The process.
 * @returns What each of its file descriptors leads to, by its number.
 */
export function openFiles(pid: number): Map<number, string> {
  const files = new Map<number, string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    const target = unlessGone(() => Deno.readLinkSync(`/proc/${pid}/fd/${name}`));
    if (target !== undefined) files.set(Number(name), target);
  }
  return files;
}

/**
 * Lists the processes of the host.
 *
 * @returns Every process that runs; zombies have ended.
 */
export function runningProcesses(): HostProcess[] {
  return Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name))
    .filter((pid) => Number.isInteger(pid))
    .flatMap((pid) => unlessGone(() => describe(pid)) ?? []);
}

/**
 * Lists the children of a process, faster than a walk through all processes does.
 *
 * @param pid Its id.
 * @returns Their ids, zombies included; none when there is no such process.
 */
export function childrenOf(pid: number): number[] {
  return unlessGone(() =>
    Array.from(Deno.readDirSync(`/proc/${pid}/task`))
      .flatMap(({ name }) =>
        unlessGone(() => Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`)) ?? ""
      )
      .flatMap((line) => line.trim().split(" "))
      .filter((child) => child !== "")
      .map(Number)
  ) ?? [];
}

/**
 * Lists the processes below another.
 *
 * @param ancestor Its id.
 * @returns Its children, their children and so on, as far as they run.
 */
export function descendantsOf(ancestor: number): HostProcess[] {
  const all = runningProcesses();
  const found: HostProcess[] = [];
  for (let parents = new Set([ancestor]); parents.size > 0;) {
    const children = all.filter(({ parent }) => parents.has(parent));
    found.push(...children);
    parents = new Set(children.map(({ pid }) => pid));
  }
  return found;
}

/**
 * Lists the processes that have a uid of a range in any of the four columns.
 *
 * @param range The range.
 * @returns Those that run.
 */
export function processesOfUids({ start, end }: IdRange): HostProcess[] {
  return runningProcesses().filter(({ uids }) => uids.some((uid) => uid >= start && uid <= end));
}

function describe(pid: number): HostProcess | undefined {
  const { State = "", PPid, Uid = "", Name = "" } = processStatus(pid);
  if (/^[ZX]/.test(State)) return undefined;
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name before it may hold spaces and parentheses; the start time is field 22.
  const startTime = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return {
    pid,
    parent: Number(PPid),
    name: Name,
    startTime,
    uids: Uid.split(" ").map(Number),
  };
}

/** A process can end between any two looks at it; ESRCH is what the kernel says in the midst. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound ||
      (error instanceof Error && error.message.includes("os error 3"));
    if (isGone) return undefined;
    throw error;
  }
}
