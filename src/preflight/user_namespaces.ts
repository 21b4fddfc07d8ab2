import { errorMessage } from "#src/core/mod.ts";
import { ownExecutable } from "#src/self_command.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, ok, warning } from "./finding.ts";
import type { PreflightHost, ProgramResult } from "./host.ts";
import { readUsernsKnobs, type UsernsKnob } from "./userns_knobs.ts";

const AGAIN = advice("Repair what the message names and run the preflight again");

/** Whether workers' sandboxes can have user namespaces, and what keeps them from it. */
export const userNamespaces: Check = {
  name: "user_namespaces",
  category: "sandbox",
  async run(host) {
    const bwrap = await host.findProgram(host.config.process.bwrapPath);
    if (bwrap === undefined) {
      return warning("user namespaces could not be tried, because there is no bwrap", AGAIN);
    }
    let attempt: ProgramResult;
    let knobs: readonly UsernsKnob[];
    try {
      knobs = await readUsernsKnobs(host.roots, {
        hasSysctl: await host.findProgram("sysctl") !== undefined,
        executable: ownExecutable(),
      });
      attempt = await host.runProgram(
        [bwrap, "--unshare-user", "--ro-bind", "/", "/", "--", "/usr/bin/true"],
        { asWorker: host.identity.isRoot },
      );
    } catch (cause) {
      return warning(`user namespaces could not be tried: ${errorMessage(cause)}`, AGAIN);
    }
    if (attempt.code === 0) return [works(knobs), ...await furtherNamespaces(host)];
    if (knobs.length > 0) {
      return knobs.map(({ name, value, fix }) =>
        error(`bwrap gets no user namespace, and ${name} is ${value}`, fix)
      );
    }
    const said = attempt.stderr.trim().slice(-300) || "it said nothing";
    return error(
      `bwrap gets no user namespace and ended with code ${attempt.code} (${said})`,
      advice(
        "Allow user namespaces for the server and its workers; in a container that is a matter of " +
          "its seccomp profile",
      ),
    );
  },
};

function works(knobs: readonly UsernsKnob[]): Finding {
  const odd = knobs.map(({ name, value }) => `${name} is ${value}`).join(", ");
  return ok(`bwrap makes user namespaces${odd === "" ? "" : `, although ${odd}`}`);
}

async function furtherNamespaces(host: PreflightHost): Promise<Finding[]> {
  const fix = advice(
    "Run the server where /proc/sys can be written, and with bubblewrap 0.8.0 or newer",
  );
  try {
    if (await host.sandboxes.canDisableUserns()) return [];
    return [warning("workers cannot be forbidden to make further user namespaces", fix)];
  } catch (cause) {
    const message = "whether workers can be forbidden to make further user namespaces could not " +
      `be tried: ${errorMessage(cause)}`;
    return [warning(message, AGAIN)];
  }
}
