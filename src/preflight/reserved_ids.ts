import { type NumberRange, overlaps, rangeText } from "./number_ranges.ts";

/** Ids that others than this server hand out. */
export interface ReservedIds {
  /** Which. */
  readonly range: NumberRange;
  /** What they are used for, to be read after the numbers. */
  readonly use: string;
}

/**
 * The ids that distributions and systemd have a use for, uids and gids alike (systemd's
 * docs/UIDS-GIDS.md; the defaults of login.defs(5)), by their first one. Those from 1879048192 to
 * 2147352575 belong to nobody.
 */
export const RESERVED_IDS: readonly ReservedIds[] = [
  { range: { start: 0, end: 999 }, use: "for the system, by the distribution" },
  { range: { start: 1000, end: 60_000 }, use: "for people, by adduser and useradd" },
  { range: { start: 60_001, end: 60_513 }, use: "for people, by systemd-homed" },
  { range: { start: 60_514, end: 60_577 }, use: "for users in containers, by systemd-nspawn" },
  { range: { start: 60_578, end: 60_705 }, use: "for login screens, by display managers" },
  { range: { start: 61_184, end: 65_519 }, use: "for services with DynamicUser=, by systemd" },
  { range: { start: 65_534, end: 65_535 }, use: "for nobody, by the kernel" },
  { range: { start: 100_000, end: 600_100_000 }, use: "for users' containers, by useradd" },
  { range: { start: 524_288, end: 1_879_048_191 }, use: "for containers, by systemd-nspawn" },
  { range: { start: 2_147_352_576, end: 2_147_418_111 }, use: "for foreign images, by systemd" },
  {
    range: { start: 2_147_483_648, end: 4_294_967_295 },
    use: "as negative numbers, by programs that take ids for signed",
  },
];

/**
 * Tells what else ids are there for.
 *
 * @param ids The ids.
 * @returns Each other use, with the ids that it is about; empty if there is none.
 */
export function otherUses(ids: NumberRange): string[] {
  return RESERVED_IDS.flatMap(({ range, use }) =>
    overlaps(ids, [range]).map((part) => `${rangeText(part)} ${use}`)
  );
}
