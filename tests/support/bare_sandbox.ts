import type { Gid, Uid } from "#src/core/mod.ts";
import {
  findKeyLists,
  type HostLayout,
  inspectRoot,
  type LaunchJob,
  launchJob,
  sandboxEnvironment,
  type SandboxSpec,
} from "#src/sandbox/mod.ts";

/** Who a sandbox runs as, and what differs from the usual one. */
export type BareSandbox =
  & { readonly uid: Uid; readonly gid: Gid; readonly command: readonly string[] }
  & Partial<Omit<SandboxSpec, "layout">>
  & { readonly layout?: Partial<HostLayout> };

/**
 * Describes a sandbox on this host, with its network and without an app, to be started by itself.
 *
 * @param sandbox Who it runs as, what it runs, and what differs: it has no filter and no Landlock
 * otherwise.
 * @returns What a launcher is told, but for its parent.
 */
export async function bareSandbox(
  { uid, gid, layout, ...changes }: BareSandbox,
): Promise<Omit<LaunchJob, "parent">> {
  const spec = {
    network: "host",
    layout: {
      rootEntries: await inspectRoot("/"),
      keyLists: await findKeyLists("/proc"),
      canDisableUserns: true,
      canLandlock: false,
      ...layout,
    },
    toolTrees: [],
    app: { kind: "none" },
    mounts: [],
    env: sandboxEnvironment({}),
    workDir: "/tmp",
    seccomp: undefined,
    tmpBytes: 1e6,
    shmBytes: 1e6,
    ...changes,
    uid,
    gid,
  } as const;
  const owner = { uid, gid, exclusive: true, maxProcesses: 100 };
  return launchJob(spec, { bwrapPath: "/usr/bin/bwrap", owner });
}
