import { errorMessage } from "#src/core/mod.ts";
import { readSeccompFilter } from "#src/sandbox/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, info, ok, setting, warning } from "./finding.ts";
import type { PreflightHost, ProgramResult } from "./host.ts";

/** Shows how the kernel treats the program itself (proc_pid_status(5)). */
const SHOW_MODE = ["/bin/sh", "-c", 'exec grep "^Seccomp:" /proc/self/status'] as const;
/** SECCOMP_MODE_FILTER of linux/seccomp.h. */
const FILTERED = /^Seccomp:\s*2$/m;

const REPLACE = advice(
  "Compile the filter anew for this machine, or set process.seccomp_profile to none and go without",
);

/** Whether the configured system call filter is one, and programs run under it. */
export const seccompProfile: Check = {
  name: "seccomp_profile",
  category: "sandbox",
  async run(host) {
    const path = host.config.process.seccompProfile;
    if (path === undefined) {
      return info(
        "workers can make every system call, because process.seccomp_profile is none",
        setting("process.seccomp_profile: /etc/blockyard.bpf"),
      );
    }
    let instructions: number;
    try {
      ({ instructions } = await readSeccompFilter(path, host.identity));
    } catch (cause) {
      return error(errorMessage(cause), REPLACE);
    }
    const filtered = await attempt(host, { withoutSeccomp: false });
    if (filtered.kind === "ran" && filtered.code === 0 && FILTERED.test(filtered.stdout)) {
      return ok(`workers run under the ${instructions} instructions of ${path}`);
    }
    // Where no sandbox works at all, nothing is known about the filter.
    const bare = await attempt(host, { withoutSeccomp: true });
    if (bare.kind === "failed") return notTried(path, bare.reason);
    if (bare.code !== 0) return notTried(path, said(bare));
    const reason = filtered.kind === "failed" ? filtered.reason : said(filtered);
    return error(`no program runs under the system call filter ${path}: ${reason}`, REPLACE);
  },
};

type Attempt =
  | ({ readonly kind: "ran" } & ProgramResult)
  | { readonly kind: "failed"; readonly reason: string };

async function attempt(
  { sandboxes }: PreflightHost,
  options: { withoutSeccomp: boolean },
): Promise<Attempt> {
  try {
    return { kind: "ran", ...await sandboxes.run({ command: SHOW_MODE, ...options }) };
  } catch (cause) {
    return { kind: "failed", reason: errorMessage(cause) };
  }
}

function said({ code, stdout, stderr }: ProgramResult): string {
  const text = `${stderr}${stdout}`.trim().slice(-300);
  return `it ended with code ${code}${text === "" ? "" : ` and ${JSON.stringify(text)}`}`;
}

function notTried(path: string, reason: string): Finding {
  return warning(
    `whether programs run under the system call filter ${path} could not be tried: ${reason}`,
    advice("Repair what the message names and run the preflight again"),
  );
}
