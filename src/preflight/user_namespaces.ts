import { errorMessage } from "#src/core/mod.ts";
import { ownExecutable } from "#src/self_command.ts";
import { endingText, noAttempt } from "./bwrap_ending.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, ok, warning } from "./finding.ts";
import type { PreflightHost, ProgramResult } from "./host.ts";
import { type Look, LOOK_AGAIN, lookAt } from "./not_found_out.ts";
import { hasSetUidBit } from "./set_uid_bit.ts";
import { readUsernsKnobs, type UsernsKnob } from "./userns_knobs.ts";
import { findUsernsRoom } from "./userns_room.ts";

/** Whether workers' sandboxes can have user namespaces, and what keeps them from it. */
export const userNamespaces: Check = {
  name: "user_namespaces",
  category: "sandbox",
  async run(host) {
    const bwrap = await host.findProgram(host.config.process.bwrapPath);
    if (bwrap === undefined) {
      return warning("user namespaces could not be tried, because there is no bwrap", LOOK_AGAIN);
    }
    const attempt = await lookAt("whether a worker gets user namespaces", async () => {
      // A bwrap that runs with its owner's rights needs no user namespace, and does not take the size.
      const options = [
        "--unshare-user",
        "--ro-bind",
        "/",
        "/",
        "--size",
        "65536",
        "--tmpfs",
        "/tmp",
      ];
      const command = [bwrap, ...options, "--", "/usr/bin/true"];
      return await host.runProgram(command, { asWorker: host.identity.isRoot });
    });
    if ("unknown" in attempt) return attempt.unknown;
    const knobs = await lookAt(
      "which setting of the kernel is in the way",
      async () =>
        await readUsernsKnobs(host.roots, {
          hasSysctl: await host.findProgram("sysctl") !== undefined,
          executable: ownExecutable(),
        }),
    );
    if (attempt.seen.code === 0) {
      const odd = "seen" in knobs ? knobs.seen : [];
      return [works(odd), ...await findUsernsRoom(host), ...await furtherNamespaces(host)];
    }
    return await refused(attempt.seen, { bwrap, knobs });
  },
};

async function refused(
  attempt: ProgramResult,
  { bwrap, knobs }: { bwrap: string; knobs: Look<readonly UsernsKnob[]> },
): Promise<Finding | readonly Finding[]> {
  const reason = endingText(attempt);
  if (noAttempt(attempt) !== undefined) {
    return warning(`user namespaces could not be tried with ${bwrap}: ${reason}`, LOOK_AGAIN);
  }
  const bit = await lookAt(`whether ${bwrap} runs with its owner's uid`, () => hasSetUidBit(bwrap));
  if ("seen" in bit && bit.seen) {
    const message =
      `user namespaces could not be tried with ${bwrap}, which has the set-user-id bit`;
    return warning(`${message}: ${reason}`, LOOK_AGAIN);
  }
  if ("seen" in knobs && knobs.seen.length > 0) {
    return knobs.seen.map(({ name, value, fix }) =>
      error(`bwrap gets no user namespace, and ${name} is ${value}`, fix)
    );
  }
  const message = `bwrap gets no user namespace: ${reason}`;
  return "unknown" in knobs
    ? error(`${message}; ${knobs.unknown.message}`, LOOK_AGAIN)
    : error(message, ALLOW);
}

const ALLOW = advice(
  "Allow user namespaces for the server and its workers; in a container that is a matter of its " +
    "seccomp profile",
);

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
    return [warning(message, LOOK_AGAIN)];
  }
}
