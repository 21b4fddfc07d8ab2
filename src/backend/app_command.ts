import type { SignalName } from "#src/sandbox/mod.ts";
import { type Address, misplacedPlaceholder, NotFoundError } from "#src/core/mod.ts";
import type { AppSource } from "./backend.ts";
import { rCode, type Runner } from "./r_code.ts";

/** What is executed for an app, and how it is asked to finish. */
export interface AppCommand {
  /** The program and its arguments, inside the sandbox. */
  readonly command: readonly string[];
  /** Sent one after the other, with equal parts of the grace period between them. */
  readonly stopSignals: readonly SignalName[];
}

/**
 * Where an app's program is to listen: at a port of this host, or at a unix socket of its sandbox.
 */
export type ListenOn = Address;

/** R finishes its `on.exit` and `onStop` handlers on SIGINT; SIGTERM ends it at once. */
const R_STOP_SIGNALS: readonly SignalName[] = ["SIGINT", "SIGTERM"];

/**
 * Puts the command of an app together.
 *
 * @param app `cmd` as configured, or else `files`, the names at the top of the app's folder.
 * @param options `rPath` is the R to run; `on` is where to listen.
 * @returns The command.
 * @throws {NotFoundError} When there is no `cmd` and no file that tells what kind of app it is.
 * @throws {RangeError} When `cmd` is to be told of a port and the app has none, or of a socket.
 */
export function appCommand(
  { cmd, files }: { cmd: readonly string[] | undefined; files: readonly string[] },
  { rPath, on }: { rPath: string; on: ListenOn },
): AppCommand {
  if (cmd !== undefined) {
    const command = cmd.map((arg) => fillIn(arg, on));
    const program = command[0]?.split("/").at(-1) ?? "";
    const isR = program === "R" || program === "Rscript";
    return { command, stopSignals: isR ? R_STOP_SIGNALS : ["SIGTERM"] };
  }
  const code = rCode(runnerOf(files), on);
  return {
    command: [rPath, "--no-echo", "--no-save", "--no-restore", "-e", code],
    stopSignals: R_STOP_SIGNALS,
  };
}

/**
 * Lists what is at the top of an app.
 *
 * @param source The app's files; a folder must exist and be readable.
 * @returns The names of its files.
 * @throws {Error} When the folder cannot be read.
 */
export async function topLevelFiles(source: AppSource): Promise<string[]> {
  if (source.kind === "files") return Object.keys(source.files);
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(source.path)) {
      if (!isDirectory) names.push(name);
    }
  } catch (error) {
    throw new Error(`cannot read the app's folder ${source.path}`, { cause: error });
  }
  return names;
}

/**
 * Tells whether an app without a `cmd` is run by the package shiny.
 *
 * @param files The names at the top of the app's folder.
 * @returns Whether it is.
 */
export function isShinyApp(files: readonly string[]): boolean {
  return hasFile(files, ["app.r", "server.r"]);
}

function fillIn(arg: string, on: ListenOn): string {
  const problem = misplacedPlaceholder(arg, on.kind === "tcp" ? "host" : "none");
  if (problem !== undefined) throw new RangeError(`cannot use ${JSON.stringify(arg)}: ${problem}`);
  return on.kind === "tcp"
    ? arg.replaceAll("{port}", String(on.port)).replaceAll("{host}", on.hostname)
    : arg.replaceAll("{socket}", on.path);
}

function runnerOf(files: readonly string[]): Runner {
  if (isShinyApp(files)) return "shiny";
  if (hasFile(files, ["plumber.r", "entrypoint.r"])) return "plumber";
  throw new NotFoundError(
    "cannot tell how to run the app: want app.R, server.R or plumber.R in its folder, or cmd",
  );
}

/** Both packages find their files in any case. */
function hasFile(files: readonly string[], wanted: readonly string[]): boolean {
  return files.some((name) => wanted.includes(name.toLowerCase()));
}
