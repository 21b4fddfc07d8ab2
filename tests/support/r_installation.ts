/**
 * Installations of R beside the system's, made of links to its files.
 *
 * @module
 */
import { dirname } from "node:path/posix";

/** The system's R, which has shiny in its site library. */
const SYSTEM_HOME = "/usr/lib/R";
const SITE_LIBRARY = `${SYSTEM_HOME}/site-library`;

/** What an R finds besides the packages that come with it. */
export type Packages =
  /** Nothing. */
  | "none"
  /** All that the system's R finds. */
  | "the system's"
  /** shiny, and nothing that it depends on. */
  | "shiny alone";

/**
 * Installs an R that works, of the system's version.
 *
 * @param prefix Where, as `PREFIX/bin/R`; readable by everybody.
 * @param packages What it finds.
 * @returns The path of its program.
 */
export async function installR(prefix: string, packages: Packages): Promise<string> {
  const home = `${prefix}/lib/R`;
  await makeFolder(`${prefix}/bin`);
  await makeFolder(`${home}/bin`);
  for (const part of ["etc", "lib", "library", "modules"]) {
    await Deno.symlink(`${SYSTEM_HOME}/${part}`, `${home}/${part}`);
  }
  for await (const { name } of Deno.readDir(`${SYSTEM_HOME}/bin`)) {
    if (name !== "R") await Deno.symlink(`${SYSTEM_HOME}/bin/${name}`, `${home}/bin/${name}`);
  }
  if (packages === "the system's") await Deno.symlink(SITE_LIBRARY, `${home}/site-library`);
  if (packages === "shiny alone") {
    await makeFolder(`${home}/site-library`);
    await Deno.symlink(`${SITE_LIBRARY}/shiny`, `${home}/site-library/shiny`);
  }
  const script = (await Deno.readTextFile(`${SYSTEM_HOME}/bin/R`)).replace(
    `R_HOME_DIR=${SYSTEM_HOME}`,
    `R_HOME_DIR=${home}\nexport R_LIBS_SITE=${home}/site-library R_LIBS_USER=${home}/none`,
  );
  await writeProgram(`${home}/bin/R`, script);
  return await writeProgram(`${prefix}/bin/R`, script);
}

/**
 * Lays out what has the files of an R, and a program that does something else.
 *
 * @param prefix Where.
 * @param options `script` is what the program does, for a shell; `version` is what the files say.
 * @returns The path of its program.
 */
export async function installFakeR(
  prefix: string,
  { script, version }: { script: string; version: string },
): Promise<string> {
  await makeFolder(`${prefix}/bin`);
  await makeFolder(`${prefix}/lib/R/library/base`);
  const description = `Package: base\nVersion: ${version}\n`;
  await Deno.writeTextFile(`${prefix}/lib/R/library/base/DESCRIPTION`, description);
  return await writeProgram(`${prefix}/bin/R`, `#!/bin/sh\n${script}\n`);
}

/**
 * Writes a program that everybody may run.
 *
 * @param path Its absolute path.
 * @param text Its text.
 * @returns The path.
 */
export async function writeProgram(path: string, text: string): Promise<string> {
  await makeFolder(dirname(path));
  await Deno.writeTextFile(path, text);
  // The umask has its say in the call above.
  await Deno.chmod(path, 0o755);
  return path;
}

async function makeFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o755 });
}
