import { basename, dirname } from "node:path/posix";

/** A file or folder of the host, and the path that it has for a worker. */
export interface ShownFile {
  /** Absolute path on the host, of the thing itself or of a copy. */
  readonly source: string;
  /** Absolute path in the sandbox. */
  readonly target: string;
}

/** What everybody needs on a file, and on each folder above it, to read it. */
const MAY_READ = 0o004;
const MAY_ENTER = 0o001;

/**
 * Files of this user's that workers are to read. What lies where only this user gets to, such as an
 * executable in root's home, is copied to where they do.
 */
export class ReadableFiles implements AsyncDisposable {
  readonly #isOwnUser: boolean;
  readonly #tmp: string;
  readonly #copies = new Map<string, Promise<ShownFile>>();
  #folder: Promise<string> | undefined;

  /**
   * Copies nothing yet.
   *
   * @param options `isOwnUser` is whether workers run under this process's own uid, and so read all
   * that it can; `tmp` is where copies go, a folder that everybody can enter.
   */
  constructor({ isOwnUser, tmp = "/tmp" }: { isOwnUser: boolean; tmp?: string }) {
    this.#isOwnUser = isOwnUser;
    this.#tmp = tmp;
  }

  /**
   * Makes files readable for workers.
   *
   * @param paths Absolute paths of files and folders that this process can read.
   * @returns Where each of them is to be taken from, in their order.
   * @throws {Error} When one cannot be looked at or copied.
   */
  show(paths: readonly string[]): Promise<ShownFile[]> {
    return Promise.all(paths.map((path) => {
      const shown = this.#copies.get(path) ?? this.#show(path);
      this.#copies.set(path, shown);
      return shown;
    }));
  }

  /** Removes the copies. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#copies.values());
    if (this.#folder) await Deno.remove(await this.#folder, { recursive: true });
  }

  async #show(target: string): Promise<ShownFile> {
    const path = await Deno.realPath(target);
    if (this.#isOwnUser || await isReadable(path)) return { source: path, target };
    this.#folder ??= makeFolder(this.#tmp);
    // A folder for each, since two can have one name.
    const folder = await Deno.makeTempDir({ dir: await this.#folder });
    await Deno.chmod(folder, 0o755);
    const source = `${folder}/${basename(path)}`;
    await copy(path, source);
    return { source, target };
  }
}

async function makeFolder(tmp: string): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: tmp, prefix: "blockyard-" });
  await Deno.chmod(folder, 0o755);
  return folder;
}

/** Looks at the thing and at every folder above it; what is below a folder is as its owner left it. */
async function isReadable(path: string): Promise<boolean> {
  const { mode, isDirectory } = await Deno.stat(path);
  const wanted = isDirectory ? MAY_READ | MAY_ENTER : MAY_READ;
  if (((mode ?? 0) & wanted) !== wanted) return false;
  for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) {
    const { mode } = await Deno.stat(folder);
    if (((mode ?? 0) & MAY_ENTER) === 0) return false;
  }
  return true;
}

async function copy(from: string, to: string): Promise<void> {
  const { isDirectory, mode } = await Deno.stat(from);
  if (!isDirectory) {
    await Deno.copyFile(from, to);
    await Deno.chmod(to, ((mode ?? 0) & 0o111) === 0 ? 0o644 : 0o755);
    return;
  }
  await Deno.mkdir(to);
  await Deno.chmod(to, 0o755);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}
