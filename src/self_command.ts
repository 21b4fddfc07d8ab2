import { BUILD_INFO, type BuildInfo } from "#src/core/mod.ts";
import { resolve } from "node:path/posix";

/** A process to start, in the shape that `Deno.Command` takes. */
export interface SelfCommand {
  /** Absolute path. */
  readonly program: string;
  /** What follows the program. */
  readonly args: readonly string[];
  /** What the program needs in an environment that is otherwise empty. */
  readonly env: Readonly<Record<string, string>>;
}

/** What {@linkcode selfCommand} has to know about the running program. */
export interface Runtime {
  /** How the program came to be. */
  readonly kind: BuildInfo["kind"];
  /** The running executable: Deno itself, or the compiled program. Absolute path. */
  readonly execPath: string;
  /** The checkout, when `kind` is `source`. A folder's URL, which ends in a slash. */
  readonly root: URL;
  /** Reads one environment variable. */
  getEnv(name: string): string | undefined;
}

/**
 * The commands that are started often and must load nothing of the server, each with the module
 * that does its work when it is the main one. That module sees the arguments after the command.
 */
export const LEAN_ENTRIES: Readonly<Record<string, string>> = {
  "bwrap-exec": "src/sandbox/bwrap_exec/main.ts",
  "probe": "src/probe/main.ts",
};

/** With these, Deno looks for nothing but the files that it is given, and asks nobody. */
export const RUN_FLAGS: readonly string[] = [
  "--allow-all",
  "--quiet",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--no-remote",
  "--cached-only",
];

/**
 * As {@linkcode RUN_FLAGS}, for the lean entries: what V8 compiled for a process that becomes another
 * program never gets stored, so that looking for it is in vain.
 */
export const LEAN_FLAGS: readonly string[] = [...RUN_FLAGS, "--no-code-cache"];

/**
 * The name that an entry has in the single file's folder.
 *
 * @param command A key of {@linkcode LEAN_ENTRIES}.
 * @returns The file name of its bundle.
 */
export function leanBundleName(command: string): string {
  return `${command}.js`;
}

/**
 * How to start this same executable again in the cheapest way: the unpacked Deno and a bundle
 * directly for the single file, without its shell header, and a lean module where there is one.
 *
 * @param args The arguments, the command first.
 * @param runtime What runs now; the default is what does.
 * @returns The process to start.
 */
export function selfCommand(
  args: readonly string[],
  runtime: Runtime = currentRuntime(),
): SelfCommand {
  const [command = "", ...rest] = args;
  const lean = Object.hasOwn(LEAN_ENTRIES, command) ? LEAN_ENTRIES[command] : undefined;
  const forEntry = lean === undefined ? args : rest;
  const { execPath: program } = runtime;
  switch (runtime.kind) {
    case "compiled":
      return { program, args, env: cacheEnv(runtime) };
    case "single-file": {
      const folder = program.slice(0, program.lastIndexOf("/"));
      const [flags, file] = lean === undefined
        ? [RUN_FLAGS, "main.js"]
        : [LEAN_FLAGS, leanBundleName(command)];
      return {
        program,
        args: ["run", ...flags, `${folder}/${file}`, ...forEntry],
        env: { DENO_DIR: `${folder}/cache`, DENO_NO_UPDATE_CHECK: "1" },
      };
    }
    case "source": {
      const config = new URL("deno.json", runtime.root).pathname;
      const entry = new URL(lean ?? "main.ts", runtime.root).pathname;
      return {
        program,
        args: ["run", "--allow-all", "--quiet", "--no-prompt", "--config", config, entry]
          .map(decodeURIComponent).concat(forEntry),
        env: { ...cacheEnv(runtime), DENO_NO_UPDATE_CHECK: "1" },
      };
    }
  }
}

/** Deno ends at once when none of these tells it where its cache is and the uid has no name. */
function cacheEnv(runtime: Runtime): Record<string, string> {
  const entries = ["DENO_DIR", "XDG_CACHE_HOME", "HOME"]
    .map((name) => [name, runtime.getEnv(name)] as const)
    .filter((entry): entry is readonly [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

function currentRuntime(): Runtime {
  return {
    kind: BUILD_INFO.kind,
    execPath: Deno.execPath(),
    root: new URL("../", import.meta.url),
    getEnv: (name) => Deno.env.get(name),
  };
}

/**
 * The files that this executable needs to be started again, for a place where not all of the host is
 * to be seen.
 *
 * @param runtime What runs now; the default is what does.
 * @returns Absolute paths of files and folders, none of which is below `/usr`.
 */
export function selfFiles(runtime: Runtime = currentRuntime()): string[] {
  const { kind, execPath } = runtime;
  const folder = execPath.slice(0, execPath.lastIndexOf("/"));
  const root = decodeURIComponent(runtime.root.pathname).replace(/\/$/, "");
  const files = kind === "single-file"
    ? [folder]
    : kind === "compiled"
    ? [execPath]
    : [execPath, ...["deno.json", "main.ts", "src", "ffi"].map((name) => `${root}/${name}`)];
  return files.filter((path) => !path.startsWith("/usr/"));
}

/** Where the header of the single file says how it was started. */
const EXECUTABLE_VARIABLE = "BLOCKYARD_EXECUTABLE";

/**
 * Tells where the executable lies that an operator starts, which for the single file is not what runs.
 *
 * @param runtime What runs now; the default is what does.
 * @returns Its absolute path, with the symbolic links that it was started through where they are
 * known; undefined for a checkout, and for a single file that a shell was told to read.
 */
export function ownExecutable(
  { kind, execPath, getEnv }: Runtime = currentRuntime(),
): string | undefined {
  switch (kind) {
    case "compiled":
      return execPath;
    case "single-file": {
      const path = getEnv(EXECUTABLE_VARIABLE);
      // Without a slash, the shell has found it in a place of which it does not tell.
      return path?.includes("/") ? resolve(path) : undefined;
    }
    case "source":
      return undefined;
  }
}
