import { getxattr, openLibc } from "#ffi/mod.ts";

/** How the folders of systemd's units end that have processes or other units in them. */
const UNIT = /\.(?:service|scope|slice|socket|mount|swap)$/;

/** systemd marks what it has delegated with both; who lacks CAP_SYS_ADMIN sees only the second. */
const MARKS = ["trusted.delegate", "user.delegate"] as const;

/**
 * Tells whether a group belongs to a unit of systemd, or lies below one.
 *
 * @param path The group, as `/proc/PID/cgroup` names it.
 * @returns Whether a part of it is named as units are.
 */
export function isBelowUnit(path: string): boolean {
  return path.split("/").some((part) => UNIT.test(part));
}

/**
 * Lists the groups from one upwards that may be the top of what systemd delegated along with it:
 * itself, and its ancestors up to the next unit.
 *
 * @param path The group, as `/proc/PID/cgroup` names it.
 * @returns Paths, the group's own first.
 */
export function possibleDelegations(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  const found: string[] = [];
  for (let count = parts.length; count > 0; count--) {
    found.push(`/${parts.slice(0, count).join("/")}`);
    if (UNIT.test(parts[count - 1] ?? "")) break;
  }
  return found;
}

/**
 * Tells whether systemd marked a group as delegated (systemd's `docs/CGROUP_DELEGATION.md`).
 *
 * @param folder Absolute path of the group's folder.
 * @returns Whether it did; old versions of systemd do not tell an ordinary user.
 * @throws {SyscallError} When the kernel does not say.
 */
export function isMarkedDelegated(folder: string): boolean {
  using libc = openLibc();
  return MARKS.some((name) => getxattr(libc, folder, name) === "1");
}
