import { advice, type Finding, info } from "./finding.ts";
import type { HostRoots } from "./host.ts";
import { readIfThere } from "#src/read_if_there.ts";

/**
 * Finds out who besides `/etc/subuid` and `/etc/subgid` gives users ids for their containers, which
 * cannot be asked for all that it gives (nsswitch.conf(5), `subid`; subuid(5)).
 *
 * @param roots Where the host's settings are.
 * @returns What to know of it; nothing where the files are all there is.
 * @throws {Error} When the host's setting is there and cannot be read.
 */
export async function subordinateSource({ etc }: HostRoots): Promise<Finding[]> {
  const source = parseSubordinateSource(await readIfThere(`${etc}/nsswitch.conf`) ?? "");
  if (source === "files") return [];
  return [info(
    `users get ids for containers from "${source}" (subid in /etc/nsswitch.conf), which does not ` +
      "list them: whether ids of workers are among them could not be found out",
    advice("Compare the ids of workers with the ranges that the directory hands out"),
  )];
}

/**
 * Reads which source the ids come from.
 *
 * @param text The content of `/etc/nsswitch.conf`.
 * @returns Its name, the first one if there are several, since no other is asked; `files` if none is
 * named.
 */
export function parseSubordinateSource(text: string): string {
  const [, value = ""] = /^[ \t]*subid[ \t]*:([^#\n]*)/m.exec(text) ?? [];
  return value.trim().split(/\s+/)[0] || "files";
}
