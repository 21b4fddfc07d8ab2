import { errorMessage } from "#src/core/mod.ts";
import { trySymlinkMount } from "./bwrap_symlink_trial.ts";
import { isOlder, OLDEST_BWRAP, parseBwrapVersion } from "./bwrap_version.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, ok, warning } from "./finding.ts";
import type { PreflightHost, ProgramResult } from "./host.ts";

const INSTALL = advice("Install bubblewrap (on Debian: apt-get install bubblewrap)");
const UPDATE = advice(
  `Install bubblewrap ${OLDEST_BWRAP.join(".")} or newer, or name one in process.bwrap_path`,
);
const CLOSE_HOLE = advice(
  "Update bubblewrap to 0.12.0 or to a package of the distribution with the repair of " +
    "CVE-2026-87766",
);
/** How long bwrap may take to print its version, in milliseconds. */
const TIMEOUT_MS = 5000;
/** The set-user-id bit of a file's mode (inode(7), S_ISUID). */
const SET_UID = 0o4000;

/** Whether bubblewrap is there, works and is new enough, and what is known to be wrong with it. */
export const bwrapAvailable: Check = {
  name: "bwrap_available",
  category: "sandbox",
  async run(host) {
    const { bwrapPath } = host.config.process;
    const path = await host.findProgram(bwrapPath);
    if (path === undefined) return missing(bwrapPath);
    let result: ProgramResult;
    try {
      result = await host.runProgram([path, "--version"], { timeoutMs: TIMEOUT_MS });
    } catch (cause) {
      return error(`${path} cannot be run: ${errorMessage(cause)}`, UPDATE);
    }
    const version = result.code === 0 ? parseBwrapVersion(result.stdout) : undefined;
    if (version === undefined) return error(noVersion(path, result), UPDATE);
    const text = version.join(".");
    if (isOlder(version, OLDEST_BWRAP)) {
      return error(
        `${path} is bubblewrap ${text}, and sandboxes need ${OLDEST_BWRAP.join(".")} or newer`,
        UPDATE,
      );
    }
    const findings = [...await setUidFinding(path), ...await holeFinding(host, path)];
    return findings.length > 0
      ? findings.map((finding) => ({ ...finding, message: `${finding.message} (${text})` }))
      : ok(`${path} is bubblewrap ${text} and follows no link out of a sandbox`);
  },
};

function missing(bwrapPath: string): Finding {
  if (bwrapPath === "bwrap") return error("bwrap is not in PATH", INSTALL);
  const fix = advice("Install bubblewrap there, or name an installed one in process.bwrap_path");
  return error(`process.bwrap_path is ${bwrapPath}, and no such program is there`, fix);
}

function noVersion(path: string, { code, stdout, stderr }: ProgramResult): string {
  if (code === 124) return `${path} --version did not end in time`;
  const output = `${stdout}${stderr}`.trim().slice(0, 300);
  return `${path} --version ended with code ${code} and ${JSON.stringify(output)}, ` +
    'want "bubblewrap" and a version';
}

async function setUidFinding(path: string): Promise<Finding[]> {
  const again = advice("Repair what the message names and run the preflight again");
  try {
    const { mode } = await Deno.stat(path);
    if (mode === null) return [warning(`the mode of ${path} is not known`, again)];
    if ((mode & SET_UID) === 0) return [];
  } catch (cause) {
    return [warning(`the mode of ${path} could not be read: ${errorMessage(cause)}`, again)];
  }
  return [
    warning(
      `${path} runs with its owner's uid for every user of the host, which sandboxes do not need ` +
        "where user namespaces work",
      advice(`Take the set-user-id bit off ${path} with chmod u-s`),
    ),
  ];
}

async function holeFinding(host: PreflightHost, path: string): Promise<Finding[]> {
  let reason: string;
  try {
    const trial = await trySymlinkMount(host, path);
    if (trial.kind === "closed") return [];
    if (trial.kind === "open") {
      return [
        warning(
          `${path} follows links in a tree when it mounts below it and so makes folders on the ` +
            "host (CVE-2026-87766); blockyard mounts nothing below a tree that an app can write, " +
            "other users of this bwrap may",
          CLOSE_HOLE,
        ),
      ];
    }
    reason = trial.reason;
  } catch (cause) {
    reason = errorMessage(cause);
  }
  return [
    warning(`whether ${path} has CVE-2026-87766 could not be tried: ${reason}`, CLOSE_HOLE),
  ];
}
