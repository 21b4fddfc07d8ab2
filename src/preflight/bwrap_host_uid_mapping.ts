import { errorMessage } from "#src/core/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, info, ok, warning } from "./finding.ts";
import type { PreflightHost, RunningTrial } from "./host.ts";
import { statusFaults } from "./process_faults.ts";

/** How often and how far apart the program inside is looked for before it counts as not there. */
const TRIES = 40;
const PAUSE_MS = 20;

/** Whether a worker has the uid that it was given on the host too, where rules see it. */
export const bwrapHostUidMapping: Check = {
  name: "bwrap_host_uid_mapping",
  category: "sandbox",
  async run(host) {
    if (!host.identity.isRoot) {
      return info(
        `every worker runs under the server's own uid ${host.identity.uid}, so that workers are ` +
          "not kept apart by uid",
        advice("Run the server as root to give each worker a uid of its own"),
      );
    }
    let seen: Finding | undefined;
    try {
      await host.sandboxes.run({
        command: ["/usr/bin/sleep", "60"],
        whileRunning: async (running) => {
          try {
            seen = await look(host, running);
          } finally {
            running.end();
          }
        },
      });
    } catch (cause) {
      return notSeen(errorMessage(cause));
    }
    return seen ?? notSeen("the sandbox ended before it was looked at");
  },
};

async function look(host: PreflightHost, running: RunningTrial): Promise<Finding> {
  const { uid, gid, monitorPid, initPid } = running;
  const inner = await programPid(host, initPid);
  if (inner === undefined) return notSeen("no program ran below the sandbox's first process");
  const faults: string[] = [];
  for (
    const [what, pid] of [["monitor", monitorPid], ["init", initPid], ["program", inner]] as const
  ) {
    const status = await Deno.readTextFile(`${host.roots.proc}/${pid}/status`);
    faults.push(...statusFaults(status, { uid, gid }).map((fault) => `the ${what} has ${fault}`));
  }
  if (faults.length > 0) {
    return error(
      `a worker that was given uid ${uid} and gid ${gid} differs on the host: ${faults.join(", ")}`,
      advice("Use a bwrap without the set-user-id bit, and start the server from a plain shell"),
    );
  }
  return ok(`a worker's processes have uid ${uid} and gid ${gid} on the host and no privileges`);
}

/** The program is there once the child of the first process is no longer bwrap itself. */
async function programPid({ roots }: PreflightHost, init: number): Promise<number | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const children = await Deno.readTextFile(`${roots.proc}/${init}/task/${init}/children`);
    const pid = Number(children.trim().split(" ")[0]);
    if (pid > 0) {
      const name = await Deno.readTextFile(`${roots.proc}/${pid}/comm`);
      if (name.trim() === "sleep") return pid;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return undefined;
}

function notSeen(reason: string): Finding {
  return warning(
    `a worker's uid on the host could not be looked at: ${reason}`,
    advice("Repair what the message names and run the preflight again"),
  );
}
