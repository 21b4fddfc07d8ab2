import type { PreflightHost } from "./host.ts";
import { parseIdMap } from "./id_map.ts";
import { readSysctl } from "./sysctl.ts";

/** Who may own what the server relies on, besides root. */
export interface Keepers {
  /** The server's user. */
  readonly uid: number;
  /**
   * The uid that stands for all owners that this user namespace does not know; undefined where every
   * owner is known.
   */
  readonly unknownUid: number | undefined;
}

/** What of a file, folder or link decides who can change it, as stat(2) tells it. */
export type Rights = Pick<Deno.FileInfo, "uid" | "mode" | "isDirectory" | "isSymlink">;

/** Through what others can change a file, folder or link. */
export interface Opening {
  /** The uid of an owner who is neither root nor the server's user. */
  readonly owner: number | undefined;
  /** Who else can write to it. */
  readonly writers: "its group" | "everybody" | undefined;
}

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;
/** How many uids there are where all of them are mapped: all but the one that means none. */
const ALL_UIDS = 2 ** 32 - 1;
/** What the kernel has for owners that are not mapped, unless it was told otherwise. */
const OVERFLOW_UID = 65534;

/**
 * Finds out who may own what the server relies on.
 *
 * @param host The host.
 * @returns Root and who it says.
 * @throws {Error} When the kernel does not tell which owners it shows.
 */
export async function findKeepers({ identity, roots }: PreflightHost): Promise<Keepers> {
  const map = parseIdMap(await Deno.readTextFile(`${roots.proc}/self/uid_map`));
  const mapped = map.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  if (mapped >= ALL_UIDS) return { uid: identity.uid, unknownUid: undefined };
  const text = await readSysctl(roots, "kernel.overflowuid") ?? String(OVERFLOW_UID);
  if (!/^\d{1,10}$/.test(text)) {
    throw new SyntaxError(`cannot parse kernel.overflowuid ${JSON.stringify(text)}: want a number`);
  }
  return { uid: identity.uid, unknownUid: Number(text) };
}

/**
 * Tells whether the owner of something is shown.
 *
 * @param rights What stat(2) tells of it.
 * @param keepers Who may own it.
 * @returns Whether it is; if not, the uid says nothing.
 */
export function isOwnerKnown({ uid }: Rights, { unknownUid }: Keepers): boolean {
  return uid !== null && uid !== unknownUid;
}

/**
 * Tells through what others can change a file, folder or link. In a folder with the sticky bit
 * everybody can make files, but not rename or remove those of others (inode(7)), so that it counts as
 * closed for what is there.
 *
 * @param rights What stat(2) tells of it.
 * @param options `keepers` are who may own it; `folder` is what it lies in.
 * @returns What is open; undefined when nothing is. An owner who is not shown is not counted.
 */
export function findOpening(
  rights: Rights,
  { keepers, folder }: { keepers: Keepers; folder: Rights | undefined },
): Opening | undefined {
  const isForeign = rights.uid !== null && rights.uid !== 0 && rights.uid !== keepers.uid &&
    isOwnerKnown(rights, keepers);
  if (rights.isSymlink) {
    // Nobody writes to a link; its owner can replace it only where everybody can make files.
    return isForeign && folder !== undefined && isStickyAndOpen(folder)
      ? { owner: rights.uid ?? undefined, writers: undefined }
      : undefined;
  }
  const owner = isForeign ? rights.uid ?? undefined : undefined;
  const writers = rights.isDirectory && hasBits(rights, STICKY) ? undefined : writersOf(rights);
  return owner === undefined && writers === undefined ? undefined : { owner, writers };
}

/**
 * Tells whether others can make files in a folder, and replace none.
 *
 * @param folder What stat(2) tells of it.
 * @returns Whether that is so.
 */
export function isStickyAndOpen(folder: Rights): boolean {
  return hasBits(folder, STICKY) && writersOf(folder) !== undefined;
}

/**
 * Puts an opening into words.
 *
 * @param opening What is open.
 * @returns What follows the name: `belongs to uid 1000 and is writable by everybody`.
 */
export function openingText({ owner, writers }: Opening): string {
  return [
    ...owner === undefined ? [] : [`belongs to uid ${owner}`],
    ...writers === undefined ? [] : [`is writable by ${writers}`],
  ].join(" and ");
}

/**
 * Tells whether all of some bits of a mode are set.
 *
 * @param rights What stat(2) tells.
 * @param bits The bits, such as `0o004`.
 * @returns Whether they are; where there is no mode, as if they were.
 */
export function hasBits({ mode }: Pick<Rights, "mode">, bits: number): boolean {
  return ((mode ?? bits) & bits) === bits;
}

function writersOf(rights: Rights): Opening["writers"] {
  if (hasBits(rights, OTHERS_WRITE)) return "everybody";
  return hasBits(rights, GROUP_WRITES) ? "its group" : undefined;
}
