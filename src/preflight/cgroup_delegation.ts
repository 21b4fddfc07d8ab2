import {
  type Delegation,
  EXTRA_CONTROLLERS,
  LIMIT_CONTROLLERS,
  locateWorkers,
  type Obstacle,
  readCgroupView,
  tryServerDelegation,
  type Withheld,
} from "#src/cgroup/mod.ts";
import type { Check } from "./check.ts";
import { advice, type Finding, type Fix, info, ok, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { LOOK_AGAIN, lookAt } from "./not_found_out.ts";
import { listText } from "./wording.ts";

/** What a host lets this process do with cgroups. */
export interface DelegationFound {
  /** What can be done. */
  readonly delegation: Delegation;
  /** Whether the host has hierarchies of cgroup v1. */
  readonly hasLegacy: boolean;
  /** How packet filters name the group that those of workers are in; absent where there is none. */
  readonly workers?: { readonly path: string; readonly level: number };
}

/** Whether workers can be kept in cgroups with limits, and where. */
export const cgroupDelegation: Check = {
  name: "cgroup_delegation",
  category: "resources",
  async run(host) {
    const found = await lookAt("what can be done with cgroups", () => findDelegation(host));
    return "seen" in found ? judgeDelegation(found.seen) : found.unknown;
  },
};

/**
 * Tries what this process can do with cgroups; nothing stays of it.
 *
 * @param host Where the system keeps what is read, and who this process is.
 * @returns What was found out.
 * @throws {Error} When the kernel's text cannot be read or is not understood.
 */
export async function findDelegation(
  { roots, identity }: Pick<PreflightHost, "roots" | "identity">,
): Promise<DelegationFound> {
  const view = await readCgroupView(roots);
  const delegation = await tryServerDelegation(view, { proc: roots.proc, isRoot: identity.isRoot });
  const { mount, membership: { legacy } } = view;
  const found = { delegation, hasLegacy: legacy.length > 0 };
  if (mount === undefined || delegation.kind === "none") return found;
  return { ...found, workers: locateWorkers(mount, delegation).location };
}

/**
 * Says what it means for workers.
 *
 * @param found What was found out.
 * @returns One finding, or two where groups with limits are to be had under reserve.
 */
export function judgeDelegation({ delegation, hasLegacy, workers }: DelegationFound): Finding[] {
  if (delegation.kind === "none") return [refuse(delegation, hasLegacy)];
  // For rules about what workers reach that go by group.
  const named = workers === undefined
    ? ""
    : `; nft and iptables find them in cgroup "${workers.path}", level ${workers.level}`;
  if (delegation.kind === "grouping") return [withoutLimits(delegation, named)];
  const { folder, controllers, standing, hasKill } = delegation;
  const lacking = EXTRA_CONTROLLERS.filter((name) => !controllers.includes(name));
  const rest = lacking.length === 0 ? "" : `, without ${listText(lacking)}`;
  const where = `workers can get groups with limits in ${folder} (${controllers.join(" ")}${rest})`;
  const reserves: Finding[] = [];
  if (standing === "systemd") {
    const [reserve, fix] = UNIT_OF_USER.test(folder) ? UNTOLD : NOT_DELEGATED;
    reserves.push(info(`${where}, ${reserve}`, fix));
  }
  if (!hasKill) {
    reserves.push(info(
      `${where}, but they cannot be killed as a whole: there is no cgroup.kill`,
      advice("Use Linux 5.14 or newer"),
    ));
  }
  return reserves.length > 0 ? reserves : [ok(where + named)];
}

const UNIT = "in the server's unit, as in the one that blockyard systemd-unit prints";
const DELEGATE = advice(`Set Delegate=yes ${UNIT}`);
const NOT_DELEGATED: readonly [string, Fix] = [
  "but systemd manages that folder and has delegated nothing there",
  DELEGATE,
];
/** It is the system's manager alone that marks what it delegates. */
const UNIT_OF_USER = /\/user@\d+\.service\/.*\.service$/;
const UNTOLD: readonly [string, Fix] = [
  "provided that systemd has delegated it, which a user's own manager does not tell",
  advice(`See that Delegate=yes is set ${UNIT}`),
];
const UNIFY =
  "Boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line; without " +
  "systemd, with cgroup_no_v1=all, and mount cgroup2 at /sys/fs/cgroup";

/** A mount of tmpfs bounds the bytes in its files, but not what the kernel keeps of each file. */
const UNBOUNDED = "; a worker can take all memory of the host, with empty files on its /tmp too";

const OBSTACLE_FIXES: Readonly<Record<Obstacle, Fix>> = {
  no_mount: advice(UNIFY),
  read_only: advice(
    "Let the server write to the cgroup2 mount; in a container that is a matter of its engine",
  ),
  outside: advice(
    "Start the server anew in a group that the cgroup2 mount shows; in a container that takes a " +
      "cgroup namespace of its own",
  ),
  refused: DELEGATE,
  failed: LOOK_AGAIN,
  stuck: advice("Remove the folder that the message names with rmdir and run the preflight again"),
};

function refuse(
  { obstacle, reason }: Extract<Delegation, { kind: "none" }>,
  hasLegacy: boolean,
): Finding {
  const more = obstacle === "no_mount" && hasLegacy ? ", only cgroup v1, which is not used" : "";
  return warning(
    `workers get no groups, and so no limits of memory and CPU: ${reason}${more}${UNBOUNDED}`,
    OBSTACLE_FIXES[obstacle],
  );
}

/** Below what systemd gives a user's own manager, which by default gets few controllers itself. */
const USER_MANAGER = /\/user@\d+\.service(?:\/|$)/;

/** In the order in which they are told. */
const REASONS: readonly {
  readonly why: Withheld;
  readonly text: (names: string) => string;
  readonly fix: string;
  /** What else it takes for a unit of a user's own manager. */
  readonly ofUser?: string;
}[] = [
  { why: "legacy", text: (names) => `cgroup v1 has ${names}`, fix: UNIFY },
  {
    why: "absent",
    text: (names) => `the kernel does not offer ${names}`,
    fix: "Boot a kernel that has them, without cgroup_disable= on its command line",
  },
  {
    why: "parent",
    text: (names) => `the group above hands down no ${names}`,
    fix: `Set Delegate=${[...LIMIT_CONTROLLERS, ...EXTRA_CONTROLLERS].join(" ")} in the server's ` +
      "unit",
    ofUser: ", and in user@.service, which has the units of users",
  },
  {
    why: "locked",
    text: (names) => `its cgroup.subtree_control, which would hand down ${names}, is not writable`,
    fix: `Set Delegate=yes ${UNIT}`,
  },
  {
    why: "occupied",
    text: (names) => `other processes are in it, so that it cannot hand down ${names}`,
    fix: "Start the server as a service of its own, with Delegate=yes in its unit",
  },
];

function withoutLimits(
  { folder, missing }: Extract<Delegation, { kind: "grouping" }>,
  named: string,
): Finding {
  const isOfUser = USER_MANAGER.test(folder);
  const told = REASONS.flatMap(({ why, text, fix, ofUser = "" }) => {
    const names = missing.filter((it) => it.why === why).map(({ name }) => name);
    if (names.length === 0) return [];
    return [{ text: text(listText(names)), fix: isOfUser ? fix + ofUser : fix }];
  });
  const names = listText(missing.map(({ name }) => name));
  const unbounded = missing.some(({ name }) => name === "memory") ? UNBOUNDED : "";
  const reasons = told.map(({ text }) => text).join(", and ");
  return warning(
    `workers can get groups in ${folder}, but no limits by ${names}: ${reasons}${unbounded}${named}`,
    advice(told.map(({ fix }) => fix).join(". ")),
  );
}
