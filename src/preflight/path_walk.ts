import { dirname, join } from "node:path/posix";

/** A file, folder or link that the kernel passes on the way to a path. */
export interface PathStep {
  /** Its absolute path, in which no folder is a link. */
  readonly path: string;
  /** What it is; of a link, the link itself. */
  readonly info: Deno.FileInfo;
}

/** The way to a path. */
export interface PathWalk {
  /** What is passed, from `/` on; links are followed by what they lead to. */
  readonly steps: readonly PathStep[];
  /** What the way ends before because it is not there; undefined when all of it is. */
  readonly missing: string | undefined;
}

/** How many links the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * Goes the way that the kernel goes to a path (path_resolution(7)): whoever can change one of its
 * folders or links decides what is found at the end.
 *
 * @param path Absolute path.
 * @returns The way.
 * @throws {Error} When something on it cannot be looked at, or it goes round in a circle.
 */
export async function walkPath(path: string): Promise<PathWalk> {
  const steps: PathStep[] = [{ path: "/", info: await Deno.lstat("/") }];
  const names = segments(path);
  let folder = "/";
  let links = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (name === "..") {
      folder = dirname(folder);
      continue;
    }
    const next = join(folder, name);
    const info = await lstatIfThere(next);
    if (info === undefined) return { steps, missing: next };
    steps.push({ path: next, info });
    if (!info.isSymlink) {
      folder = next;
      continue;
    }
    if (++links > MAX_LINKS) throw new Error(`cannot find ${path}: there are too many links`);
    const target = await Deno.readLink(next);
    if (target.startsWith("/")) folder = "/";
    names.unshift(...segments(target));
  }
  return { steps, missing: undefined };
}

function segments(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/**
 * Looks at what may not be there.
 *
 * @param path Absolute path.
 * @returns What lstat(2) tells of it; undefined when there is nothing.
 * @throws {Error} When it cannot be looked at.
 */
export async function lstatIfThere(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
