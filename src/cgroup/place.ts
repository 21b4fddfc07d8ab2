import type { CgroupMount } from "./mount.ts";

/** The groups that a process is in. */
export interface Membership {
  /** Its group of cgroup v2, by its path from the root of the cgroup namespace. */
  readonly unified: string | undefined;
  /** Whether that group was removed while the process was in it. */
  readonly isDeleted: boolean;
  /** Its groups of cgroup v1, one for each hierarchy. */
  readonly legacy: readonly LegacyMembership[];
}

/** A group of cgroup v1 that a process is in. */
export interface LegacyMembership {
  /** The controllers of the hierarchy; `name=systemd` for one that has a name and none. */
  readonly controllers: readonly string[];
  /** The group, by its path from the root of the cgroup namespace. */
  readonly path: string;
}

const LINE = /^(\d+):([^:]*):(\/.*)$/;
const DELETED = " (deleted)";

/**
 * Parses `/proc/PID/cgroup` (cgroups(7)). Names of groups are not escaped in it; the kernel lets
 * none contain a line end.
 *
 * @param text The content of the file.
 * @returns The groups.
 * @throws {SyntaxError} When a line has another form.
 */
export function parseMembership(text: string): Membership {
  let unified: string | undefined;
  const legacy: LegacyMembership[] = [];
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const [, id, controllers = "", path] = LINE.exec(line) ?? [];
    if (path === undefined) {
      throw new SyntaxError(
        `cannot parse ${JSON.stringify(line)}: want a line of /proc/PID/cgroup`,
      );
    }
    if (controllers !== "") legacy.push({ controllers: controllers.split(","), path });
    else if (id === "0") unified = path;
  }
  const isDeleted = unified?.endsWith(DELETED) ?? false;
  return {
    unified: isDeleted ? unified?.slice(0, -DELETED.length) : unified,
    isDeleted,
    legacy,
  };
}

/**
 * Finds the folder of a group.
 *
 * @param mount Where the hierarchy is mounted.
 * @param path The group, as `/proc/PID/cgroup` names it. One that begins with `/..` lies outside of
 * the cgroup namespace.
 * @returns Absolute path of the folder; undefined when the mount does not show the group.
 */
export function groupFolder({ folder, root }: CgroupMount, path: string): string | undefined {
  const top = root === "/" ? "" : root;
  if (path !== root && !path.startsWith(`${top}/`)) return undefined;
  const below = path.slice(top.length).split("/").filter((part) => part !== "");
  if (below.includes("..")) return undefined;
  return [folder, ...below].join("/");
}
