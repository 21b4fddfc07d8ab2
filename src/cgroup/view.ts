import { errorMessage } from "#src/core/mod.ts";
import { type CgroupMount, findCgroup2 } from "./mount.ts";
import { type Mount, parseMountinfo } from "./mountinfo.ts";
import { type Membership, parseMembership } from "./place.ts";

/** What this process sees of the host's cgroups. */
export interface CgroupView {
  /** All mounts. */
  readonly mounts: readonly Mount[];
  /** Where cgroup v2 is; undefined when it is nowhere. */
  readonly mount: CgroupMount | undefined;
  /** The groups that this process is in. */
  readonly membership: Membership;
}

/**
 * Looks at the host's cgroups.
 *
 * @param roots `proc` is the root of the procfs, without a slash at its end.
 * @returns What is to be seen.
 * @throws {Error} When the kernel's text cannot be read or is not understood.
 */
export async function readCgroupView({ proc }: { readonly proc: string }): Promise<CgroupView> {
  const mounts = await readAs(`${proc}/self/mountinfo`, parseMountinfo);
  const membership = await readAs(`${proc}/self/cgroup`, parseMembership);
  return { mounts, mount: findCgroup2(mounts), membership };
}

async function readAs<T>(path: string, parse: (text: string) => T): Promise<T> {
  try {
    return parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw new Error(`cannot read ${path}: ${errorMessage(cause)}`, { cause });
  }
}
