import type { PreflightHost } from "./host.ts";

/** What a site's profile prints must not be taken for an answer. */
const MARK = "blockyard-library:";
/** As for the trial in a sandbox, there is no backslash in it. */
const CODE = [
  "end <- intToUtf8(10L)",
  'for (it in .libPaths()) if (file.exists(file.path(it, "shiny")))',
  `  cat(end, "${MARK}", it, end, sep = "")`,
].join("\n");

/**
 * Looks for shiny where an R finds it outside of sandboxes: a site may keep its packages in a folder
 * that no sandbox shows.
 *
 * @param host Runs the R, under a worker's ids where there are such: it need not belong to root.
 * @param options `rPath` is the absolute path of the R; `timeoutMs` is how long it may take, in
 * milliseconds.
 * @returns The first library that has it; undefined for none, and where that cannot be told. It never
 * rejects.
 */
export async function findShinyOutside(
  host: Pick<PreflightHost, "runProgram" | "identity">,
  { rPath, timeoutMs }: { rPath: string; timeoutMs: number },
): Promise<string | undefined> {
  const command = [rPath, "--no-echo", "--no-save", "--no-restore", "-e", CODE];
  try {
    const options = { timeoutMs, asWorker: host.identity.isRoot };
    const { stdout } = await host.runProgram(command, options);
    const line = stdout.split("\n").find((line) => line.startsWith(`${MARK}/`));
    return line?.slice(MARK.length);
  } catch {
    // What the trial in the sandbox found stands for itself.
    return undefined;
  }
}
