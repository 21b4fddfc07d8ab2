import { errorMessage } from "#src/core/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, info, ok, warning } from "./finding.ts";
import type { PreflightHost, RunningTrial } from "./host.ts";
import { hasEnded, statusFaults } from "./process_faults.ts";

/** How long the program inside may take to be there, in milliseconds, and the pause between two looks. */
const PATIENCE_MS = 5000;
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
    // What has ended keeps its ids until it is reaped, and shows nothing of those that run.
    if (hasEnded(status)) return notSeen(`the ${what} had ended`);
    faults.push(...statusFaults(status, { uid, gid }).map((fault) => `the ${what} has ${fault}`));
  }
  if (faults.length > 0) {
    return error(
      `a worker that was given uid ${uid} and gid ${gid} differs on the host: ${faults.join(", ")}`,
      advice("Set process.bwrap_path to an unchanged bubblewrap without the set-user-id bit"),
    );
  }
  return ok(`a worker's processes have uid ${uid} and gid ${gid} on the host and no privileges`);
}

/** The program is there once the child of the first process is no longer bwrap itself. */
async function programPid({ roots }: PreflightHost, init: number): Promise<number | undefined> {
  const startMs = performance.now();
  while (performance.now() - startMs < PATIENCE_MS) {
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
