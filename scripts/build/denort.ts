/** The runtime that `deno compile` puts a program into, and where a machine may have it. */

/** What the search has to know about this machine. */
export interface DenortPlace {
  /** The version of the running Deno, such as `2.9.6`; the runtime has to be of the same. */
  readonly version: string;
  /** As in `Deno.build.target`. */
  readonly target: string;
  /** The running Deno. */
  readonly execPath: string;
  /** Reads one environment variable. */
  getEnv(name: string): string | undefined;
}

/**
 * Every file that `deno compile` would take its runtime from without asking the network.
 *
 * @param place The machine.
 * @returns Absolute paths, in the order in which Deno looks at them.
 */
export function denortCandidates(place: DenortPlace): string[] {
  const candidates: string[] = [];
  const named = place.getEnv("DENORT_BIN");
  if (named) candidates.push(named);
  candidates.push(place.execPath.replace(/[^/]*$/, "denort"));
  const home = place.getEnv("HOME");
  const userCache = place.getEnv("XDG_CACHE_HOME") || (home ? `${home}/.cache` : "");
  const denoDir = place.getEnv("DENO_DIR") || (userCache ? `${userCache}/deno` : "");
  if (denoDir) {
    candidates.push(`${denoDir}/dl/release/v${place.version}/denort-${place.target}.zip`);
  }
  return candidates;
}

/**
 * Looks for the runtime.
 *
 * @param place The machine.
 * @param isFile Whether a path names a file.
 * @returns The first candidate that exists, or `undefined`.
 * @throws {Error} When `DENORT_BIN` names a file that is not there.
 */
export function findDenort(
  place: DenortPlace,
  isFile: (path: string) => boolean,
): string | undefined {
  const named = place.getEnv("DENORT_BIN");
  if (named && !isFile(named)) {
    throw new Error(`cannot compile with DENORT_BIN=${named}: want a file that exists`);
  }
  return denortCandidates(place).find(isFile);
}

/**
 * The command line that compiles the program.
 *
 * @param main The entry module.
 * @param output Where the executable goes.
 * @returns The arguments for `deno`.
 */
export function compileArgs(main: string, output: string): string[] {
  return [
    "compile",
    "--quiet",
    "--allow-all",
    "--no-prompt",
    // The build has checked the types before.
    "--no-check",
    // Else every package of the lock file goes in, those of the tests included.
    "--exclude-unused-npm",
    "--app-name",
    "blockyard",
    "--output",
    output,
    main,
  ];
}
