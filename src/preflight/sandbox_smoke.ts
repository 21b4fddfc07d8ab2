import { resolveRuntime } from "#src/backend/mod.ts";
import { errorMessage } from "#src/core/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, ok } from "./finding.ts";

/**
 * What R computes, so that an echo of the command is no answer, in a line of its own: a site's profile
 * may print something before it.
 */
const EXPRESSION = "writeLines(c(character(1), 6 * 7))";
const ANSWER = "42";
/** How long R may take to start and answer, in milliseconds. */
const TIMEOUT_MS = 15_000;
/** How many of the last lines of output explain a failure. */
const EXPLAINING_LINES = 3;

/** Whether R starts and computes in a sandbox as workers get one. */
export const sandboxSmoke: Check = {
  name: "sandbox_smoke",
  category: "sandbox",
  async run(host) {
    const { rPath, rigBase } = host.config.process;
    try {
      const path = await host.findProgram(rPath);
      if (path === undefined) return failed(`"${rPath}" is no program`);
      const runtime = await resolveRuntime("", { rigBase, fallback: path });
      const startMs = performance.now();
      const { code, stdout, stderr } = await host.sandboxes.run({
        command: [runtime.rPath, "--no-echo", "--no-restore", "--no-save", "-e", EXPRESSION],
        shown: runtime.toolTrees.map(({ source }) => source),
        timeoutMs: TIMEOUT_MS,
      });
      const elapsedMs = Math.round(performance.now() - startMs);
      if (code === 0 && stdout.split("\n").includes(ANSWER)) {
        return ok(`R started in a sandbox, answered and ended within ${elapsedMs} ms`);
      }
      const said = `${stderr}${stdout}`.trim().split("\n").slice(-EXPLAINING_LINES).join("; ");
      return failed(`it ended with exit code ${code}${said === "" ? "" : `: ${said}`}`);
    } catch (cause) {
      return failed(errorMessage(cause));
    }
  },
};

function failed(reason: string): Finding {
  return error(
    `R does not run in a sandbox: ${reason}`,
    advice(
      "Repair what the other checks name; R and its libraries have to be below /usr, or in " +
        "folders that everybody may read",
    ),
  );
}
