import { errorMessage } from "#src/core/mod.ts";

/**
 * Reads a file that need not be there, such as one of a process that may have ended.
 *
 * @param path The file.
 * @returns Its text; undefined when there is no such file.
 * @throws {Error} When it is there and cannot be read.
 */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    // ESRCH, when a process goes between open and read, has no class in Deno.
    if (error instanceof Deno.errors.NotFound || /\(os error 3\)/.test(errorMessage(error))) {
      return undefined;
    }
    throw error;
  }
}
