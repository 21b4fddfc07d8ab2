import type { Withheld } from "./delegation.ts";

/**
 * Says for people why groups for workers do not get a controller.
 *
 * @param why Why that is.
 * @param folder Absolute path of the place that the groups are to be in.
 * @returns A sentence without a full stop.
 */
export function withheldText(why: Withheld, folder: string): string {
  switch (why) {
    case "legacy":
      return "cgroup v1 has it";
    case "absent":
      return "the kernel does not offer it";
    case "parent":
      return `the group above ${folder} does not hand it down`;
    case "locked":
      return `${folder}/cgroup.subtree_control is not writable`;
    case "occupied":
      return `other processes are in ${folder}`;
  }
}
