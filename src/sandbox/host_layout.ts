/** How one of the system's folders stands in the host's root. */
export type RootEntry =
  /** A link into `/usr`, as on a merged system: `bin -> usr/bin`. */
  | { readonly kind: "symlink"; readonly name: string; readonly target: string }
  /** A folder of its own, as on an unmerged system. */
  | { readonly kind: "directory"; readonly name: string };

/** What the sandbox's root has to look like so that the host's programs run in it. */
export interface HostLayout {
  /** `/bin`, `/lib` and so on, as far as the host has them. */
  readonly rootEntries: readonly RootEntry[];
  /** What {@linkcode findKeyLists} found. */
  readonly keyLists: readonly string[];
  /** Whether `bwrap --disable-userns` works here. */
  readonly canDisableUserns: boolean;
  /** Whether launchers can keep the host's abstract unix sockets and processes out of reach. */
  readonly canLandlock: boolean;
}

/** The folders besides `/usr` in which Linux distributions keep programs and libraries. */
const SYSTEM_FOLDERS = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] as const;

/**
 * Looks at the system folders of a host.
 *
 * @param root The root folder, `/` unless in a test.
 * @returns The folders that are there, in a fixed order.
 * @throws {Error} When one cannot be looked at, or links to a place outside `/usr`, which the
 * sandbox would not have.
 */
export async function inspectRoot(root: string): Promise<RootEntry[]> {
  const entries: RootEntry[] = [];
  for (const name of SYSTEM_FOLDERS) {
    const path = `${root.replace(/\/$/, "")}/${name}`;
    let info: Deno.FileInfo;
    try {
      info = await Deno.lstat(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw new Error(`cannot look at ${path}`, { cause: error });
    }
    if (info.isDirectory) {
      entries.push({ kind: "directory", name });
    } else if (info.isSymlink) {
      const target = (await Deno.readLink(path)).replace(/^\//, "");
      if (!/^usr\/[A-Za-z0-9._-]+$/.test(target)) {
        throw new Error(`cannot use ${path} in a sandbox: it links to "${target}", want usr/NAME`);
      }
      entries.push({ kind: "symlink", name, target });
    }
  }
  return entries;
}

/** Files below /proc that tell of the keys of a user (proc_keys(5)). */
const KEY_LISTS = ["keys", "key-users"] as const;

/**
 * Finds the lists of keys that the kernel shows in every pid namespace: the keys of whoever has the
 * same user id on the host, with their names.
 *
 * @param proc The procfs, `/proc` unless in a test.
 * @returns Their paths in a sandbox; none for a kernel without keys.
 * @throws {Error} When one cannot be looked for.
 */
export async function findKeyLists(proc: string): Promise<string[]> {
  const lists: string[] = [];
  for (const name of KEY_LISTS) {
    try {
      await Deno.lstat(`${proc}/${name}`);
      lists.push(`/proc/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return lists;
}
