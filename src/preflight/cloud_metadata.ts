import { probeTargets } from "#src/probe/mod.ts";
import type { Check } from "./check.ts";
import { advice, info, ok, setting, warning } from "./finding.ts";
import { METADATA_TARGETS, METADATA_TIMEOUT_MS } from "./metadata_services.ts";

/** Whether this machine itself reaches a cloud's metadata service. */
export const cloudMetadata: Check = {
  name: "cloud_metadata",
  category: "network",
  async run({ config }) {
    if (config.process.skipMetadataCheck) {
      return info(
        "cloud metadata was not looked for, because process.skip_metadata_check is true",
        setting("process.skip_metadata_check: false"),
      );
    }
    const outcomes = await probeTargets(METADATA_TARGETS, { timeoutMs: METADATA_TIMEOUT_MS });
    const reached = outcomes.filter(({ result }) => result === "connected");
    const failed = outcomes.filter(({ result }) => result === "error");
    if (reached.length > 0) {
      return info(
        `the server reaches cloud metadata at ${reached.map(({ target }) => target).join(", ")}, ` +
          "as is usual in a cloud",
        advice("See that worker_egress is ok: workers must not reach it"),
      );
    }
    if (failed.length > 0) {
      const reasons = failed.map(({ target, message = "" }) => `${target} (${message})`).join(", ");
      return warning(
        `whether cloud metadata is reachable could not be found out for ${reasons}`,
        advice("Repair what the message names and run the preflight again"),
      );
    }
    return ok(`no cloud metadata answers the server at ${targetsText()}`);
  },
};

function targetsText(): string {
  const addresses = METADATA_TARGETS.flatMap((it) => it.kind === "tcp" ? [it.hostname] : []);
  return [...new Set(addresses)].join(", ");
}
