import { findUidsOfOthers } from "./busy_uids.ts";
import type { Check } from "./check.ts";
import { advice, type Finding, type Fix, info, ok, setting, warning } from "./finding.ts";
import { freeIds, otherGid, otherUids } from "./free_ids.ts";
import { type HostAccounts, readHostAccounts } from "./host_accounts.ts";
import {
  accountFindings,
  busyFindings,
  mappingFindings,
  reservedFindings,
  subordinateFindings,
  type WorkerIds,
} from "./id_findings.ts";
import { readMappedIds } from "./id_map.ts";
import { askNameService } from "./name_service.ts";
import { networksInUse } from "./networks_in_use.ts";
import { LOOK_AGAIN, lookAt } from "./not_found_out.ts";
import {
  counted,
  countNumbers,
  type NumberRange,
  rangeText,
  subtractRanges,
} from "./number_ranges.ts";
import { subordinateSource } from "./subordinate_source.ts";

/** Whether the uids and the gid of workers can be taken, and are nobody else's. */
export const uidRange: Check = {
  name: "uid_range",
  category: "identity",
  async run(host) {
    const { config: { process, proxy: { maxWorkers } }, identity, roots } = host;
    if (!identity.isRoot) {
      return info(
        `workers run under the server's own uid ${identity.uid}, so that the uids from ` +
          `${process.workerUidRangeStart} to ${process.workerUidRangeEnd} are not used`,
        advice("Start the server as root to give each worker a uid of its own"),
      );
    }
    const uids = { start: process.workerUidRangeStart, end: process.workerUidRangeEnd };
    const gid = process.workerGid;
    const size = countNumbers([uids]);
    const [mapped, files, source, known, busy] = await Promise.all([
      lookAt("which ids the server can take", () => readMappedIds(roots)),
      lookAt("who has ids of workers on this host", () => readHostAccounts(roots)),
      lookAt("who gives users ids for containers", () => subordinateSource(roots)),
      askNameService(host, { uids, gid }),
      lookAt("which uids of workers are in use", () => findUidsOfOthers(uids, roots)),
    ]);

    const accounts = "seen" in files ? withKnown(files.seen, known) : { ...NO_ACCOUNTS, ...known };
    const isKnown = "seen" in mapped && "seen" in files;
    const freeUids = isKnown
      ? freeIds({ mapped: mapped.seen.uids, taken: [uids, ...takenUids(accounts)] })
      : [];
    const freeGids = isKnown
      ? freeIds({ mapped: mapped.seen.gids, taken: [onlyOne(gid), ...takenGids(accounts)] })
      : [];
    const ids: WorkerIds = {
      uids,
      gid,
      otherUids: otherUids(freeUids, [size, maxWorkers]),
      otherGid: otherGid(freeGids),
    };
    const findings: Finding[] = [
      ..."seen" in mapped ? mappingFindings(ids, mapped.seen) : [mapped.unknown],
      ...accountFindings(ids, accounts),
      ..."seen" in files ? subordinateFindings(ids, files.seen) : [files.unknown],
      ..."seen" in source ? source.seen : [source.unknown],
      ...known.problems.map(notAnswered),
      ...reservedFindings(ids),
      ..."seen" in busy ? busyFindings(ids, { busy: busy.seen, maxWorkers }) : [busy.unknown],
      ...networksInUse(host.config).has("host")
        ? fewerThanPorts(uids, {
          ports: { start: process.portRangeStart, end: process.portRangeEnd },
          freeUids,
        })
        : [],
    ];
    return findings.length > 0 ? findings : ok(
      `${counted(size, "uid")} from ${rangeText(uids)} and gid ${gid} for ` +
        `${counted(maxWorkers, "worker")}, and nobody else of the host has them`,
    );
  },
};

const NO_ACCOUNTS: HostAccounts = { users: [], groups: [], subuids: [], subgids: [] };

function withKnown(
  files: HostAccounts,
  { users, groups }: Pick<HostAccounts, "users" | "groups">,
): HostAccounts {
  return {
    ...files,
    users: [...files.users, ...users],
    groups: [...files.groups, ...groups],
  };
}

function takenUids({ users, subuids }: HostAccounts): NumberRange[] {
  return [...users.map(({ uid }) => onlyOne(uid)), ...subuids.map(({ range }) => range)];
}

function takenGids({ users, groups, subgids }: HostAccounts): NumberRange[] {
  return [
    ...[...users, ...groups].map(({ gid }) => onlyOne(gid)),
    ...subgids.map(({ range }) => range),
  ];
}

function onlyOne(id: number): NumberRange {
  return { start: id, end: id };
}

function notAnswered(problem: string): Finding {
  return warning(
    `whether a directory has users or groups with ids of workers could not be found out: ${problem}`,
    LOOK_AGAIN,
  );
}

/** Each worker takes one of both, so that the shorter range is the one that counts. */
function fewerThanPorts(
  uids: NumberRange,
  { ports, freeUids }: { ports: NumberRange; freeUids: readonly NumberRange[] },
): Finding[] {
  const [uidCount, portCount] = [countNumbers([uids]), countNumbers([ports])];
  if (uidCount >= portCount) return [];
  const end = uids.start + portCount - 1;
  const isFree = subtractRanges({ start: uids.end + 1, end }, freeUids).length === 0;
  const fix: Fix = isFree
    ? setting(`process.worker_uid_range_end: ${end}`)
    : setting(`process.port_range_end: ${ports.start + uidCount - 1}`);
  return [info(
    `${counted(uidCount, "uid")} for ${counted(portCount, "port")}: no more than ` +
      `${counted(uidCount, "worker")} can run at a time, and the other ports are never used`,
    fix,
  )];
}
