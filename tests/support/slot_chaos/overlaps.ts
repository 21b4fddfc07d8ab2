import type { JournalEntry } from "./journal.ts";

/** What one process wrote, and what became of it. */
export interface ProcessJournal {
  /** What it is called in messages. */
  readonly name: string;
  /** The host that it was on, or said it was. */
  readonly hostId: string;
  /** What it wrote, in order. */
  readonly entries: readonly JournalEntry[];
  /** When it was killed, on the clock of the entries; absent when it ended by itself. */
  readonly killedAtNs?: bigint;
}

/** What a look through all journals has found. */
export interface Findings {
  /** How often a slot was held from a claim to a release or a death. */
  readonly holdings: number;
  /** What is wrong, each in a sentence: a slot with two holders at a time, a journal that makes no
   * sense. */
  readonly problems: readonly string[];
}

interface Holding {
  readonly name: string;
  readonly fromNs: bigint;
  readonly untilNs: bigint;
}

/**
 * Looks whether a slot of a host was held twice at any time. A holding lasts from the moment after
 * its claim was made to the moment before its release was asked for, or before its process was
 * killed: within what the process could count on, so that every overlap is a fault.
 *
 * @param journals What all processes wrote.
 * @returns What was found.
 */
export function findOverlaps(journals: readonly ProcessJournal[]): Findings {
  const problems: string[] = [];
  const bySlot = new Map<string, Holding[]>();
  let holdings = 0;
  for (const { name, hostId, entries, killedAtNs } of journals) {
    const open = new Map<string, bigint>();
    const end = (slot: string, fromNs: bigint, untilNs: bigint) => {
      holdings++;
      const others = bySlot.get(slot);
      if (others) others.push({ name, fromNs, untilNs });
      else bySlot.set(slot, [{ name, fromNs, untilNs }]);
    };
    for (const { event, kind, slot, atNs } of entries) {
      const key = `${hostId} ${kind} ${slot}`;
      const since = open.get(key);
      if (event === "claimed") {
        if (since !== undefined) problems.push(`${name} got ${key} twice, the second at ${atNs}`);
        open.set(key, atNs);
      } else if (since === undefined) {
        problems.push(`${name} released ${key} at ${atNs} without having it`);
      } else {
        open.delete(key);
        end(key, since, atNs);
      }
    }
    for (const [key, since] of open) {
      if (killedAtNs === undefined) problems.push(`${name} ended and had ${key}`);
      // Claimed between the moment that was taken for its death and the real one.
      else if (since < killedAtNs) end(key, since, killedAtNs);
    }
  }
  for (const [slot, all] of bySlot) problems.push(...overlapsOf(slot, all));
  return { holdings, problems };
}

function overlapsOf(slot: string, holdings: Holding[]): string[] {
  const sorted = holdings.toSorted((a, b) => Number(a.fromNs - b.fromNs));
  const problems: string[] = [];
  let latest: Holding | undefined;
  for (const holding of sorted) {
    if (latest !== undefined && holding.fromNs < latest.untilNs) {
      problems.push(
        `${holding.name} got ${slot} at ${holding.fromNs}, ${latest.name} had it from ` +
          `${latest.fromNs} to ${latest.untilNs}`,
      );
    }
    if (latest === undefined || holding.untilNs > latest.untilNs) latest = holding;
  }
  return problems;
}
