import { resolveRuntime } from "#src/backend/mod.ts";
import type { AppConfig } from "#src/config/mod.ts";
import { errorMessage } from "#src/core/mod.ts";
import { checkRVersion, resolveRBinary } from "#src/rig/mod.ts";
import type { PreflightHost } from "./host.ts";

/** A version of R that apps ask for. */
export interface VersionWish {
  /** What they ask for, such as `4.4`. */
  readonly wanted: string;
  /** The names of the apps. */
  readonly apps: readonly string[];
}

/** Which R serves a wish. */
export type Served =
  /** A version below the base, by the name of its folder. */
  | { readonly by: "version"; readonly name: string }
  /** The configured R, by its absolute path. */
  | { readonly by: "configured"; readonly path: string }
  /** None; `reason` says what is asked for and what is there. */
  | { readonly by: "none"; readonly reason: string };

/**
 * Gathers the versions that apps ask for.
 *
 * @param apps The apps.
 * @returns Each version once, in the order in which they are asked for first.
 */
export function versionWishes(apps: readonly AppConfig[]): VersionWish[] {
  const asking = apps.filter(({ rVersion }) => rVersion !== "");
  return [...Map.groupBy(asking, ({ rVersion }) => rVersion)].map(([wanted, those]) => ({
    wanted,
    apps: those.map(({ name }) => name),
  }));
}

/**
 * Finds the R that the server would run for a wish.
 *
 * @param wanted The version that is asked for.
 * @param host The host.
 * @returns Which it is. Never rejects.
 */
export async function serveWish(wanted: string, host: PreflightHost): Promise<Served> {
  const { rPath, rigBase } = host.config.process;
  try {
    const path = await host.findProgram(rPath);
    const chosen = await resolveRBinary(wanted, { base: rigBase, fallback: path ?? rPath });
    if (chosen.version !== undefined) return { by: "version", name: chosen.version };
    if (path === undefined) {
      const missing = await checkRVersion(wanted, { base: rigBase }).then(() => "", errorMessage);
      return { by: "none", reason: `${missing}, and "${rPath}" is no program` };
    }
    await resolveRuntime(wanted, { rigBase, fallback: path });
    return { by: "configured", path };
  } catch (cause) {
    return { by: "none", reason: errorMessage(cause) };
  }
}
