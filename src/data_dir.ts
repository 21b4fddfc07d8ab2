/** What `server.json` in the data folder says of the running server. */
export interface ServerRecord {
  /** Its process id. */
  readonly pid: number;
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** When it started, in ISO 8601. */
  readonly startedAt: string;
}

const RECORD = "server.json";

/**
 * Reads which server says that it runs.
 *
 * @param path Absolute path of the data folder.
 * @returns Its process id; undefined when there is none. The server may have been killed since.
 * @throws {Error} When the file cannot be read.
 */
export async function readServerRecord(
  path: string,
): Promise<Pick<ServerRecord, "pid"> | undefined> {
  try {
    const { pid } = JSON.parse(await Deno.readTextFile(`${path}/${RECORD}`));
    return Number.isSafeInteger(pid) && pid > 0 ? { pid } : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The server's own folder. */
export class DataDir {
  private constructor(
    /** Absolute path. */
    readonly path: string,
  ) {}

  /**
   * Opens the folder, and makes it if it is not there, for nobody but this user.
   *
   * @param path Absolute path.
   * @param options `uid` is the user that it must belong to.
   * @returns The folder.
   * @throws {Error} When it cannot be made, is no folder, or is one that others can change.
   */
  static async open(path: string, { uid }: { uid: number }): Promise<DataDir> {
    const problem = (what: string, cause?: unknown) =>
      new Error(`cannot use ${path} as server.data_dir: ${what}`, { cause });
    let info: Deno.FileInfo;
    try {
      await Deno.mkdir(path, { recursive: true, mode: 0o700 });
      info = await Deno.lstat(path);
    } catch (error) {
      throw problem("it cannot be made", error);
    }
    if (!info.isDirectory) throw problem("it is no folder");
    if (info.uid !== uid) throw problem(`it belongs to uid ${info.uid}, want ${uid}`);
    if (((info.mode ?? 0o777) & 0o022) !== 0) {
      throw problem("others can write to it, want mode 0700");
    }
    return new DataDir(path);
  }

  /**
   * Says in `server.json` where the running server is, for programs that look for it.
   *
   * @param record What to say.
   * @throws {Error} When the file cannot be written.
   */
  async announce(record: ServerRecord): Promise<void> {
    const { pid, url, startedAt } = record;
    const text = JSON.stringify({ pid, url, started_at: startedAt }, null, 2) + "\n";
    const temporary = `${this.path}/.${RECORD}.${pid}`;
    await Deno.writeTextFile(temporary, text, { mode: 0o600 });
    await Deno.rename(temporary, `${this.path}/${RECORD}`);
  }

  /**
   * Takes back what {@linkcode DataDir.announce} said, unless another server has said it since.
   *
   * @param pid The process id that was announced.
   */
  async retract(pid: number): Promise<void> {
    const path = `${this.path}/${RECORD}`;
    try {
      const record = JSON.parse(await Deno.readTextFile(path));
      if (record.pid === pid) await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof SyntaxError)) throw error;
    }
  }
}
