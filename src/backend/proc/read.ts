/** Where the kernel's view of processes is found. */
export interface ProcOptions {
  /** The root of a procfs, without a slash at its end; `/proc` if not given. */
  readonly proc?: string;
}

/** Reads that go on at the same time: each takes a thread of the runtime's pool. */
const BATCH = 16;

/**
 * Fills in the default root.
 *
 * @param options As given by a caller.
 * @returns The root of the procfs.
 */
export function procRoot(options: ProcOptions): string {
  return options.proc ?? "/proc";
}

/**
 * Reads a file of a process that may be gone.
 *
 * @param path The file.
 * @returns Its text, or undefined when the process is gone, or went while it was being read.
 * @throws {Error} When the file is there and cannot be read.
 */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    const text = await Deno.readTextFile(path);
    return text === "" ? undefined : text;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw new Error(`cannot read ${path}: ${message(error)}`, { cause: error });
  }
}

/**
 * Reads a file of a process that may be gone, without a turn of another thread, which takes longer
 * than the kernel needs for the text. Only for few files at once: nothing else goes on meanwhile.
 *
 * @param path The file.
 * @returns Its text, or undefined when the process is gone, or went while it was being read.
 * @throws {Error} When the file is there and cannot be read.
 */
export function readNowIfThere(path: string): string | undefined {
  try {
    const text = Deno.readTextFileSync(path);
    return text === "" ? undefined : text;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw new Error(`cannot read ${path}: ${message(error)}`, { cause: error });
  }
}

/**
 * Lists a folder of a process that may be gone.
 *
 * @param path The folder.
 * @returns The names of its entries, or undefined when the process is gone.
 * @throws {Error} When the folder is there and cannot be listed.
 */
export async function listIfThere(path: string): Promise<string[] | undefined> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(path)) names.push(entry.name);
    return names;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw new Error(`cannot list ${path}: ${message(error)}`, { cause: error });
  }
}

/**
 * Lists the processes of a procfs.
 *
 * @param proc The root of the procfs.
 * @returns Their ids as text, in no order.
 * @throws {Error} When there is no procfs: nothing could be said about any process then.
 */
export async function listPids(proc: string): Promise<string[]> {
  const names = await listIfThere(proc);
  if (names === undefined) throw new Error(`cannot list ${proc}: want a mounted procfs`);
  return names.filter((name) => /^\d+$/.test(name));
}

/**
 * Maps items through an asynchronous function, a bounded number at a time.
 *
 * @param items What to map.
 * @param map Is called once for each.
 * @returns The results in the order of the items.
 */
export async function mapInBatches<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let i = 0; i < items.length; i += BATCH) {
    results.push(...await Promise.all(items.slice(i, i + BATCH).map(map)));
  }
  return results;
}

/**
 * Whether a failed read means that the process is no more: ENOENT when it was gone before, ESRCH
 * when it went between open and read, for which Deno has no class.
 *
 * @param error What was thrown.
 * @returns True when there is nothing to read any more.
 */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || /\(os error 3\)/.test(message(error));
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
