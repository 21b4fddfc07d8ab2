import type { Delegation } from "./delegation.ts";
import { kernelGroups } from "./kernel_groups.ts";
import { viewFromAboveServer } from "./settled_place.ts";
import { type DelegationOptions, tryDelegation } from "./try_delegation.ts";
import type { CgroupView } from "./view.ts";

/**
 * Finds out what a server can do with cgroups that is started where this process is: as
 * {@linkcode tryDelegation}, but from above the group that a server has moved itself into.
 *
 * @param view What this process sees of the host's cgroups.
 * @param options How it is tried.
 * @returns The best of the places that there are.
 * @throws {SyscallError} When the kernel does not say what systemd has marked.
 * @throws {CgroupError} When it cannot be told what is beside this process's group.
 */
export async function tryServerDelegation(
  view: CgroupView,
  options: DelegationOptions,
): Promise<Delegation> {
  const above = await viewFromAboveServer(view, options.groups ?? kernelGroups);
  if (above !== undefined) {
    const found = await tryDelegation(above, options);
    if (found.kind !== "none") return found;
  }
  return await tryDelegation(view, options);
}
