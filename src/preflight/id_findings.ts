/**
 * What is said about the uids and the gid of workers, as functions of what was seen.
 *
 * @module
 */
import { advice, error, type Finding, type Fix, info, warning } from "./finding.ts";
import type { HostGroup, HostUser, SubordinateIds } from "./host_accounts.ts";
import type { MappedIds } from "./id_map.ts";
import {
  counted,
  countNumbers,
  isIn,
  type NumberRange,
  overlaps,
  rangeText,
  subtractRanges,
} from "./number_ranges.ts";
import { otherUses } from "./reserved_ids.ts";
import { listText } from "./wording.ts";

/** How many users, uids or ranges a message names. */
const NAMED = 5;

/** What workers get, and what to do when that is of no use. */
export interface WorkerIds {
  /** The uids of workers. */
  readonly uids: NumberRange;
  /** The gid of all workers. */
  readonly gid: number;
  /** How to choose other uids. */
  readonly otherUids: Fix;
  /** How to choose another gid. */
  readonly otherGid: Fix;
}

/**
 * Tells whether the server can give the ids to workers.
 *
 * @param ids The ids.
 * @param mapped What its user namespace has.
 * @returns What it cannot give.
 */
export function mappingFindings(ids: WorkerIds, mapped: MappedIds): Finding[] {
  const findings: Finding[] = [];
  if (mapped.lacking.length > 0) {
    const names = listText(mapped.lacking);
    findings.push(error(
      `no ids of workers can be taken, because the server runs without ${names}`,
      advice(
        `Leave ${names} to the server: in the CapabilityBoundingSet= of its unit, or with ` +
          "what starts its container",
      ),
    ));
  }
  const uids = subtractRanges(ids.uids, mapped.uids);
  if (uids.length > 0) {
    findings.push(error(
      `${counted(countNumbers(uids), "uid")} of the workers' (${listed(uids.map(rangeText))}) ` +
        "cannot be taken, because the server's user namespace does not have them",
      ids.otherUids,
    ));
  }
  if (!mapped.gids.some((range) => isIn(ids.gid, range))) {
    findings.push(error(
      `process.worker_gid ${ids.gid} cannot be taken, because the server's user namespace does ` +
        "not have it",
      ids.otherGid,
    ));
  }
  if (!mapped.canSetGroups) {
    findings.push(error(
      "workers cannot give up the server's groups, because its user namespace denies setgroups(2)",
      advice(
        "Run the server outside of this user namespace, or in one whose gids were mapped by a " +
          "privileged process, as newgidmap and container engines do",
      ),
    ));
  }
  return findings;
}

/**
 * Tells whose the ids are.
 *
 * @param ids The ids.
 * @param accounts The users and groups of the host, each any number of times.
 * @returns Whose they are.
 */
export function accountFindings(
  ids: WorkerIds,
  { users, groups }: { users: readonly HostUser[]; groups: readonly HostGroup[] },
): Finding[] {
  const findings: Finding[] = [];
  const owners = distinct(
    users.filter(({ uid }) => isIn(uid, ids.uids)).map(({ name, uid }) => `${name} (${uid})`),
  );
  if (owners.length > 0) {
    findings.push(error(
      `workers could read and change the files of ${
        counted(owners.length, "user")
      } of this host, ` +
        `whose uids are among theirs: ${listed(owners)}`,
      ids.otherUids,
    ));
  }
  const own = groups.filter(({ gid }) => gid === ids.gid);
  const names = distinct(own.map(({ name }) => name));
  const members = distinct([
    ...own.flatMap((group) => group.members),
    ...users.filter(({ gid }) => gid === ids.gid).map(({ name }) => name),
  ]);
  if (names.length > 0 || members.length > 0) {
    const whose = names.length > 0 ? `the group ${names.join(", ")}` : "a group without a name";
    findings.push(warning(
      `process.worker_gid ${ids.gid} is ${whose} of this host` +
        `${
          members.length > 0 ? `, with the members ${listed(members)}` : ""
        }: files that are open ` +
        "to the group are open to all workers",
      ids.otherGid,
    ));
  }
  return findings;
}

/**
 * Tells which rootless containers may have the same ids.
 *
 * @param ids The ids.
 * @param subordinate What users of the host have for their containers.
 * @returns Whose they may be.
 */
export function subordinateFindings(
  ids: WorkerIds,
  { subuids, subgids }: {
    subuids: readonly SubordinateIds[];
    subgids: readonly SubordinateIds[];
  },
): Finding[] {
  const owners = (all: readonly SubordinateIds[], wanted: NumberRange) =>
    distinct(
      all.flatMap(({ owner, range }) =>
        overlaps(wanted, [range]).map((part) => `${owner} (${rangeText(part)})`)
      ),
    );
  const ofUids = owners(subuids, ids.uids);
  const ofGid = owners(subgids, { start: ids.gid, end: ids.gid });
  const why = "containers of theirs can run under the same ids as workers";
  return [
    ...ofUids.length > 0
      ? [warning(`uids of workers are in /etc/subuid for ${listed(ofUids)}: ${why}`, ids.otherUids)]
      : [],
    ...ofGid.length > 0
      ? [warning(
        `process.worker_gid ${ids.gid} is in /etc/subgid for ${listed(ofGid)}: ${why}`,
        ids.otherGid,
      )]
      : [],
  ];
}

/**
 * Tells what else distributions and systemd use the ids for.
 *
 * @param ids The ids.
 * @returns What they use them for.
 */
export function reservedFindings(ids: WorkerIds): Finding[] {
  const ofUids = otherUses(ids.uids);
  const ofGid = otherUses({ start: ids.gid, end: ids.gid });
  return [
    ...ofUids.length > 0
      ? [warning(`uids of workers have another use: ${ofUids.join(", ")}`, ids.otherUids)]
      : [],
    ...ofGid.length > 0
      ? [warning(`process.worker_gid has another use: ${ofGid.join(", ")}`, ids.otherGid)]
      : [],
  ];
}

/**
 * Judges uids that processes run under already.
 *
 * @param ids The ids.
 * @param options `busy` are the uids; `maxWorkers` is how many are needed.
 * @returns What is to be known about them; nothing when there are none.
 */
export function busyFindings(
  ids: WorkerIds,
  { busy, maxWorkers }: { busy: readonly number[]; maxWorkers: number },
): Finding[] {
  if (busy.length === 0) return [];
  const size = countNumbers([ids.uids]);
  const seen = `processes run under ${counted(busy.length, "uid")} of the workers' ` +
    `(${listed(busy.map(String))})`;
  if (size - busy.length < maxWorkers) {
    return [warning(
      `${seen}: if they are not workers of a running server, ${size - busy.length} are left for ` +
        counted(maxWorkers, "worker"),
      ids.otherUids,
    )];
  }
  return [info(
    `${seen}: they are workers of a running server, or their uids are passed over`,
    advice("End the processes if they are not workers"),
  )];
}

function listed(texts: readonly string[]): string {
  const more = texts.length - NAMED;
  return texts.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
