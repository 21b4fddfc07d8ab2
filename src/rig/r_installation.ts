import { NotFoundError } from "#src/core/mod.ts";

/** An R that is installed on this host. */
export interface RInstallation {
  /** The program as it was asked for, an absolute path. */
  readonly path: string;
  /** R's own folder (`R_HOME`), canonical: `/usr/lib/R`, `/opt/R/4.4.2/lib/R`. */
  readonly home: string;
  /** The folder that `bin/R` was installed below, canonical: `/usr`, `/opt/R/4.4.2`. */
  readonly prefix: string;
  /** Such as `4.4.2`, from the description of R's base package. */
  readonly version: string;
}

/**
 * Finds out where an R lives and which version it is, from its files alone: nothing is executed.
 * R's own layout is `PREFIX/bin/R` beside `PREFIX/lib/R` or `PREFIX/lib64/R`, and `bin/R` below the
 * latter (R Installation and Administration, section 2.4).
 *
 * @param path Absolute path of an R program, links allowed.
 * @returns The installation.
 * @throws {NotFoundError} When there is no such file, or no R around it.
 */
export async function inspectRInstallation(path: string): Promise<RInstallation> {
  let program: string;
  try {
    program = await Deno.realPath(path);
  } catch (error) {
    throw new NotFoundError(`cannot find R at ${path}`, { cause: error });
  }
  for (const { home, prefix } of candidates(program)) {
    const version = await readVersion(`${home}/library/base/DESCRIPTION`);
    if (version !== undefined) return { path, home: await Deno.realPath(home), prefix, version };
  }
  throw new NotFoundError(
    `cannot use ${path} as R: want PREFIX/bin/R with PREFIX/lib/R or PREFIX/lib64/R beside it`,
  );
}

function candidates(program: string): { home: string; prefix: string }[] {
  const folder = program.replace(/\/bin\/[^/]+$/, "");
  if (folder === program) return [];
  const homes = ["lib", "lib64"].map((lib) => ({ home: `${folder}/${lib}/R`, prefix: folder }));
  const inHome = /^(.*)\/lib(?:64)?\/R$/.exec(folder);
  return inHome ? [{ home: folder, prefix: inHome[1] ?? "" }, ...homes] : homes;
}

async function readVersion(description: string): Promise<string | undefined> {
  try {
    const text = await Deno.readTextFile(description);
    return /^Version:\s*(\d+\.\d+\.\d+)/m.exec(text)?.[1];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}
