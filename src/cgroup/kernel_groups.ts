import { constants, lstat, open } from "node:fs/promises";
import { CgroupError, isGone } from "./cgroup_error.ts";
import type { GroupTree } from "./group_tree.ts";

/** The kernel's own groups. */
export const kernelGroups: GroupTree = {
  async make(folder) {
    await attempt("make", folder, undefined, () => Deno.mkdir(folder, { mode: 0o755 }));
  },
  async remove(folder) {
    // Not with what is in it: the kernel takes its files away with the folder, and nothing else is
    // to be removed along the way.
    await attempt("remove", folder, undefined, () => Deno.remove(folder));
  },
  async list(folder) {
    const entries = await unlessGone(() =>
      attempt("list", folder, undefined, () => Array.fromAsync(Deno.readDir(folder)))
    );
    return (entries ?? []).filter((it) => it.isDirectory).map(({ name }) => name).toSorted();
  },
  stat: (folder) =>
    unlessGone(async () => {
      const found = await attempt("look at", folder, undefined, () => Deno.lstat(folder));
      return { ownerUid: found.uid ?? NOBODY, changedAtMs: found.mtime?.getTime() ?? Infinity };
    }),
  read: (folder, file) =>
    unlessGone(() =>
      attempt("read", folder, file, async () => {
        // The kernel makes the text up in some microseconds; to have another thread do it would take
        // ten times as long.
        return await Promise.resolve(Deno.readTextFileSync(`${folder}/${file}`));
      })
    ),
  async write(folder, file, value) {
    await attempt("write", folder, file, async () => {
      // Neither made nor followed: only a file of the kernel is to be written to.
      const opened = await open(`${folder}/${file}`, constants.O_WRONLY | constants.O_NOFOLLOW);
      try {
        // With some permissions Deno itself has followed a link before the kernel could refuse to.
        const [found, named] = [await opened.stat(), await lstat(`${folder}/${file}`)];
        if (named.isSymbolicLink() || found.ino !== named.ino || found.dev !== named.dev) {
          throw Object.assign(new Error("it is a link"), { code: "ELOOP" });
        }
        await opened.write(value);
      } finally {
        await opened.close();
      }
    }, value);
  },
  async isWritable(folder, file) {
    try {
      const opened = await attempt(
        "open",
        folder,
        file,
        () => Deno.open(`${folder}/${file}`, { write: true }),
      );
      opened.close();
      return true;
    } catch (error) {
      if (error instanceof CgroupError && NOT_WRITABLE.includes(error.code ?? "")) return false;
      throw error;
    }
  },
};

const NOT_WRITABLE = ["EACCES", "EPERM", "EROFS", "ENOENT"];
/** The uid that the kernel shows for one that has none here. */
const NOBODY = 65_534;

async function unlessGone<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function attempt<T>(
  action: string,
  folder: string,
  file: string | undefined,
  call: () => Promise<T>,
  value?: string,
): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw new CgroupError(action, folder, {
      ...(file === undefined ? {} : { file }),
      ...(value === undefined ? {} : { value }),
      cause,
    });
  }
}
