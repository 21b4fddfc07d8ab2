import { resolveRuntime, type RRuntime } from "#src/backend/mod.ts";
import { errorMessage } from "#src/core/mod.ts";
import { inspectRInstallation, resolveRBinary, versionEntries } from "#src/rig/mod.ts";
import type { PreflightHost } from "./host.ts";

/** An R that apps may run on. */
export interface RProgram {
  /** Its absolute path. */
  readonly path: string;
  /** The version that its files say. */
  readonly version: string;
  /** What a sandbox needs to run it. */
  readonly runtime: RRuntime;
  /** The program behind all links, which tells whether two are the same. */
  readonly realPath: string;
}

/** What could not be looked at; `what` is a program or a folder. */
export interface UnknownR {
  /** The program or the folder. */
  readonly what: string;
  /** Why. */
  readonly reason: string;
}

/**
 * Finds every R that the server could run for an app: the configured one, and the versions below
 * the base, but for those with a suffix, which are never chosen.
 *
 * @param host The host.
 * @returns Each program once, the configured one first, and what could not be looked at. Never
 * rejects.
 */
export async function findRPrograms(
  host: PreflightHost,
): Promise<{ programs: RProgram[]; unknown: UnknownR[] }> {
  const { rPath, rigBase } = host.config.process;
  const unknown: UnknownR[] = [];
  const programs = new Map<string, RProgram>();
  const add = async (path: string) => {
    try {
      const program = await inspect(path, rigBase);
      if (!programs.has(program.realPath)) programs.set(program.realPath, program);
    } catch (cause) {
      unknown.push({ what: path, reason: errorMessage(cause) });
    }
  };
  const configured = await host.findProgram(rPath);
  if (configured === undefined) unknown.push({ what: rPath, reason: "it is no program" });
  else await add(configured);
  try {
    for (const { version, rPath, isUsable } of await versionEntries(rigBase)) {
      if (isUsable && version.suffix === "") await add(rPath);
    }
  } catch (cause) {
    unknown.push({ what: `an R in ${rigBase}`, reason: errorMessage(cause) });
  }
  return { programs: [...programs.values()], unknown };
}

/**
 * Finds the R that an app would run on.
 *
 * @param rVersion The version that it asks for, empty for the configured R.
 * @param host The host.
 * @returns The program behind all links; undefined when none serves, which is another check's matter.
 */
export async function realPathOfR(
  rVersion: string,
  host: PreflightHost,
): Promise<string | undefined> {
  const { rPath, rigBase } = host.config.process;
  const fallback = await host.findProgram(rPath);
  try {
    // Where there is no configured R, a version may serve all the same.
    const { path } = fallback === undefined
      ? await resolveRBinary(rVersion, { base: rigBase, fallback: "" })
      : { path: (await resolveRuntime(rVersion, { rigBase, fallback })).rPath };
    return await Deno.realPath(path);
  } catch {
    return undefined;
  }
}

async function inspect(path: string, rigBase: string): Promise<RProgram> {
  const { version } = await inspectRInstallation(path);
  const runtime = await resolveRuntime("", { rigBase, fallback: path });
  return { path, version, runtime, realPath: await Deno.realPath(path) };
}
