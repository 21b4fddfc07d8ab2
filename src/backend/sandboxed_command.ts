import type { GroupLimits, WorkerGroups } from "#src/cgroup/mod.ts";
import { errorMessage, type NetworkMode, type Pid, type WorkerId } from "#src/core/mod.ts";
import {
  type AppFiles,
  type Bind,
  type HostLayout,
  launchJob,
  sandboxEnvironment,
  type SeccompFilter,
} from "#src/sandbox/mod.ts";
import { explainClosedFolder } from "./closed_folder.ts";
import type { RRuntime } from "./r_runtime.ts";
import { RunningSandbox, type SandboxParts } from "./running_sandbox.ts";
import type { SandboxSlots } from "./slots.ts";

/** What every sandbox of a backend is made of. */
export interface SandboxFrame extends SandboxParts {
  /** The host's system folders. */
  readonly layout: HostLayout;
  /** Absolute path of bwrap. */
  readonly bwrapPath: string;
  /** What launchers' cgroups cannot limit; undefined on a host where none can be made. */
  readonly groups: Pick<WorkerGroups, "lacking"> | undefined;
  /** What decides about the system calls of every sandbox; undefined for no filter. */
  readonly seccomp: SeccompFilter | undefined;
}

/** A command and what it sees. */
export interface SandboxedCommand {
  /** Names it in errors. */
  readonly id: WorkerId;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Whether it has the host's network, or none and a folder for a socket. */
  readonly network: NetworkMode;
  /** What is at `/app`. */
  readonly app: AppFiles;
  /** What else it sees. */
  readonly mounts: readonly Bind[];
  /** Its environment, besides what every sandbox has. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it starts. */
  readonly workDir: string;
  /** The R that it finds. */
  readonly runtime: RRuntime;
}

/** Room on a sandbox's /tmp, in bytes. */
const TMP_BYTES = 256 * 1024 ** 2;
/** Room on a sandbox's /dev/shm, in bytes. */
const SHM_BYTES = 64 * 1024 ** 2;

/**
 * Starts a command in a sandbox.
 *
 * @param command What to run.
 * @param options `slots` is who it runs as; `frame` is what the sandbox is made of; `limits` are
 * what its group is held to; `beforeProgram` is called with the first process of the sandbox when
 * that is finished and its program has not begun; if it throws, the program never does.
 * @returns The sandbox; its program is about to run.
 * @throws {RangeError} When the command cannot be described to bwrap.
 * @throws {Error} When the sandbox did not start.
 */
export async function startCommand(
  command: SandboxedCommand,
  { slots, frame, limits, beforeProgram }: {
    slots: SandboxSlots;
    frame: SandboxFrame;
    limits: GroupLimits;
    beforeProgram?: (initPid: Pid) => void;
  },
): Promise<RunningSandbox> {
  const { owner } = slots;
  const { runtime, env, ...content } = command;
  const spec = {
    ...content,
    uid: owner.uid,
    gid: owner.gid,
    layout: frame.layout,
    toolTrees: runtime.toolTrees,
    env: sandboxEnvironment(env, runtime),
    seccomp: frame.seccomp,
    tmpBytes: TMP_BYTES,
    shmBytes: SHM_BYTES,
  };
  try {
    return await RunningSandbox.start(launchJob(spec, { bwrapPath: frame.bwrapPath, owner }), {
      ...frame,
      limits,
      exclusiveUid: owner.exclusive ? owner.uid : undefined,
      beforeProgram,
    });
  } catch (error) {
    const reason = explainClosedFolder(errorMessage(error), { app: command.app, owner });
    throw reason === undefined ? error : new Error(reason, { cause: error });
  }
}
