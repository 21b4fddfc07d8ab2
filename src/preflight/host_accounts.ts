/**
 * The users and groups of a host, as its files list them.
 *
 * @module
 */
import type { HostRoots } from "./host.ts";
import type { NumberRange } from "./number_ranges.ts";
import { readIfThere } from "#src/read_if_there.ts";

/** A user. */
export interface HostUser {
  /** Its name. */
  readonly name: string;
  /** Its uid. */
  readonly uid: number;
  /** Its first group. */
  readonly gid: number;
}

/** A group. */
export interface HostGroup {
  /** Its name. */
  readonly name: string;
  /** Its gid. */
  readonly gid: number;
  /** The users that are listed with it; those whose first group it is need not be. */
  readonly members: readonly string[];
}

/** Ids that a user may have for containers. */
export interface SubordinateIds {
  /** The user's name, or its uid. */
  readonly owner: string;
  /** The ids. */
  readonly range: NumberRange;
}

/** What the files say. */
export interface HostAccounts {
  /** `/etc/passwd`. */
  readonly users: readonly HostUser[];
  /** `/etc/group`. */
  readonly groups: readonly HostGroup[];
  /** `/etc/subuid`. */
  readonly subuids: readonly SubordinateIds[];
  /** `/etc/subgid`. */
  readonly subgids: readonly SubordinateIds[];
}

/**
 * Reads the files.
 *
 * @param roots Where the host's settings are.
 * @returns What they say; no subordinate ids where there are no files for them.
 * @throws {Error} When one cannot be read.
 */
export async function readHostAccounts({ etc }: HostRoots): Promise<HostAccounts> {
  return {
    users: parsePasswd(await Deno.readTextFile(`${etc}/passwd`)),
    groups: parseGroup(await Deno.readTextFile(`${etc}/group`)),
    subuids: parseSubordinateIds(await readIfThere(`${etc}/subuid`) ?? ""),
    subgids: parseSubordinateIds(await readIfThere(`${etc}/subgid`) ?? ""),
  };
}

/**
 * Parses `/etc/passwd`, or what `getent passwd` prints (passwd(5)).
 *
 * @param text The text; lines of another form are left out, as the C library leaves them out.
 * @returns The users, in the order of the text.
 */
export function parsePasswd(text: string): HostUser[] {
  return fieldsOf(text, 7).flatMap(([name = "", , uid = "", gid = ""]) =>
    name !== "" && isNumber(uid) && isNumber(gid)
      ? [{ name, uid: Number(uid), gid: Number(gid) }]
      : []
  );
}

/**
 * Parses `/etc/group`, or what `getent group` prints (group(5)).
 *
 * @param text As for {@linkcode parsePasswd}.
 * @returns The groups, in the order of the text.
 */
export function parseGroup(text: string): HostGroup[] {
  return fieldsOf(text, 4).flatMap(([name = "", , gid = "", members = ""]) =>
    name !== "" && isNumber(gid)
      ? [{ name, gid: Number(gid), members: members.split(",").filter((member) => member !== "") }]
      : []
  );
}

/**
 * Parses `/etc/subuid` or `/etc/subgid` (subuid(5)).
 *
 * @param text As for {@linkcode parsePasswd}.
 * @returns The ids that users have, in the order of the text.
 */
export function parseSubordinateIds(text: string): SubordinateIds[] {
  return fieldsOf(text, 3).flatMap(([owner = "", start = "", count = ""]) =>
    owner !== "" && isNumber(start) && isNumber(count) && Number(count) > 0
      ? [{ owner, range: { start: Number(start), end: Number(start) + Number(count) - 1 } }]
      : []
  );
}

function fieldsOf(text: string, count: number): string[][] {
  return text.split("\n").filter((line) => !line.startsWith("#"))
    .map((line) => line.split(":")).filter(({ length }) => length === count);
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}
