import type { Delegation } from "#src/cgroup/mod.ts";
import { errorMessage } from "#src/core/mod.ts";
import { findDelegation } from "./cgroup_delegation.ts";
import { advice, type Finding, ok, warning } from "./finding.ts";
import { canLimit } from "./group_limits.ts";
import type { PreflightHost } from "./host.ts";
import { LOOK_AGAIN, lookAt } from "./not_found_out.ts";

/** A soft and a hard limit; `Infinity` for none. */
export interface ProcessLimit {
  /** What the kernel enforces. */
  readonly soft: number;
  /** How far a process may raise it by itself. */
  readonly hard: number;
}

const KEY = "server.default_pids_limit";

/**
 * Finds out whether a worker, tried in a sandbox as workers get one, has the configured limit of
 * processes and threads.
 *
 * @param host The host, and what is to run on it.
 * @returns What was found out.
 */
export async function checkProcessLimit(host: PreflightHost): Promise<Finding> {
  const wanted = host.config.server.defaultPidsLimit;
  const { isRoot, uid } = host.identity;
  if (!isRoot) {
    const what = `whether workers are limited to the ${wanted} processes and threads of ${KEY}`;
    const found = await lookAt(what, () => findDelegation(host));
    return "seen" in found
      ? judgeSharedLimit(found.seen.delegation, { wanted, uid })
      : found.unknown;
  }
  try {
    return judgeLimit(parseMaxProcesses(await limitsOfWorker(host)), wanted);
  } catch (cause) {
    return warning(
      `whether workers are limited to the ${wanted} processes and threads of ${KEY} could not be ` +
        `tried: ${errorMessage(cause)}`,
      LOOK_AGAIN,
    );
  }
}

/**
 * Says what limits the processes of a worker that has no uid of its own: only its cgroup can.
 *
 * @param delegation What can be done with cgroups.
 * @param options `wanted` is the configured limit; `uid` is whom all workers run under.
 * @returns Whether they are limited.
 */
export function judgeSharedLimit(
  delegation: Delegation,
  { wanted, uid }: { wanted: number; uid: number },
): Finding {
  if (canLimit(delegation, "pids")) {
    return ok(`the cgroups of workers enforce the ${wanted} processes and threads of ${KEY}`);
  }
  return warning(
    `workers are not limited to the ${wanted} processes and threads of ${KEY}, because their ` +
      `cgroups have no controller for pids, and all of them share the server's uid ${uid}`,
    advice(
      "Do what cgroup_delegation says, or run the server as root to give each worker a uid and a " +
        "limit of its own",
    ),
  );
}

/**
 * Reads the limit of processes from `/proc/PID/limits` (proc_pid_limits(5)).
 *
 * @param text The content of the file.
 * @returns The limit.
 * @throws {SyntaxError} When it does not say.
 */
export function parseMaxProcesses(text: string): ProcessLimit {
  const [, soft, hard] = /^Max processes +(\d+|unlimited) +(\d+|unlimited) /m.exec(text) ?? [];
  if (soft === undefined || hard === undefined) {
    throw new SyntaxError("the kernel's table of limits has no row for Max processes");
  }
  const value = (word: string) => word === "unlimited" ? Infinity : Number(word);
  return { soft: value(soft), hard: value(hard) };
}

async function limitsOfWorker(host: PreflightHost): Promise<string> {
  let text: string | undefined;
  const { code } = await host.sandboxes.run({
    command: ["/usr/bin/sleep", "60"],
    whileRunning: async ({ initPid, end }) => {
      try {
        text = await Deno.readTextFile(`${host.roots.proc}/${initPid}/limits`);
      } finally {
        end();
      }
    },
  });
  if (text === undefined) throw new Error(`the sandbox ended with code ${code} before it was seen`);
  return text;
}

function judgeLimit({ soft, hard }: ProcessLimit, wanted: number): Finding {
  if (soft === wanted && hard === wanted) {
    return ok(`a worker is limited to the ${wanted} processes and threads of ${KEY}`);
  }
  const text = (value: number) => value === Infinity ? "unlimited" : String(value);
  const seen = "a worker's limit of processes and threads is " +
    (soft === hard ? text(soft) : `${text(soft)} (hard ${text(hard)})`);
  if (hard > wanted) {
    return warning(
      `${seen}, above the ${wanted} of ${KEY}`,
      advice("Use bubblewrap as the distribution ships it and run the preflight again"),
    );
  }
  // The launcher only ever lowers limits.
  return warning(
    `${seen}, below the ${wanted} of ${KEY}: what starts the server is itself not allowed more`,
    advice(
      "Raise the limit where the server is started, with LimitNPROC= in its unit or ulimit -u in " +
        `its shell, or lower ${KEY}`,
    ),
  );
}
