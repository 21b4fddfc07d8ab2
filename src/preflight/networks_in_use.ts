import type { Config } from "#src/config/mod.ts";
import type { NetworkMode } from "#src/core/mod.ts";

/**
 * Lists the networks that workers have: those of the apps, and the server's for apps that the
 * configuration does not describe.
 *
 * @param config What is to run.
 * @returns The networks.
 */
export function networksInUse(
  { process, apps }: Pick<Config, "process" | "apps">,
): ReadonlySet<NetworkMode> {
  return new Set([process.network, ...apps.map(({ network }) => network)]);
}
