import { errorMessage, type NetworkMode } from "#src/core/mod.ts";
import { PROBE_RESULTS, type ProbeOutcome, type ProbeTarget, targetText } from "#src/probe/mod.ts";
import type { PreflightHost, ShownFile } from "./host.ts";
import { networksInUse } from "./networks_in_use.ts";

/** How long a target may take from inside a sandbox, in seconds. */
const TIMEOUT_S = 2;

/**
 * Connects to targets from inside a sandbox as workers have it.
 *
 * @param host The host.
 * @param targets The targets; one or more.
 * @param options `network` is that of the sandbox, the host's if not given and any worker has it;
 * `shown` are folders of the host that it is shown besides.
 * @returns The outcomes by the targets' texts, one for each of them.
 * @throws {Error} When the probe could not be run, or did not say all of it.
 */
export async function probeFromSandbox(
  host: PreflightHost,
  targets: readonly ProbeTarget[],
  { network = networksInUse(host.config).has("host") ? "host" : "none", shown = [] }: {
    network?: NetworkMode;
    shown?: readonly ShownFile[];
  } = {},
): Promise<ReadonlyMap<string, ProbeOutcome>> {
  const args = targets.flatMap((target) => [`--${target.kind}`, targetText(target)]);
  const self = await host.selfInSandbox(["probe", ...args, "--timeout", `${TIMEOUT_S}s`]);
  const { code, stdout, stderr } = await host.sandboxes.run(
    { ...self, shown: [...self.shown, ...shown], network },
  );
  const found = parseOutcomes(stdout);
  const missing = targets.map(targetText).filter((text) => !found.has(text));
  if ((code !== 0 && code !== 1) || missing.length > 0) {
    const said = (stderr.trim() || stdout.trim()).slice(0, 300);
    throw new Error(
      `the probe ended with code ${code}` +
        (missing.length > 0 ? ` and said nothing of ${missing.join(", ")}` : "") +
        (said === "" ? "" : `: ${said}`),
    );
  }
  return found;
}

function parseOutcomes(stdout: string): Map<string, ProbeOutcome> {
  const outcomes = stdout.split("\n").filter((line) => line !== "").map(parseOutcome);
  return new Map(outcomes.map((outcome) => [outcome.target, outcome]));
}

function parseOutcome(line: string): ProbeOutcome {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new Error(`the probe wrote what is no JSON: ${errorMessage(error)}`);
  }
  const { target, result, message } = Object(value) as Record<string, unknown>;
  const known = PROBE_RESULTS.find((it) => it === result);
  if (typeof target !== "string" || known === undefined) {
    throw new Error(`the probe wrote what is no outcome: ${line.slice(0, 200)}`);
  }
  return { target, result: known, ...typeof message === "string" && { message } };
}
