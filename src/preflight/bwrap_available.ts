import { errorMessage } from "#src/core/mod.ts";
import { endingText, noAttempt } from "./bwrap_ending.ts";
import { mayHave, SYMLINK_HOLE, TRACE_HOLE } from "./bwrap_holes.ts";
import { type SymlinkTrial, trySymlinkMount } from "./bwrap_symlink_trial.ts";
import { type BwrapVersion, isOlder, OLDEST_BWRAP, parseBwrapVersion } from "./bwrap_version.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, ok, warning } from "./finding.ts";
import { EXIT_TIMEOUT, type ProgramResult } from "./host.ts";
import { type Look, LOOK_AGAIN, lookAt } from "./not_found_out.ts";
import { hasSetUidBit } from "./set_uid_bit.ts";
import { commandsOn } from "./shell_quote.ts";

const INSTALL = advice("Install bubblewrap (on Debian: apt-get install bubblewrap)");
const UPDATE = advice(
  `Install bubblewrap ${OLDEST_BWRAP.join(".")} or newer, or name one in process.bwrap_path`,
);
const CLOSE_HOLE = advice(
  `Update bubblewrap to ${SYMLINK_HOLE.repairedIn.join(".")} or to a package of the distribution ` +
    `with the repair of ${SYMLINK_HOLE.id}`,
);
const REPLACE = advice("Set process.bwrap_path to an unchanged bubblewrap");
const LET_EXECUTE = advice(
  "Let everybody execute it and enter the folders above it (chmod a+rx), or name another in " +
    "process.bwrap_path",
);
const TAKE_BIT_OFF = ["chmod u-s"] as const;
/** How long bwrap may take to print its version, in milliseconds. */
const TIMEOUT_MS = 5000;

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
    if (result.code === EXIT_TIMEOUT) {
      // Whether it works all the same other checks tell, which make sandboxes.
      const late = `which version ${path} has could not be found out: it did not end in time`;
      return warning(late, LOOK_AGAIN);
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
    const [trial, bit] = await Promise.all([
      lookAt(`whether ${path} has ${SYMLINK_HOLE.id}`, () => trySymlinkMount(host, path)),
      lookAt(`whether ${path} runs with its owner's uid`, () => hasSetUidBit(path)),
    ]);
    const findings = judge(path, version, { trial, bit });
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
  const output = `${stdout}${stderr}`.trim().slice(0, 300);
  return `${path} --version ended with code ${code} and ${JSON.stringify(output)}, ` +
    'want "bubblewrap" and a version';
}

function judge(
  path: string,
  version: BwrapVersion,
  { trial, bit }: { trial: Look<SymlinkTrial>; bit: Look<boolean> },
): Finding[] {
  if ("unknown" in trial) return [trial.unknown, ...bitFindings(path, version, bit)];
  const { seen } = trial;
  const aboutBit = bitFindings(path, version, bit);
  if (seen.kind === "closed") return aboutBit;
  if (seen.kind === "open") return [...aboutBit, openHole(path, version)];
  const reason = endingText(seen.result);
  if (seen.kind === "cut short") return [...aboutBit, notTried(path, version, reason)];
  const kept = noAttempt(seen.result)?.kind;
  if (kept === "not executed") {
    return [error(`workers cannot execute ${path}: ${reason}`, LET_EXECUTE)];
  }
  if (kept === "hung") return [error(`${path} makes no sandbox: ${reason}`, REPLACE)];
  if ("seen" in bit && bit.seen) {
    const message = `${path} has the set-user-id bit and makes no sandbox for workers: ${reason}`;
    return [error(message, commandsOn(TAKE_BIT_OFF, path))];
  }
  return [...aboutBit, notTried(path, version, reason)];
}

/** It may not count where it is, so that sandboxes work all the same. */
function bitFindings(path: string, version: BwrapVersion, bit: Look<boolean>): Finding[] {
  if ("unknown" in bit) return [bit.unknown];
  if (!bit.seen) return [];
  const hole = mayHave(version, TRACE_HOLE)
    ? `; if the distribution has not repaired ${TRACE_HOLE.id}, that makes them root`
    : "";
  return [
    warning(
      `${path} has the set-user-id bit and may run with its owner's uid for every user of the ` +
        `host, which sandboxes do not need${hole}`,
      commandsOn(TAKE_BIT_OFF, path),
    ),
  ];
}

function openHole(path: string, version: BwrapVersion): Finding {
  const isKnown = mayHave(version, SYMLINK_HOLE);
  const although = isKnown ? "" : `, although ${SYMLINK_HOLE.repairedIn.join(".")} does not`;
  return warning(
    `${path} follows links in a tree when it mounts below it and so makes folders on the host ` +
      `(${SYMLINK_HOLE.id})${although}; blockyard mounts nothing below a tree that an app can ` +
      "write, other users of this bwrap may",
    isKnown ? CLOSE_HOLE : REPLACE,
  );
}

function notTried(path: string, version: BwrapVersion, reason: string): Finding {
  const repaired = SYMLINK_HOLE.repairedIn.join(".");
  const known = mayHave(version, SYMLINK_HOLE)
    ? `, as versions before ${repaired} have unless the distribution repaired it,`
    : "";
  const message = `whether ${path} has ${SYMLINK_HOLE.id}${known} could not be tried: ${reason}`;
  return warning(message, LOOK_AGAIN);
}
