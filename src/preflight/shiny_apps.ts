import { isShinyApp, topLevelFiles } from "#src/backend/mod.ts";
import { type AppConfig, type Config, DEMO_NAME } from "#src/config/mod.ts";
import { errorMessage } from "#src/core/mod.ts";

/** What an app needs of its R. */
export interface AppNeed {
  /** The app's name. */
  readonly name: string;
  /** The version of R that it asks for, empty for the configured one. */
  readonly rVersion: string;
  /** How its R comes to have shiny. */
  readonly shiny:
    /** The R itself has to have it. */
    | "needed"
    /** The app points R to libraries of its own, which nobody looks into. */
    | "its own"
    /** Its folder does not say. */
    | { readonly unknown: string };
}

/** What R reads from the folder that it is started in (R's manual, Startup). */
const STARTUP_FILES = [".Rprofile", ".Renviron"];
/** What decides where R looks for packages and what they are linked with. */
const LIBRARY_VARIABLES = /^(?:R_|LD_)/;

/**
 * Finds the apps that are run by shiny.
 *
 * @param config What is to run.
 * @returns What each app needs; those that are not run by shiny are left out. Never rejects.
 */
export async function shinyApps(
  { apps, hasDemo }: Pick<Config, "apps" | "hasDemo">,
): Promise<AppNeed[]> {
  const needs = (await Promise.all(apps.map(needOf))).filter((need) => need !== undefined);
  return hasDemo ? [...needs, { name: DEMO_NAME, rVersion: "", shiny: "needed" }] : needs;
}

async function needOf({ name, rVersion, cmd, path, env }: AppConfig): Promise<AppNeed | undefined> {
  if (cmd !== undefined) return undefined;
  try {
    const files = await topLevelFiles({ kind: "directory", path });
    if (!isShinyApp(files)) return undefined;
    const bringsLibraries = STARTUP_FILES.some((file) => files.includes(file)) ||
      Object.keys(env).some((variable) => LIBRARY_VARIABLES.test(variable));
    return { name, rVersion, shiny: bringsLibraries ? "its own" : "needed" };
  } catch (cause) {
    return { name, rVersion, shiny: { unknown: errorMessage(cause) } };
  }
}
