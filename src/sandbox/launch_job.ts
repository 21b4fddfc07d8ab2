import type { Gid, Uid } from "#src/core/mod.ts";
import { bwrapArgs, type SandboxSpec } from "./bwrap_args.ts";
import type { LaunchJob } from "./bwrap_exec/job.ts";
import { behindGate } from "./gate.ts";

/** Who a sandbox runs as on the host, and what it may take of it. */
export interface SandboxOwner {
  /** The user id on the host. */
  readonly uid: Uid;
  /** The group id on the host. */
  readonly gid: Gid;
  /** Whether the uid is this sandbox's alone, which takes root; else it is the server's own. */
  readonly exclusive: boolean;
  /** How many processes and threads the sandbox may have, above 0; only for an exclusive uid. */
  readonly maxProcesses: number;
}

/**
 * The resource limits of every sandbox, as `NAME=SOFT:HARD`; see setrlimit(2). They take away what
 * no R app needs and a hostile one would use against its neighbours: core dumps, locked memory,
 * message queues, endless files.
 */
const COMMON_RLIMITS = [
  "NOFILE=1024:4096",
  // No file is as small as that, and unlike with 0 the kernel starts no handler for it either, which
  // would be root's; core(5), "Piping core dumps to a program".
  "CORE=1:1",
  "MEMLOCK=65536:65536",
  "MSGQUEUE=0:0",
  "SIGPENDING=1024:1024",
  "FSIZE=1073741824:1073741824",
] as const;

/**
 * Turns a sandbox into a job for a launcher. Its program waits at the gate.
 *
 * @param spec The sandbox.
 * @param options `bwrapPath` is the absolute path of bwrap; `owner` is who it runs as.
 * @returns The job.
 * @throws {RangeError} As {@linkcode bwrapArgs}, or when the command is empty.
 */
export function launchJob(
  spec: SandboxSpec,
  { bwrapPath, owner }: { bwrapPath: string; owner: SandboxOwner },
): Omit<LaunchJob, "parent" | "cgroup"> {
  if (spec.command.length === 0) throw new RangeError("cannot run an empty command in a sandbox");
  return {
    uid: owner.uid,
    gid: owner.gid,
    keepGroups: !owner.exclusive,
    lifeline: "input",
    rlimits: [
      ...COMMON_RLIMITS,
      // The kernel counts per uid: with a shared one the limit would count the server's user's all.
      ...(owner.exclusive ? [`NPROC=${owner.maxProcesses}:${owner.maxProcesses}`] : []),
    ],
    landlock: spec.layout.canLandlock,
    keepFds: [],
    program: bwrapPath,
    args: bwrapArgs({ ...spec, command: behindGate(spec.command) }),
  };
}
