import { dirname } from "node:path/posix";

/** A folder that is gone when it is disposed. */
export interface TempFolder extends AsyncDisposable {
  /** Its absolute path. */
  readonly path: string;
  /**
   * Writes a file, making the folders above it.
   *
   * @param name Its path in this folder.
   * @param text What is in it.
   * @returns Its absolute path.
   */
  write(name: string, text: string): Promise<string>;
  /**
   * Makes a folder, and those above it.
   *
   * @param name Its path in this folder.
   * @param mode Its permissions.
   * @returns Its absolute path.
   */
  folder(name: string, mode?: number): Promise<string>;
}

/**
 * Makes a folder that every user of the host can read: workers run under uids of their own.
 *
 * @returns The folder, below `/tmp` whatever TMPDIR says, since that may be private to one user.
 */
export async function tempFolder(): Promise<TempFolder> {
  const path = await Deno.makeTempDir({ dir: "/tmp", prefix: "blockyard-test-" });
  await Deno.chmod(path, 0o755);
  const folder = async (name: string, mode = 0o755) => {
    await Deno.mkdir(`${path}/${name}`, { recursive: true });
    // The umask has its say in the call above.
    await Deno.chmod(`${path}/${name}`, mode);
    return `${path}/${name}`;
  };
  return {
    path,
    folder,
    async write(name, text) {
      if (dirname(name) !== ".") await folder(dirname(name));
      await Deno.writeTextFile(`${path}/${name}`, text);
      await Deno.chmod(`${path}/${name}`, 0o644);
      return `${path}/${name}`;
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
