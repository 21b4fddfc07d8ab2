import { type Clock, errorMessage } from "#src/core/mod.ts";
import type { Check } from "./check.ts";
import { advice, type Finding, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { oneLine, oneLineFix } from "./one_line.ts";
import type { CheckResult, PreflightReport } from "./report.ts";

/** How a preflight is carried out. */
export interface PreflightOptions {
  /** What is asked, in the order of the report. */
  readonly checks: readonly Check[];
  /** Tells and lets pass time. */
  readonly clock: Clock;
  /** The kernel's release. */
  readonly kernel: string;
}

/** How long one check may take, in milliseconds; each has shorter limits of its own inside. */
const CHECK_TIMEOUT_MS = 20_000;

/**
 * Asks everything at once, and reports all of it.
 *
 * @param host The host, and what is to run on it.
 * @param options How.
 * @returns The report. A check that fails itself, or does not end, is a warning in it.
 */
export async function runPreflight(
  host: PreflightHost,
  { checks, clock, kernel }: PreflightOptions,
): Promise<PreflightReport> {
  const ranAtMs = clock.now();
  const startMs = clock.monotonicMs();
  const results = await Promise.all(checks.map((check) => runCheck(check, host, clock)));
  return {
    ranAtMs,
    durationMs: clock.monotonicMs() - startMs,
    kernel,
    uid: host.identity.uid,
    results: results.flat(),
  };
}

async function runCheck(check: Check, host: PreflightHost, clock: Clock): Promise<CheckResult[]> {
  const { name, category } = check;
  const startMs = clock.monotonicMs();
  const findings = await findingsOf(check, host, clock);
  const same = { name, category, durationMs: clock.monotonicMs() - startMs };
  return findings.map((finding) => {
    const message = oneLine(finding.message);
    return finding.severity === "ok"
      ? { ...same, severity: finding.severity, message }
      : { ...same, severity: finding.severity, message, fix: oneLineFix(finding.fix) };
  });
}

async function findingsOf(
  check: Check,
  host: PreflightHost,
  clock: Clock,
): Promise<readonly Finding[]> {
  const waiting = new AbortController();
  try {
    const found = await Promise.race([
      check.run(host),
      clock.sleep(CHECK_TIMEOUT_MS, { signal: waiting.signal }).then(() => undefined),
    ]);
    if (found === undefined) {
      return [warning(`it was not finished after ${CHECK_TIMEOUT_MS / 1000} s`, TRY_AGAIN)];
    }
    const findings = "severity" in found ? [found] : found;
    // No finding at all would read as if all were well.
    if (findings.length === 0) return [warning("it found nothing to say", TRY_AGAIN)];
    return findings;
  } catch (error) {
    return [warning(`it could not be carried out: ${errorMessage(error)}`, TRY_AGAIN)];
  } finally {
    waiting.abort();
  }
}

const TRY_AGAIN = advice("Repair what the message names and run the preflight again");
