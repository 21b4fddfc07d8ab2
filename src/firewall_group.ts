/**
 * Finds the cgroup of an ordinary user's workers, for rules that an administrator sets.
 *
 * @module
 */
import {
  type CgroupMount,
  groupFolder,
  kernelGroups,
  locateGroup,
  openWorkerGroups,
  parseMembership,
  readCgroupView,
  WORKERS_GROUP,
} from "#src/cgroup/mod.ts";
import type { Senders } from "#src/firewall/mod.ts";
import { dirname } from "node:path/posix";
import { readServerRecord } from "./data_dir.ts";
import { readIfThere } from "#src/read_if_there.ts";

/** Where nft looks groups up, whatever is mounted there. */
const NFT_MOUNT = "/sys/fs/cgroup";
const PROC = "/proc";

/**
 * Finds the group that those of workers are in: of the server that runs, else the one that a server
 * started from here would have.
 *
 * @param dataDir The folder in which a running server says which process it is.
 * @returns The group.
 * @throws {Error} When there is none, or nft would not find it.
 */
export async function workersGroup(dataDir: string): Promise<Senders & { kind: "group" }> {
  const { mount } = await readCgroupView({ proc: PROC });
  if (mount === undefined) throw new Error("cannot write rules by cgroup: no cgroup v2 is mounted");
  if (mount.folder !== NFT_MOUNT) {
    throw new Error(
      `cannot write rules by cgroup: cgroup v2 is mounted at ${mount.folder}, and nft looks for ` +
        `groups below ${NFT_MOUNT}`,
    );
  }
  const folder = await groupOfServer(dataDir, mount) ?? await groupFromHere();
  const { path, level } = locateGroup(mount, folder);
  return { kind: "group", path, level };
}

/** The nearest group of that name, from the server's own on upwards. */
async function groupOfServer(dataDir: string, mount: CgroupMount): Promise<string | undefined> {
  const pid = (await readServerRecord(dataDir))?.pid;
  const text = pid === undefined ? undefined : await readIfThere(`${PROC}/${pid}/cgroup`);
  if (text === undefined) return undefined;
  const { unified, isDeleted } = parseMembership(text);
  const own = unified === undefined || isDeleted ? undefined : groupFolder(mount, unified);
  if (own === undefined) return undefined;
  for (let folder = own; folder.startsWith(`${mount.folder}/`); folder = dirname(folder)) {
    if ((await kernelGroups.list(folder)).includes(WORKERS_GROUP)) {
      return `${folder}/${WORKERS_GROUP}`;
    }
  }
  return undefined;
}

async function groupFromHere(): Promise<string> {
  const groups = await openWorkerGroups({ roots: { proc: PROC }, isRoot: false, handsDown: false });
  if (groups.kind !== "none") return groups.folder;
  throw new Error(
    `cannot write rules by cgroup: workers get no groups here, because ${groups.reason}`,
  );
}
