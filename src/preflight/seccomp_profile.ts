import { errorMessage } from "#src/core/mod.ts";
import { openSeccompFilter, type SeccompFilter } from "#src/sandbox/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, ok, setting, warning } from "./finding.ts";
import { EXIT_TIMEOUT, type PreflightHost, type ProgramResult } from "./host.ts";

/** Shows how the kernel treats the program itself (proc_pid_status(5)). */
const SHOW_MODE = ["/bin/sh", "-c", 'exec grep "^Seccomp" /proc/self/status'] as const;
/** SECCOMP_MODE_FILTER of linux/seccomp.h. */
const FILTERED = /^Seccomp:\s*2$/m;
/** How many filters there are, since Linux 5.9. */
const COUNT = /^Seccomp_filters:\s*(\d+)$/m;

/** What to do about a profile that cannot be used, by its kind. */
const REPAIRS = {
  default: advice(
    "Use a kernel with system call filters (CONFIG_SECCOMP_FILTER), or set " +
      "process.seccomp_profile to none and go without",
  ),
  file: advice(
    "Compile the filter anew for this machine, or set process.seccomp_profile to default",
  ),
};

/** Whether the configured system call filter is one, and programs run under it. */
export const seccompProfile: Check = {
  name: "seccomp_profile",
  category: "sandbox",
  async run(host) {
    const profile = host.config.process.seccompProfile;
    if (profile === undefined) {
      return warning(
        "workers can make every system call, because process.seccomp_profile is none",
        setting("process.seccomp_profile: default"),
      );
    }
    const repair = REPAIRS[profile.kind];
    let filter: SeccompFilter;
    try {
      filter = await openSeccompFilter(profile, host.identity);
    } catch (cause) {
      return error(errorMessage(cause), repair);
    }
    const name = profile.kind === "file"
      ? `the system call filter ${profile.path}`
      : "the built-in system call policy";
    const filtered = await attempt(host, { withoutSeccomp: false });
    if (filtered.kind === "ran" && filtered.code === 0 && await isFiltered(filtered.stdout, host)) {
      return ok(
        profile.kind === "file"
          ? `workers run under the ${filter.instructions} instructions of ${profile.path}`
          : `workers run under ${name}`,
      );
    }
    if (filtered.kind === "ran" && filtered.code === 0) {
      return error(
        `workers do not run under ${name}: ${said(filtered)}`,
        advice("Set process.bwrap_path to an unchanged bubblewrap"),
      );
    }
    // Where no sandbox works at all, nothing is known about the filter.
    const bare = await attempt(host, { withoutSeccomp: true });
    if (bare.kind === "failed") return notTried(name, bare.reason);
    if (bare.code !== 0) return notTried(name, said(bare));
    const reason = filtered.kind === "failed" ? filtered.reason : said(filtered);
    return error(`no program runs under ${name}: ${reason}`, repair);
  },
};

/** A server in a container hands its filters on to workers, which must have one more. */
async function isFiltered(status: string, { roots }: PreflightHost): Promise<boolean> {
  if (!FILTERED.test(status)) return false;
  const [own, workers] = [await Deno.readTextFile(`${roots.proc}/self/status`), status]
    .map((text) => COUNT.exec(text)?.[1]);
  return own === undefined || workers === undefined || Number(workers) > Number(own);
}

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
  if (code === EXIT_TIMEOUT) return "it did not end in time";
  const text = `${stderr}${stdout}`.trim().slice(-300);
  return `it ended with code ${code}${text === "" ? "" : ` and ${JSON.stringify(text)}`}`;
}

function notTried(name: string, reason: string): Finding {
  return warning(
    `whether programs run under ${name} could not be tried: ${reason}`,
    advice("Repair what the message names and run the preflight again"),
  );
}
