import type { Account } from "./initramfs.ts";

/** An ordinary user of the virtual machine. */
export const USER: Account = { name: "tester", uid: 60_900, home: "/home/tester" };

/** Where the virtual machine has cgroup v2; the folder of the topmost group. */
export const CGROUP = "/sys/fs/cgroup";

/** How a program is started in the virtual machine. */
export interface CommandOptions {
  /** The uid that it runs under, with the gid of the same number and no other groups; 0 if not given. */
  readonly uid?: number;
  /** The folder of the group that it is started in; the topmost if not given. */
  readonly group?: string;
  /** Environment besides the usual, or instead. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its working directory; `/` if not given. */
  readonly cwd?: string;
}

/** Takes the protection of the agent off, and becomes the program. */
const UNPROTECTED = 'echo 0 >/proc/self/oom_score_adj && exec "$@"';
/** Moves into the group first, as root. */
const IN_GROUP = `echo 0 >"$0/cgroup.procs" && ${UNPROTECTED}`;

/**
 * Tells how a program is started so that it is in its group, and has its rights, from its first
 * instruction on.
 *
 * @param command The program and its arguments.
 * @param options How it is started.
 * @returns The program to start, and its arguments.
 */
export function guestCommand(
  command: readonly string[],
  { uid = 0, group }: CommandOptions = {},
): string[] {
  const drop = uid === 0
    ? []
    : ["/usr/bin/setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"];
  const script = group === undefined ? UNPROTECTED : IN_GROUP;
  return ["/bin/sh", "-c", script, group ?? "sh", ...drop, ...command];
}

/**
 * Makes the environment of a program in the virtual machine; nothing of the host's is handed on.
 *
 * @param options How it is started.
 * @returns All of its environment.
 */
export function guestEnvironment(
  { uid = 0, env = {} }: CommandOptions = {},
): Record<string, string> {
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: uid === 0 ? "/root" : uid === USER.uid ? USER.home : "/",
    LANG: "C.UTF-8",
    NO_COLOR: "1",
    ...env,
  };
}
