import { errorMessage } from "#src/core/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, ok, warning } from "./finding.ts";
import { EXIT_TIMEOUT, type PreflightHost } from "./host.ts";
import { LOOK_AGAIN } from "./not_found_out.ts";
import { excerpt } from "./wording.ts";

/** How long R may take to print its version, in milliseconds. */
const TIMEOUT_MS = 5000;

/** Whether the R of apps that name no version runs. */
export const rBinary: Check = {
  name: "r_binary",
  category: "r",
  async run(host) {
    const name = host.config.process.rPath;
    const path = await host.findProgram(name);
    if (path === undefined) return error(`there is no R: "${name}" is no program`, INSTALL);
    try {
      const answer = await askRVersion(host, path);
      if ("problem" in answer) {
        return answer.isLate ? late(path, answer.problem) : broken(path, answer.problem);
      }
      return ok(`R ${answer.version} at ${path}`);
    } catch (cause) {
      return broken(path, errorMessage(cause));
    }
  },
};

/** What an R says of its version, or what is wrong with it, as a clause about "it". */
export type RVersionAnswer =
  | { readonly version: string }
  | {
    readonly problem: string;
    /** Whether it may only be slow. */
    readonly isLate: boolean;
  };

/**
 * Runs `R --version`.
 *
 * @param host Runs it.
 * @param path Absolute path of the program.
 * @param options `asWorker` runs it under a worker's ids, which takes root.
 * @returns What it says.
 * @throws {Error} When it cannot be started.
 */
export async function askRVersion(
  host: Pick<PreflightHost, "runProgram">,
  path: string,
  { asWorker = false }: { asWorker?: boolean } = {},
): Promise<RVersionAnswer> {
  const options = { timeoutMs: TIMEOUT_MS, asWorker };
  const { code, stdout, stderr } = await host.runProgram([path, "--version"], options);
  if (code === EXIT_TIMEOUT) {
    return { problem: `it did not print its version within ${TIMEOUT_MS / 1000} s`, isLate: true };
  }
  if (code !== 0) {
    const [said = ""] = stderr.trim().split("\n");
    const words = said === "" ? "" : `: ${excerpt(said)}`;
    return { problem: `it ended with exit code ${code}${words}`, isLate: false };
  }
  const version = parseRVersion(stdout);
  return version === undefined
    ? { problem: "what it prints is not the version of an R", isLate: false }
    : { version };
}

/**
 * Reads what `R --version` prints.
 *
 * @param text Its output, with a line that begins `R version 4.2.2 (2022-10-31)`, or `R Under
 * development` for one that has no version yet; scripts around an R may say something before it.
 * @returns The version, such as `4.2.2`, or `under development`; undefined when it is no R's.
 */
export function parseRVersion(text: string): string | undefined {
  if (/^R Under development /m.test(text)) return "under development";
  return /^R version (\d+\.\d+\.\d+)/m.exec(text)?.[1];
}

const INSTALL = advice(
  "Install R (on Debian: apt-get install r-base-core), or set process.r_path to the absolute path " +
    "of an R",
);

/** Whether it runs at all the trial in a sandbox tells, which has more time. */
function late(path: string, reason: string): Finding {
  return warning(`which R ${path} is could not be found out: ${reason}`, LOOK_AGAIN);
}

function broken(path: string, reason: string): Finding {
  return error(`${path} does not work: ${reason}`, INSTALL);
}
