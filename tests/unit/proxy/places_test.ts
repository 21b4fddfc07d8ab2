import { WorkerPlaces } from "#src/proxy/places.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { strict } from "./harness.ts";

/** Someone who wants some places, and writes down each one got. */
function seeker(places: WorkerPlaces, name: string, got: string[], wanted: number): () => void {
  const seek = () => {
    while (wanted > 0 && places.take(seek)) {
      wanted--;
      got.push(name);
    }
  };
  return seek;
}

Deno.test("no more places are taken than there are", strict, () => {
  const got: string[] = [];
  const places = new WorkerPlaces(2);
  seeker(places, "a", got, 5)();
  assertEquals(got, ["a", "a"]);
  assertEquals(places.queued, 1);
});

Deno.test("freed places go round among those who queue, in order of arrival", strict, () => {
  const got: string[] = [];
  const places = new WorkerPlaces(1);
  for (const name of ["a", "b", "c"]) seeker(places, name, got, name === "b" ? 3 : 2)();
  for (let i = 0; i < 6; i++) places.give();
  assertEquals(got.join(""), "aabcbcb");
});

Deno.test("one who queued and wants nothing any more does not hold up the next", strict, () => {
  const got: string[] = [];
  const places = new WorkerPlaces(1);
  seeker(places, "a", got, 1)();
  places.take(() => {});
  seeker(places, "b", got, 1)();
  places.give();
  assertEquals(got, ["a", "b"]);
  assertEquals(places.queued, 0);
});

Deno.test("takeSpare() leaves places to those who queue, and never queues", strict, () => {
  const places = new WorkerPlaces(1);
  assertEquals(places.takeSpare(), true);
  assertEquals(places.takeSpare(), false);
  assertEquals(places.queued, 0);
  let isAsked = false;
  places.take(() => {
    isAsked = true;
    assertEquals(places.takeSpare(), false);
  });
  places.give();
  assertEquals(isAsked, true);
  assertEquals(places.takeSpare(), true);
});

Deno.test("onFull is told when someone queues because all places are taken", strict, () => {
  let told = 0;
  const places = new WorkerPlaces(1, { onFull: () => told++ });
  places.take(() => {});
  assertEquals(told, 0);
  places.take(() => {});
  assertEquals(told, 1);
});
