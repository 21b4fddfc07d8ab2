/** Groups of cgroup v2 as folders, with the kernel's files in them. */
export interface GroupTree {
  /**
   * Makes a group.
   *
   * @param folder Absolute path of its folder; that of its parent exists.
   * @throws {CgroupError} When the kernel refuses.
   */
  make(folder: string): Promise<void>;
  /**
   * Removes a group.
   *
   * @param folder Absolute path of its folder.
   * @throws {CgroupError} EBUSY while there are processes or other groups in it.
   */
  remove(folder: string): Promise<void>;
  /**
   * Reads a file of the kernel.
   *
   * @param folder Absolute path of the group's folder.
   * @param file The file's name, such as `cgroup.controllers`.
   * @returns Its content; undefined when the group has no such file.
   * @throws {CgroupError} When it is there and cannot be read.
   */
  read(folder: string, file: string): Promise<string | undefined>;
  /**
   * Tells, by opening it, whether a file of the kernel may be written to.
   *
   * @param folder Absolute path of the group's folder.
   * @param file The file's name, such as `cgroup.procs`.
   * @returns Whether it may; false when there is none.
   * @throws {CgroupError} When that cannot be told.
   */
  isWritable(folder: string, file: string): Promise<boolean>;
}

/** A group that cannot be made, read, changed or removed. */
export class CgroupError extends Error {
  /** The class, for callers that branch. */
  override readonly name = "CgroupError";
  /** Absolute path of the group's folder. */
  readonly folder: string;
  /** The file in it; undefined when it is about the folder itself. */
  readonly file: string | undefined;
  /** What was to be written; undefined when nothing was. */
  readonly value: string | undefined;
  /** What the kernel said, such as `EBUSY`; undefined when it did not say it. */
  readonly code: string | undefined;

  /**
   * Describes what failed.
   *
   * @param action What was tried, such as `make`.
   * @param folder Absolute path of the group's folder.
   * @param options `file` is the file in it, `value` what was to be written; `cause` is what was
   * thrown.
   */
  constructor(
    action: string,
    folder: string,
    { file, value, cause }: { file?: string; value?: string; cause: unknown },
  ) {
    const what = value === undefined ? "" : `${JSON.stringify(value)} to `;
    const code = errorCode(cause);
    const reason = code ?? (cause instanceof Error ? cause.message : String(cause));
    const path = file === undefined ? folder : `${folder}/${file}`;
    super(`cannot ${action} ${what}${path}: ${reason}`, { cause });
    this.folder = folder;
    this.file = file;
    this.value = value;
    this.code = code;
  }
}

/** Classes of Deno's errors differ for what the kernel says; its code is always the same. */
function errorCode(error: unknown): string | undefined {
  const { code } = error instanceof Error ? error as { code?: unknown } : {};
  return typeof code === "string" ? code : undefined;
}

/** The kernel's own groups. */
export const kernelGroups: GroupTree = {
  async make(folder) {
    await attempt("make", folder, undefined, () => Deno.mkdir(folder));
  },
  async remove(folder) {
    // Not with what is in it: the kernel takes its files away with the folder, and nothing else is
    // to be removed along the way.
    await attempt("remove", folder, undefined, () => Deno.remove(folder));
  },
  async read(folder, file) {
    try {
      return await attempt("read", folder, file, () => Deno.readTextFile(`${folder}/${file}`));
    } catch (error) {
      if (error instanceof CgroupError && error.code === "ENOENT") return undefined;
      throw error;
    }
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

async function attempt<T>(
  action: string,
  folder: string,
  file: string | undefined,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw new CgroupError(action, folder, { ...(file === undefined ? {} : { file }), cause });
  }
}
