import type { Config } from "#src/config/mod.ts";
import type { Logger } from "#src/core/mod.ts";
import {
  CHECKS,
  countSeverities,
  isFit,
  type PreflightReport,
  type Severity,
} from "#src/preflight/mod.ts";
import { askHost } from "#src/preflight_host.ts";

/** How much a finding of each severity matters to a log. */
const LEVELS = {
  ok: "debug",
  info: "info",
  warning: "warn",
  error: "error",
} as const satisfies Record<Severity, keyof Logger>;

/**
 * Checks the host before a server starts on it, and logs what was found.
 *
 * @param config What is to run.
 * @param options `configPath` is the absolute path of its file, if there is one; `isFirewallSet`
 * is whether the rules of a managed firewall are in force; `log` gets every finding; `signal` gives up.
 * @returns The report, and whether the server may start.
 * @throws {SyscallError} When the kernel does not say who this process is.
 * @throws {DOMException} An `AbortError`, when it was given up.
 */
export async function preflightFirst(
  config: Config,
  { configPath, isFirewallSet, log, signal }: {
    configPath: string | undefined;
    isFirewallSet: boolean;
    log: Logger;
    signal: AbortSignal;
  },
): Promise<{ report: PreflightReport; isFit: boolean }> {
  const report = await askHost(config, { configPath, isFirewallSet, log, checks: CHECKS, signal });
  for (const { name, severity, message, fix } of report.results) {
    log[LEVELS[severity]]("preflight", { check: name, found: message, fix });
  }
  const counts = countSeverities(report.results);
  log.info("preflight done", { ...counts, ms: Math.round(report.durationMs) });
  return { report, isFit: isFit(report.results) };
}
