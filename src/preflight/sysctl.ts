import type { HostRoots } from "./host.ts";

/**
 * Reads a setting of the kernel (sysctl(8)).
 *
 * @param roots Where the system keeps them.
 * @param name Its name, such as `user.max_user_namespaces`.
 * @returns Its value without the line's end; undefined when this kernel has no such setting.
 * @throws {Error} When it is there and cannot be read.
 */
export async function readSysctl(roots: HostRoots, name: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(`${roots.proc}/sys/${name.replaceAll(".", "/")}`)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Writes the command line that changes a setting of the kernel until the next boot.
 *
 * @param name The setting's name.
 * @param value What it is to be: letters, digits, `,`, `-` and `.`, since a shell reads it.
 * @param options `hasSysctl` tells whether sysctl(8) is there; not every container has it.
 * @returns The command line.
 */
export function sysctlCommand(
  name: string,
  value: string | number,
  { hasSysctl }: { hasSysctl: boolean },
): string {
  return hasSysctl
    ? `sysctl -w ${name}=${value}`
    : `echo ${value} > /proc/sys/${name.replaceAll(".", "/")}`;
}
