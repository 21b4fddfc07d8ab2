import { interleave } from "#tests/bench/support/interleave.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

/** Two sides that write down their turns; each value tells how many came before it. */
function sides() {
  const turns: string[] = [];
  const side = (name: string) => () => Promise.resolve(turns.push(name));
  return { turns, both: { subject: side("a"), baseline: side("b") }, settle: side("-") };
}

Deno.test("interleave() takes turns and drops what the warm-up gave", sanitize, async () => {
  const { turns, both } = sides();
  const pairs = await interleave(both, { samples: 2, warmups: 1 });
  assertEquals(turns.join(""), "ababab");
  assertEquals(pairs, { subject: [3, 5], baseline: [4, 6] });
});

Deno.test(
  "interleave() lets a side repeat, and takes no more than it was told",
  sanitize,
  async () => {
    const { turns, both } = sides();
    const pairs = await interleave(both, { samples: 3, warmups: 1, inARow: 2 });
    assertEquals(turns.join(""), "ab" + "aabb" + "ab");
    assertEquals(pairs, { subject: [3, 4, 7], baseline: [5, 6, 8] });
  },
);

Deno.test("interleave() settles before each turn, not within one", sanitize, async () => {
  const { turns, both, settle } = sides();
  await interleave(both, {
    samples: 2,
    warmups: 0,
    inARow: 2,
    settle: async () => void await settle(),
  });
  assertEquals(turns.join(""), "-aa-bb");
});

Deno.test("interleave() fails with the first sample that does", sanitize, async () => {
  const fails = () => Promise.reject(new Error("no answer"));
  const { turns, both } = sides();
  await assertRejects(
    () => interleave({ ...both, baseline: fails }, { samples: 5, warmups: 0 }),
    Error,
    "no answer",
  );
  assertEquals(turns, ["a"]);
});
