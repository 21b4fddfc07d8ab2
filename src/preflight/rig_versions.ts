import { versionEntries } from "#src/rig/mod.ts";
import type { Check } from "./check.ts";
import { type Finding, type Fix, ok, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { LOOK_AGAIN, lookAt } from "./not_found_out.ts";
import { type RigFixes, rigFixes } from "./rig_fixes.ts";
import { type RTrial, type TriedVersion, tryR, tryVersions } from "./rig_trials.ts";
import { type Served, serveWish, type VersionWish, versionWishes } from "./rig_wishes.ts";
import { namesOfApps } from "./wording.ts";

/**
 * Whether the R versions that rig has installed run, and every app gets the one it asks for. That one
 * app cannot run is no error: the host is fit for the others, and a server that does not start would
 * take them away as well.
 */
export const rigVersions: Check = {
  name: "rig_versions",
  category: "r",
  async run(host) {
    const { rigBase } = host.config.process;
    const listed = await lookAt(
      `which versions of R are in ${rigBase}`,
      () => versionEntries(rigBase),
    );
    const tried = "seen" in listed ? await tryVersions(host, listed.seen) : [];
    const wishes = await Promise.all(
      versionWishes(host.config.apps).map(async (wish) => ({
        ...wish,
        served: await serveWish(wish.wanted, host),
      })),
    );
    const fixes = rigFixes({ rigBase, hasRig: await host.findProgram("rig") !== undefined });
    const findings = [
      ..."unknown" in listed ? [listed.unknown] : [],
      ...tried.flatMap((version) => judgeVersion(version, { wishes, fixes })),
      ...(await Promise.all(wishes.map((wish) => judgeWish(wish, { host, fixes })))).flat(),
    ];
    const working = tried.filter(({ trial }) => trial.kind === "works");
    if (working.length === 0 && findings.length > 0) return findings;
    return [ok(summary(working, { rigBase, wishes })), ...findings];
  },
};

type ServedWish = VersionWish & { readonly served: Served };

/** Says what is wrong with a version, and which apps would run on it. */
function judgeVersion(
  tried: TriedVersion,
  { wishes, fixes }: { wishes: readonly ServedWish[]; fixes: RigFixes },
): Finding[] {
  const { version, trial } = tried;
  if (trial.kind === "works") return [];
  const apps = wishes.filter(({ served }) =>
    served.by === "version" && served.name === version.text
  )
    .flatMap(({ apps }) => apps);
  return [judgeTrial(trial, { apps, fix: fixes.reinstall(tried) })];
}

/** Says whether a wish comes true; what its version is like has been said with the versions. */
async function judgeWish(
  { wanted, apps, served }: ServedWish,
  { host, fixes }: { host: PreflightHost; fixes: RigFixes },
): Promise<Finding[]> {
  if (served.by === "version") return [];
  if (served.by === "none") {
    return [warning(`${namesOfApps(apps)} cannot run: ${served.reason}`, fixes.install(wanted))];
  }
  const trial = await tryR(host, served.path, { numbers: [] });
  return trial.kind === "works" ? [] : [judgeTrial(trial, { apps, fix: fixes.install(wanted) })];
}

function judgeTrial(
  { kind, what, reason }: Exclude<RTrial, { kind: "works" }>,
  { apps, fix }: { apps: readonly string[]; fix: Fix },
): Finding {
  if (kind === "untried") {
    return warning(`whether ${what} works could not be found out: ${reason}`, LOOK_AGAIN);
  }
  const message = `${what} is broken: ${reason}`;
  const those = apps.length === 0 ? "" : `; ${namesOfApps(apps)} would run on it`;
  return warning(message + those, fix);
}

function summary(
  working: readonly TriedVersion[],
  { rigBase, wishes }: { rigBase: string; wishes: readonly ServedWish[] },
): string {
  if (working.length > 0) {
    return `of the versions in ${rigBase} these work: ` +
      working.map(({ version }) => version.text).join(", ");
  }
  const asked = wishes.map(({ wanted }) => wanted).join(", ");
  return `no version of R is installed in ${rigBase}, and ` +
    (asked === ""
      ? "no app asks for one"
      : `the configured R serves the apps that ask for ${asked}`);
}
