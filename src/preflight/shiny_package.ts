import { errorMessage } from "#src/core/mod.ts";
import { sandboxEnvironment } from "#src/sandbox/mod.ts";
import type { Check } from "./check.ts";
import { advice, type Finding, type Fix, ok, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { inTurns } from "./in_turns.ts";
import { LOOK_AGAIN } from "./not_found_out.ts";
import { findRPrograms, realPathOfR, type RProgram, type UnknownR } from "./r_programs.ts";
import { type AppNeed, shinyApps } from "./shiny_apps.ts";
import { findShinyOutside } from "./shiny_elsewhere.ts";
import { readShinyTrial, shinyCommand, shinyTimeoutMs, type ShinyTrial } from "./shiny_trial.ts";
import { namesOfApps } from "./wording.ts";

/** How many are run at one time: other checks want sandboxes too. */
const AT_ONCE = 2;

/**
 * Whether each R can load shiny in a sandbox as workers get one. That Shiny apps cannot run on an R
 * is no error: the host is fit for others.
 */
export const shinyPackage: Check = {
  name: "shiny_package",
  category: "r",
  async run(host) {
    const { programs, unknown } = await findRPrograms(host);
    const startMs = performance.now();
    const trials = await inTurns(programs, {
      atOnce: AT_ONCE,
      each: async (program) => {
        const timeLeftMs = () => shinyTimeoutMs(performance.now() - startMs);
        const trial = await tryShiny(program, {
          sandboxes: host.sandboxes,
          timeoutMs: timeLeftMs(),
        });
        const timeoutMs = timeLeftMs();
        if (trial.kind !== "missing" || timeoutMs === undefined) return trial;
        const library = await findShinyOutside(host, { rPath: program.path, timeoutMs });
        return library === undefined ? trial : { kind: "hidden", library } as const;
      },
    });
    const apps = await Promise.all(
      (await shinyApps(host.config)).map(async (app) => ({
        ...app,
        realPath: await realPathOfR(app.rVersion, host),
      })),
    );
    const hasApt = await host.findProgram("apt-get") !== undefined;
    return [
      ...unknown.map(notTried),
      ...programs.flatMap((program, index) => {
        const trial = trials[index] ?? { kind: "untried", reason: "nobody asked" };
        const those = apps.filter(({ realPath }) => realPath === program.realPath);
        return judge(trial, { program, apps: those, hasApt });
      }),
    ];
  },
};

async function tryShiny(
  { path, runtime }: RProgram,
  { sandboxes, timeoutMs }: Pick<PreflightHost, "sandboxes"> & { timeoutMs: number | undefined },
): Promise<ShinyTrial> {
  if (timeoutMs === undefined) {
    return { kind: "untried", reason: "those before it took all the time that there is" };
  }
  try {
    const result = await sandboxes.run({
      command: shinyCommand(path),
      shown: runtime.toolTrees.map(({ source, target }) => ({ source, target })),
      env: sandboxEnvironment({}, runtime),
      timeoutMs,
    });
    return readShinyTrial(result, { timeoutMs });
  } catch (cause) {
    return { kind: "untried", reason: errorMessage(cause) };
  }
}

function notTried({ what, reason }: UnknownR): Finding {
  return warning(`whether ${what} can load shiny could not be tried: ${reason}`, LOOK_AGAIN);
}

function judge(
  trial: ShinyTrial,
  { program, apps, hasApt }: { program: RProgram; apps: readonly AppNeed[]; hasApt: boolean },
): Finding[] {
  const { path, version } = program;
  const r = `R ${version} at ${path}`;
  if (trial.kind === "loads") return [ok(`${r} loads shiny ${trial.version} in a sandbox`)];
  if (trial.kind === "untried") return [notTried({ what: r, reason: trial.reason })];
  const { message, fix } = describe(trial, { r, path, hasApt });
  const needing = namesWith(apps, "needed");
  const bringing = namesWith(apps, "its own");
  const untried = bringing.length === 0
    ? ""
    : `; the settings of R that ${namesOfApps(bringing)} came with were not tried`;
  const those = needing.length === 0
    ? ""
    : `, and ${namesOfApps(needing, "Shiny app")} would run on it`;
  return [
    warning(`${message}${those}${untried}`, fix),
    ...apps.flatMap(({ name, shiny }) =>
      typeof shiny === "string" ? [] : [
        warning(
          `whether the app "${name}" needs shiny is not known: ${shiny.unknown}`,
          LOOK_AGAIN,
        ),
      ]
    ),
  ];
}

function describe(
  trial: Extract<ShinyTrial, { kind: "missing" | "hidden" | "fails" }>,
  { r, path, hasApt }: { r: string; path: string; hasApt: boolean },
): { message: string; fix: Fix } {
  switch (trial.kind) {
    case "missing":
      return { message: `${r} has no shiny`, fix: install(path, { hasApt }) };
    case "hidden":
      return {
        message: `${r} has shiny in ${trial.library}, which no sandbox shows`,
        fix: repair("Move that library", path),
      };
    case "fails":
      return {
        message: `${r} has shiny and cannot load it in a sandbox: ${trial.reason}`,
        fix: repair("Install what the message names", path),
      };
  }
}

function namesWith(apps: readonly AppNeed[], shiny: AppNeed["shiny"]): string[] {
  return apps.filter((app) => app.shiny === shiny).map(({ name }) => name);
}

function install(path: string, { hasApt }: { hasApt: boolean }): Fix {
  const call = `run install.packages("shiny") in ${path}, into a library that everybody can read`;
  return advice(
    path.startsWith("/usr/bin/") && hasApt
      ? `Install the package r-cran-shiny (apt-get install r-cran-shiny), or ${call}`
      : `As root, ${call}`,
  );
}

function repair(first: string, path: string): Fix {
  return advice(
    `${first}, or install shiny again in ${path}, where everybody can read it: below /usr or in ` +
      "the folder of that R",
  );
}
