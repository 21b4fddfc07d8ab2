import { advice, type Fix } from "./finding.ts";
import type { TriedVersion } from "./rig_trials.ts";

/** What is to be done about versions of R, by what the host has to do it with. */
export interface RigFixes {
  /**
   * About a version that is there and of no use.
   *
   * @param tried The version.
   * @returns What to do.
   */
  reinstall(tried: Pick<TriedVersion, "version" | "folder">): Fix;
  /**
   * About a version that is not there.
   *
   * @param wanted What apps ask for.
   * @returns What to do.
   */
  install(wanted: string): Fix;
}

/** Where rig installs on Linux, and nowhere else (<https://github.com/r-lib/rig>). */
const RIG_BASE = "/opt/R";

/**
 * Says what helps on a host.
 *
 * @param host `rigBase` is where the server looks for versions, `hasRig` whether rig is there.
 * @returns What helps.
 */
export function rigFixes({ rigBase, hasRig }: { rigBase: string; hasRig: boolean }): RigFixes {
  const canRig = hasRig && rigBase === RIG_BASE;
  return {
    reinstall: ({ version: { text }, folder }) =>
      advice(
        canRig
          ? `Run "rig rm ${text}" and, to have that version again, "rig add ${text}"`
          : `Install R ${text} there again, or remove ${folder}`,
      ),
    install: (wanted) =>
      advice(
        // A major version alone is nothing that rig knows.
        (canRig && wanted.includes(".")
          ? `Run "rig add ${wanted}"`
          : `Install R ${wanted} below ${rigBase}, as VERSION/bin/R`) +
          ", or have the apps ask for an r_version that is there",
      ),
  };
}
