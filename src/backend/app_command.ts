import type { SignalName } from "#src/sandbox/mod.ts";
import { NotFoundError, type Port } from "#src/core/mod.ts";
import type { AppSource } from "./backend.ts";

/** What is executed for an app, and how it is asked to finish. */
export interface AppCommand {
  /** The program and its arguments, inside the sandbox. */
  readonly command: readonly string[];
  /** Sent one after the other, with equal parts of the grace period between them. */
  readonly stopSignals: readonly SignalName[];
}

/** What an app's program needs to know to be reached. */
export interface ListenOn {
  /** The address to listen on. */
  readonly hostname: string;
  /** The port to listen on. */
  readonly port: Port;
}

/** R finishes its `on.exit` and `onStop` handlers on SIGINT; SIGTERM ends it at once. */
const R_STOP_SIGNALS: readonly SignalName[] = ["SIGINT", "SIGTERM"];

/**
 * Puts the command of an app together.
 *
 * @param app `cmd` as configured, or else `files`, the names at the top of the app's folder.
 * @param options `rPath` is the R to run; the rest is where to listen.
 * @returns The command.
 * @throws {NotFoundError} When there is no `cmd` and no file that tells what kind of app it is.
 */
export function appCommand(
  { cmd, files }: { cmd: readonly string[] | undefined; files: readonly string[] },
  { rPath, hostname, port }: ListenOn & { rPath: string },
): AppCommand {
  if (cmd !== undefined) {
    const command = cmd.map((arg) =>
      arg.replaceAll("{port}", String(port)).replaceAll("{host}", hostname)
    );
    const program = command[0]?.split("/").at(-1) ?? "";
    const isR = program === "R" || program === "Rscript";
    return { command, stopSignals: isR ? R_STOP_SIGNALS : ["SIGTERM"] };
  }
  const code = rCode(files, { hostname, port });
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

function rCode(files: readonly string[], { hostname, port }: ListenOn): string {
  const on = `host='${hostname}',port=${port}L`;
  if (isShinyApp(files)) return `shiny::runApp('/app',${on},launch.browser=FALSE)`;
  if (hasFile(files, ["plumber.r", "entrypoint.r"])) {
    return `plumber::plumb(dir='/app')$run(${on})`;
  }
  throw new NotFoundError(
    "cannot tell how to run the app: want app.R, server.R or plumber.R in its folder, or cmd",
  );
}

/** Both packages find their files in any case. */
function hasFile(files: readonly string[], wanted: readonly string[]): boolean {
  return files.some((name) => wanted.includes(name.toLowerCase()));
}
