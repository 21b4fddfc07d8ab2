import { resolveRuntime, type RRuntime } from "#src/backend/mod.ts";
import { errorMessage } from "#src/core/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, type Fix, ok, setting } from "./finding.ts";
import { EXIT_TIMEOUT, type PreflightHost, type ProgramResult } from "./host.ts";

/** What R computes, so that an echo of the command is no answer; what a site's profile says stays apart. */
const EXPRESSION = 'cat("\\n", 6 * 7, "\\n", sep = "")';
const ANSWER = /^42$/m;
/** How long R may take to start and answer, in milliseconds. */
const TIMEOUT_MS = 15_000;
/** From here on, an exit code stands for the signal that ended a program. */
const SIGNAL_BASE = 128;
/** How many of the last lines of output explain a failure. */
const EXPLAINING_LINES = 3;

const REPAIR = advice(
  "Repair what the other checks name; R and its libraries have to be below /usr, or in " +
    "folders that everybody may read",
);

/** Whether R starts and computes in a sandbox as workers get one. */
export const sandboxSmoke: Check = {
  name: "sandbox_smoke",
  category: "sandbox",
  async run(host) {
    const { rPath, rigBase } = host.config.process;
    try {
      const path = await host.findProgram(rPath);
      if (path === undefined) return failed(`"${rPath}" is no program`, REPAIR);
      const runtime = await resolveRuntime("", { rigBase, fallback: path });
      const startMs = performance.now();
      const result = await askR(host, runtime);
      const elapsedMs = Math.round(performance.now() - startMs);
      if (hasAnswered(result)) {
        return ok(`R started in a sandbox, answered and ended within ${elapsedMs} ms`);
      }
      return await explain(host, { runtime, result });
    } catch (cause) {
      return failed(errorMessage(cause), REPAIR);
    }
  },
};

async function askR(
  { sandboxes }: PreflightHost,
  runtime: RRuntime,
  options: { withoutSeccomp?: boolean } = {},
): Promise<ProgramResult> {
  return await sandboxes.run({
    command: [runtime.rPath, "--no-echo", "--no-restore", "--no-save", "-e", EXPRESSION],
    shown: runtime.toolTrees.map(({ source }) => source),
    timeoutMs: TIMEOUT_MS,
    ...options,
  });
}

function hasAnswered({ code, stdout }: ProgramResult): boolean {
  return code === 0 && ANSWER.test(stdout);
}

function endingOf({ code, stdout, stderr }: ProgramResult): string {
  if (code === EXIT_TIMEOUT) return `it had not ended after ${TIMEOUT_MS / 1000} s`;
  const said = `${stderr}${stdout}`.trim().split("\n").slice(-EXPLAINING_LINES).join("; ");
  const signal = code > SIGNAL_BASE ? ` (signal ${code - SIGNAL_BASE})` : "";
  return `it ended with exit code ${code}${signal}${said === "" ? "" : `: ${said}`}`;
}

/** A filter can let small programs pass and not R; what hung is not waited for a second time. */
async function explain(
  host: PreflightHost,
  { runtime, result }: { runtime: RRuntime; result: ProgramResult },
): Promise<Finding> {
  const reason = endingOf(result);
  const profile = host.config.process.seccompProfile;
  if (profile?.kind !== "file" || result.code === EXIT_TIMEOUT) return failed(reason, REPAIR);
  const bare = await askR(host, runtime, { withoutSeccomp: true });
  if (!hasAnswered(bare)) return failed(reason, REPAIR);
  return failed(
    `${reason}; it does without the system call filter ${profile.path}`,
    setting("process.seccomp_profile: default"),
  );
}

function failed(reason: string, fix: Fix): Finding {
  return error(`R does not run in a sandbox: ${reason}`, fix);
}
