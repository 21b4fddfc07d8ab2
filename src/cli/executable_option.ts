import { UsageError } from "#src/core/mod.ts";
import { ownExecutable } from "#src/self_command.ts";
import { resolve } from "node:path/posix";
import type { OptionSpec } from "./args.ts";

/** The option of commands that name the executable. */
export const EXECUTABLE_OPTION = {
  type: "string",
  value: "PATH",
  help: "the executable, if not this one",
} as const satisfies OptionSpec;

/**
 * Decides which executable to name.
 *
 * @param option The value of the option, if it was given.
 * @param own The path of this one, if it is known.
 * @returns Its absolute path.
 * @throws {UsageError} When nothing says which it is.
 */
export function namedExecutable(
  option: string | undefined,
  own: string | undefined = ownExecutable(),
): string {
  if (option === "") throw new UsageError("option --executable is empty: want the path of a file");
  if (option !== undefined) return resolve(option);
  if (own !== undefined) return own;
  throw new UsageError(
    "cannot tell which executable to name, since this one was not started by its path: want " +
      "--executable PATH",
  );
}

/**
 * Follows symbolic links.
 *
 * @param path Absolute path.
 * @returns The path without links; the same path when there is no such file, since it may be meant
 * for another host.
 */
export async function withoutLinks(path: string): Promise<string> {
  return await Deno.realPath(path).catch(() => path);
}
