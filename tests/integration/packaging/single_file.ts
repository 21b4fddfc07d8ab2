import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** How a program ended. */
export interface Outcome {
  /** Its exit code. */
  readonly code: number;
  /** What it printed on standard output. */
  readonly stdout: string;
  /** What it printed on standard error. */
  readonly stderr: string;
}

/**
 * Runs a program with an environment that holds nothing but what is given and a PATH.
 *
 * @param command The program and its arguments.
 * @param options `env` is added to the environment, `cwd` is the working directory.
 * @returns How it ended.
 */
export async function run(
  command: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Outcome> {
  const [program = "", ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    clearEnv: true,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", ...options.env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * Runs the build script.
 *
 * @param args Its arguments.
 * @param env What is added to its environment.
 * @returns How it ended.
 */
export function runBuild(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const kept = ["HOME", "DENO_DIR", "XDG_CACHE_HOME"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return run([Deno.execPath(), "run", "--allow-all", `${ROOT}scripts/build.ts`, ...args], {
    env: { ...Object.fromEntries(kept), ...env },
  });
}

/** A single file and a folder to try it in; disposing removes both. */
export interface Trial extends AsyncDisposable {
  /** The executable. */
  readonly file: string;
  /** An empty folder for the cache of the test; only its owner can write it. */
  readonly cache: string;
  /** A folder for everything else, the parent of both. */
  readonly folder: string;
  /**
   * Starts the executable with the cache of this trial.
   *
   * @param args Its arguments.
   * @param options As for {@linkcode run}; `program` starts another path instead.
   * @returns How it ended.
   */
  start(
    args: readonly string[],
    options?: { env?: Record<string, string>; cwd?: string; program?: readonly string[] },
  ): Promise<Outcome>;
  /** @returns What is in the cache, sorted. */
  cached(): string[];
  /** @returns The folder that was unpacked, of which there must be one. */
  unpacked(): string;
}

/**
 * Prepares a test of the single file.
 *
 * @param file The executable; the trial works with a hard link to it.
 * @returns The trial.
 */
export async function tryOut(file: string): Promise<Trial> {
  const folder = await Deno.makeTempDir({ prefix: "blockyard-packaging-" });
  await Deno.chmod(folder, 0o755);
  const cache = `${folder}/cache`;
  await Deno.mkdir(cache, { mode: 0o755 });
  const cached = () => Array.from(Deno.readDirSync(cache), ({ name }) => name).sort();
  return {
    file,
    cache,
    folder,
    start: (args, { program = [file], env = {}, ...rest } = {}) =>
      run([...program, ...args], { env: { BLOCKYARD_CACHE_DIR: cache, ...env }, ...rest }),
    cached,
    unpacked() {
      const [only, ...others] = cached();
      if (only === undefined || others.length > 0) {
        throw new Error(`expected one folder in ${cache}, got ${cached().join(", ")}`);
      }
      return `${cache}/${only}`;
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/**
 * A command that runs another with a file system of its own at one place.
 *
 * @param place An existing folder.
 * @param options The options of a tmpfs, such as `size=1m` or `ro`.
 * @returns The start of a command line.
 */
export function withTmpfs(place: string, options: string): string[] {
  const script = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"';
  return ["unshare", "--mount", "sh", "-c", script, "sh", options, place];
}
