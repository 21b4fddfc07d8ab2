import { shellWord } from "#src/shell_word.ts";
import { advice, command, type Fix } from "./finding.ts";
import type { HostRoots } from "./host.ts";
import { readSysctl, sysctlCommand } from "./sysctl.ts";
import { readIfThere } from "#src/read_if_there.ts";

/** A setting of the kernel that keeps unprivileged processes from user namespaces. */
export interface UsernsKnob {
  /** Its name as sysctl(8) takes it. */
  readonly name: string;
  /** What it is set to. */
  readonly value: string;
  /** What opens the way. */
  readonly fix: Fix;
}

/** Where the profile of AppArmor goes. */
const PROFILE = "/etc/apparmor.d/blockyard";

/**
 * Reads the kernel's settings for user namespaces (user_namespaces(7), namespaces(7); the first and
 * the last are distributions' own and mostly absent).
 *
 * @param roots Where the system keeps them.
 * @param options `hasSysctl` tells whether sysctl(8) is there to be named in a fix; `executable` is
 * the absolute path of this program's executable, if it is known.
 * @returns Those that are in the way.
 * @throws {Error} When one is there and cannot be read.
 */
export async function readUsernsKnobs(
  roots: HostRoots,
  { hasSysctl, executable }: { hasSysctl: boolean; executable: string | undefined },
): Promise<UsernsKnob[]> {
  const set = (name: string, value: number) => command(sysctlCommand(name, value, { hasSysctl }));
  const clone = await readSysctl(roots, "kernel.unprivileged_userns_clone");
  const limit = await readSysctl(roots, "user.max_user_namespaces");
  const restrict = await readSysctl(roots, "kernel.apparmor_restrict_unprivileged_userns");
  const apparmor = (await readIfThere(`${roots.sys}/module/apparmor/parameters/enabled`))?.trim();
  const knobs: UsernsKnob[] = [];
  if (clone === "0") {
    const name = "kernel.unprivileged_userns_clone";
    knobs.push({ name, value: clone, fix: set(name, 1) });
  }
  if (limit === "0") {
    const name = "user.max_user_namespaces";
    knobs.push({ name, value: limit, fix: set(name, 15000) });
  }
  if (restrict !== undefined && restrict !== "0" && apparmor === "Y") {
    const name = "kernel.apparmor_restrict_unprivileged_userns";
    knobs.push({ name, value: restrict, fix: loadProfile(executable) });
  }
  return knobs;
}

/** For this program alone, where lifting the restriction would do so for every program of the host. */
function loadProfile(executable: string | undefined): Fix {
  if (executable === undefined) {
    return advice(
      'Load the AppArmor profile that the command "apparmor" of the executable prints, and start ' +
        "that executable by its path",
    );
  }
  const print = `${shellWord(executable)} apparmor > ${PROFILE}`;
  return advice(
    `Load the AppArmor profile of this executable, as root: ${print} && apparmor_parser -r ${PROFILE}`,
  );
}
