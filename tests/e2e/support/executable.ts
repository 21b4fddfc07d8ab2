/**
 * The executable that these tests are about: `dist/blockyard`, or the one that BLOCKYARD_BIN names.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** Its absolute path. */
export const EXECUTABLE: string = Deno.env.get("BLOCKYARD_BIN") ??
  fileURLToPath(new URL("../../../dist/blockyard", import.meta.url));

/** What a server needs besides the executable. */
export const SERVER_FILES: readonly string[] = [
  EXECUTABLE,
  "/usr/bin/bwrap",
  "/usr/bin/R",
  "/usr/lib/R/site-library/shiny",
];

/** The single file unpacks itself; the test's copy goes with the test. */
const cacheFolder = Deno.makeTempDirSync({ dir: "/tmp", prefix: "blockyard-test-cache-" });
globalThis.addEventListener("unload", () => Deno.removeSync(cacheFolder, { recursive: true }));

/**
 * Makes the environment to start the executable in; nothing else of the test's own is handed on.
 *
 * @param more What is set besides, or instead.
 * @returns The whole environment.
 */
export function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    HOME: Deno.env.get("HOME") ?? "/",
    BLOCKYARD_CACHE_DIR: cacheFolder,
    ...more,
  };
}

/** How long a command may take that ends by itself, in milliseconds. */
const RUN_MS = 60_000;

/** A command that has ended. */
export interface Outcome {
  /** Its exit code. */
  readonly code: number;
  /** Its standard output. */
  readonly stdout: string;
  /** Its standard error. */
  readonly stderr: string;
}

/**
 * Runs the executable to its end.
 *
 * @param args Its arguments.
 * @param options `env` is what is set in its environment besides the usual.
 * @returns How it ended.
 */
export async function runBlockyard(
  args: readonly string[],
  { env }: { env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const child = new Deno.Command(EXECUTABLE, {
    args: [...args],
    env: environment(env),
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // One that serves where it should have refused would never end.
  const timer = setTimeout(() => child.kill("SIGTERM"), RUN_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}
