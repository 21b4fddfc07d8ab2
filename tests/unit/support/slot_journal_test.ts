import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import {
  formatEntry,
  type JournalEntry,
  LINE_BYTES,
  parseJournal,
} from "#tests/support/slot_chaos/journal.ts";
import { findOverlaps, type ProcessJournal } from "#tests/support/slot_chaos/overlaps.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

const claimed = (slot: number, at: number): JournalEntry => ({
  event: "claimed",
  kind: "uid",
  slot,
  atNs: BigInt(at),
});
const releasing = (slot: number, at: number): JournalEntry => ({
  ...claimed(slot, at),
  event: "releasing",
});

/** A process of host `h`, unless something else is said. */
function journal(
  name: string,
  entries: JournalEntry[],
  more: Partial<ProcessJournal> = {},
): ProcessJournal {
  return { name, hostId: "h", entries, ...more };
}

Deno.test("a journal reads as it was written, in lines of one length", strict, () => {
  const entries: JournalEntry[] = [
    { event: "claimed", kind: "port", slot: 1, atNs: 5n },
    { event: "releasing", kind: "uid", slot: 4_294_967_294, atNs: 9_223_372_036_854_775_807n },
  ];
  const lines = entries.map(formatEntry);
  assertEquals(lines.map((line) => line.length), [LINE_BYTES, LINE_BYTES]);
  assertEquals(parseJournal(lines.join("")), entries);
});

Deno.test(
  "a line that its writer did not finish is left out, a wrong one is refused",
  strict,
  () => {
    const line = formatEntry(claimed(7, 8));
    assertEquals(parseJournal(line + line.slice(0, 20)), [claimed(7, 8)]);
    assertThrows(() => parseJournal(`${line.slice(1)}${line}`), Error, "no line of a journal");
  },
);

Deno.test("holdings that follow each other are no fault, touching ones included", strict, () => {
  const found = findOverlaps([
    journal("a", [claimed(1, 10), releasing(1, 20), claimed(1, 40), releasing(1, 50)]),
    journal("b", [claimed(1, 20), releasing(1, 30)]),
    journal("c", [claimed(2, 15), releasing(2, 45)]),
    journal("d", [claimed(1, 12), releasing(1, 48)], { hostId: "other" }),
  ]);
  assertEquals(found, { holdings: 5, problems: [] });
});

Deno.test("two holders of a slot at a time are found", strict, () => {
  const found = findOverlaps([
    journal("a", [claimed(1, 10), releasing(1, 100)]),
    journal("b", [claimed(1, 20), releasing(1, 30)]),
    journal("c", [claimed(1, 40), releasing(1, 50)]),
  ]);
  assertEquals(found, {
    holdings: 3,
    problems: [
      "b got h uid 1 at 20, a had it from 10 to 100",
      "c got h uid 1 at 40, a had it from 10 to 100",
    ],
  });
});

Deno.test("a killed process holds what it had until its death, and no longer", strict, () => {
  const killed = journal("a", [claimed(1, 10), claimed(2, 60)], { killedAtNs: 50n });
  assertEquals(findOverlaps([killed, journal("b", [claimed(1, 50), releasing(1, 70)])]), {
    holdings: 2,
    problems: [],
  });
  const early = findOverlaps([killed, journal("b", [claimed(1, 49), releasing(1, 70)])]);
  assertEquals(early.problems, ["b got h uid 1 at 49, a had it from 10 to 50"]);
});

Deno.test("a journal that makes no sense is a fault", strict, () => {
  const { problems } = findOverlaps([
    journal("a", [claimed(1, 10), claimed(1, 20), releasing(1, 30)]),
    journal("b", [releasing(2, 5)]),
    journal("c", [claimed(3, 10)]),
  ]);
  assertEquals(problems, [
    "a got h uid 1 twice, the second at 20",
    "b released h uid 2 at 5 without having it",
    "c ended and had h uid 3",
  ]);
});
