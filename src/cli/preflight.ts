import { type Config, loadConfig } from "#src/config/mod.ts";
import { type Logger, nearestName, UsageError } from "#src/core/mod.ts";
import {
  type Check,
  CHECKS,
  isFit,
  type PreflightReport,
  reportJson,
  reportTable,
} from "#src/preflight/mod.ts";
import { askHost } from "#src/preflight_host.ts";
import { isRoot } from "#src/system.ts";
import { resolve } from "node:path/posix";
import { type CommandSpec, parseCommand } from "./args.ts";
import { wantsColours } from "./colours.ts";
import { commandHelp } from "./help.ts";
import { Interruption } from "./interruption.ts";
import { createLogger } from "./log.ts";
import { print } from "./print.ts";

/** What `preflight` understands. */
export const PREFLIGHT = {
  name: "preflight",
  summary: "check whether this host is fit to run workers, and say what to do where it is not",
  options: {
    config: { type: "string", value: "FILE", help: "the configuration, in YAML" },
    json: { type: "boolean", help: "print the report as JSON" },
    strict: { type: "boolean", help: "warnings make the host unfit, too" },
    only: { type: "string", value: "NAMES", help: "only these checks, separated by commas" },
  },
  tables: {
    "Checks": CHECKS.map(({ name, category }) => [name, category] as const),
    "Exit codes": [
      ["0", "the host is fit"],
      ["1", "it is not, or that could not be found out"],
      ["2", "the command line or the configuration cannot be used"],
    ],
  },
} as const satisfies CommandSpec;

/** Exit code for a host that is not fit. */
const EXIT_UNFIT = 1;

/**
 * Checks this host and prints the report.
 *
 * @param args What follows `preflight`.
 * @returns The exit code: 0 for a host that is fit, 1 for one that is not; 128 and its number more
 * after a signal, when nothing was printed and what the checks had started is cleared away.
 * @throws {UsageError} When the arguments or the configuration cannot be used.
 * @throws {Error} When the report cannot be written.
 */
export async function preflight(args: readonly string[]): Promise<number> {
  const { help, options } = parseCommand(PREFLIGHT, args);
  if (help) {
    print(commandHelp(PREFLIGHT, "blockyard"));
    return 0;
  }
  const checks = chosenChecks(options.only);
  const config = loadConfig({
    path: options.config,
    env: Deno.env.toObject(),
    readFile: (path) => Deno.readTextFileSync(path),
    isRoot: isRoot(),
  });
  const configPath = options.config === undefined ? undefined : resolve(options.config);
  const log = createLogger({ level: "warn", format: "auto" });
  const report = await askUnlessInterrupted(config, { configPath, checks, log });
  if (typeof report === "number") return report;
  const { strict } = options;
  print(
    options.json
      ? `${JSON.stringify(reportJson(report, { strict }), null, 2)}\n`
      : reportTable(report, { strict, isPartial: checks.length < CHECKS.length, ...terminal() }),
  );
  return isFit(report.results, { strict }) ? 0 : EXIT_UNFIT;
}

async function askUnlessInterrupted(
  config: Config,
  options: { configPath: string | undefined; checks: readonly Check[]; log: Logger },
): Promise<PreflightReport | number> {
  using interruption = new Interruption();
  try {
    return await interruption.wait(askHost(config, { ...options, signal: interruption.signal }));
  } catch (error) {
    if (interruption.exitCode !== undefined) return interruption.exitCode;
    throw error;
  }
}

function chosenChecks(only: string | undefined): readonly Check[] {
  if (only === undefined) return CHECKS;
  const names = new Set(only.split(",").map((name) => name.trim()).filter((name) => name !== ""));
  if (names.size === 0) throw new UsageError("option --only names no check: want NAME,NAME");
  const known = CHECKS.map(({ name }) => name);
  const problems = [...names].filter((name) => !known.includes(name)).map((name) => {
    const near = nearestName(name, known);
    const want = near === undefined ? `some of ${known.join(", ")}` : JSON.stringify(near);
    return `unknown check ${JSON.stringify(name)}: want ${want}`;
  });
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return CHECKS.filter(({ name }) => names.has(name));
}

/** What standard output is to people, if they read it at all. */
function terminal(): { colour: boolean; columns?: number } {
  const isTerminal = Deno.stdout.isTerminal();
  const colour = wantsColours(isTerminal);
  if (!isTerminal) return { colour };
  try {
    return { colour, columns: Deno.consoleSize().columns };
  } catch {
    // Not every terminal knows its size.
    return { colour };
  }
}
