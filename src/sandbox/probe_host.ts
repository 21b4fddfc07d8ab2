import { type Pid, systemClock } from "#src/core/mod.ts";
import { join } from "node:path/posix";
import { sandboxEnvironment } from "./environment.ts";
import { findKeyLists, type HostLayout, inspectRoot } from "./host_layout.ts";
import { launchJob, type SandboxOwner } from "./launch_job.ts";
import type { LaunchedProcess, LauncherPool } from "./launcher.ts";
import type { SandboxedProcess } from "./sandboxed_process.ts";
import type { SeccompFilter } from "./seccomp/filter.ts";

/** What a probe is made with. */
export interface ProbeParts {
  /** Starts the sandbox. */
  readonly launchers: Pick<LauncherPool, "launch">;
  /** Takes hold of the sandbox of this monitor; undefined when it has ended. */
  readonly attach: (monitorPid: Pid) => SandboxedProcess | undefined;
  /** Absolute path of bwrap. */
  readonly bwrapPath: string;
  /** Who to run as. */
  readonly owner: SandboxOwner;
  /** Whether later sandboxes are held by Landlock; one that does not start with it is no sandbox. */
  readonly canLandlock: boolean;
  /** The system call filter that later sandboxes get; none if not given. */
  readonly seccomp?: SeccompFilter | undefined;
  /** The host's root folder; `/` if not given. */
  readonly root?: string;
}

/** Pause between looks at a sandbox that is about to be gone, in milliseconds. */
const END_POLL_MS = 1;
/** Room for the probe's temporary files, in bytes. */
const PROBE_TMP_BYTES = 1024 * 1024;

/**
 * Finds out by trying what a sandbox on this host can be made of.
 *
 * @param parts What the attempt is made with.
 * @returns The layout for every later sandbox.
 * @throws {Error} When no sandbox can be made at all, with what bwrap said.
 */
export async function probeHost(
  { launchers, attach, bwrapPath, owner, canLandlock, seccomp, root = "/" }: ProbeParts,
): Promise<HostLayout> {
  const found = {
    rootEntries: await inspectRoot(root),
    keyLists: await findKeyLists(join(root, "proc")),
    canLandlock,
  };
  const attempt = async (layout: HostLayout): Promise<string | undefined> => {
    const spec = {
      uid: owner.uid,
      gid: owner.gid,
      network: "host",
      layout,
      toolTrees: [],
      app: { kind: "none" },
      mounts: [],
      env: sandboxEnvironment({}),
      workDir: "/tmp",
      seccomp,
      tmpBytes: PROBE_TMP_BYTES,
      shmBytes: PROBE_TMP_BYTES,
      command: ["/usr/bin/true"],
    } as const;
    const child = await launchers.launch(launchJob(spec, { bwrapPath, owner }));
    const [success, , errors] = await Promise.all([
      endOf(child, attach),
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await child.group?.remove();
    return success ? undefined : errors.trim().replaceAll("\n", "; ") || "no message";
  };

  const strict = { ...found, canDisableUserns: true };
  if (await attempt(strict) === undefined) return strict;
  const relaxed = { ...found, canDisableUserns: false };
  const failure = await attempt(relaxed);
  if (failure !== undefined) throw new Error(`cannot run a program in a sandbox: ${failure}`);
  return relaxed;
}

/**
 * Waits until nothing of the sandbox is left, not even a zombie, and tells whether its program ran
 * and succeeded.
 */
async function endOf(
  child: LaunchedProcess,
  attach: ProbeParts["attach"],
): Promise<boolean> {
  const isAtGate = await child.atGate;
  using sandbox = attach(child.pid);
  await child.open();
  const { success } = await child.status;
  while (sandbox?.isAlive()) {
    sandbox.kill();
    await systemClock.sleep(END_POLL_MS);
  }
  return isAtGate && success;
}
