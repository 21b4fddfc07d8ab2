import { CGROUP } from "./guest_command.ts";
import type { Vm } from "./vm.ts";

/** What a host with cgroup v2 hands down to what it delegates. */
export const CONTROLLERS: readonly string[] = ["cpu", "memory", "pids", "io", "cpuset"];

/** How a group is made. */
export interface GroupOptions {
  /** The uid, with the gid of the same number, that it is handed over to; root's if not given. */
  readonly owner?: number;
  /** What the topmost group hands down, to it and to all others; {@linkcode CONTROLLERS} else. */
  readonly controllers?: readonly string[];
}

/** A group below the topmost one. When it is disposed, it is gone with all that is in it. */
export class GuestGroup implements AsyncDisposable {
  /** Absolute path of its folder. */
  readonly folder: string;
  readonly #vm: Vm;

  private constructor(vm: Vm, folder: string) {
    this.#vm = vm;
    this.folder = folder;
  }

  /**
   * Makes one.
   *
   * @param vm The machine.
   * @param name Its name.
   * @param options How it is made; the owner gets what cgroups(7) names for a delegation.
   * @returns The group.
   */
  static async make(
    vm: Vm,
    name: string,
    { owner = 0, controllers = CONTROLLERS }: GroupOptions = {},
  ): Promise<GuestGroup> {
    const folder = `${CGROUP}/${name}`;
    await vm.sh(`
      echo '${controllers.map((controller) => `+${controller}`).join(" ")}' \\
        >${CGROUP}/cgroup.subtree_control
      mkdir ${folder}
      cd ${folder}
      chown ${owner}:${owner} . cgroup.procs cgroup.subtree_control cgroup.threads
    `);
    return new GuestGroup(vm, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A process that was killed leaves its group a moment later.
    await this.#vm.sh(`
      echo 1 >${this.folder}/cgroup.kill
      until find ${this.folder} -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.1; done
    `);
  }
}
