import { errnoName } from "#ffi/mod.ts";
import { errorMessage } from "#src/core/mod.ts";

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

/**
 * Says what kept something from being done with a group.
 *
 * @param error What was thrown.
 * @returns One line. What the kernel said is in the message of a {@linkcode CgroupError} already,
 * and Deno's words for it add nothing.
 */
export function reasonOf(error: unknown): string {
  return error instanceof CgroupError ? error.message : errorMessage(error);
}

/**
 * Classes of Deno's errors differ for what the kernel says; its code is always the same, and for
 * some that the kernel says of groups there is none.
 */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return code;
  const errno = /\(os error (\d+)\)/.exec(error.message)?.[1];
  return errno === undefined ? undefined : errnoName(Number(errno));
}

/**
 * Tells whether something failed because a group or a file of it is not there.
 *
 * @param error What was thrown.
 * @returns Whether it did; ENODEV is what the kernel says when a group was removed while a file of
 * it was open.
 */
export function isGone(error: unknown): boolean {
  return error instanceof CgroupError && (error.code === "ENOENT" || error.code === "ENODEV");
}
