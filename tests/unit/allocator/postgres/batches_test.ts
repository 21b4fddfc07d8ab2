import { StoreUnavailableError } from "#src/core/mod.ts";
import { Batches } from "#src/allocator/postgres/batches.ts";
import { assert, assertEquals, assertRejects } from "#tests/support/assert.ts";
import { settle } from "#tests/support/fake_clock.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

/** A statement that ends when the test says so; its outputs are its inputs, doubled. */
class Statements {
  readonly batches: (readonly number[])[] = [];
  readonly #ends: PromiseWithResolvers<void>[] = [];

  readonly run = async (inputs: readonly number[]): Promise<readonly number[]> => {
    this.batches.push(inputs);
    const end = Promise.withResolvers<void>();
    this.#ends.push(end);
    await end.promise;
    return inputs.map((input) => 2 * input);
  };

  end(at: number): void {
    this.#ends[at]?.resolve();
  }

  fail(at: number, error: Error): void {
    this.#ends[at]?.reject(error);
  }
}

Deno.test(
  "calls of the same moment share a statement, each with its own output",
  sanitize,
  async () => {
    const statements = new Statements();
    const batches = new Batches(statements.run);
    const outputs = Promise.all([1, 2, 3].map((input) => batches.add(input)));
    await settle();
    assertEquals(statements.batches, [[1, 2, 3]]);
    statements.end(0);
    assertEquals(await outputs, [2, 4, 6]);
  },
);

Deno.test("callers who were answered together go on together", sanitize, async () => {
  const statements = new Statements();
  const batches = new Batches(statements.run);
  const caller = async (input: number) => await batches.add(await batches.add(input));
  const outputs = Promise.all([1, 2, 3].map(caller));
  await settle();
  statements.end(0);
  await settle();
  assertEquals(statements.batches, [[1, 2, 3], [2, 4, 6]]);
  statements.end(1);
  assertEquals(await outputs, [4, 8, 12]);
});

Deno.test(
  "a second statement starts beside the first, what comes then waits",
  sanitize,
  async () => {
    const statements = new Statements();
    const batches = new Batches(statements.run);
    const outputs: Promise<number>[] = [];
    for (const input of [1, 2, 3, 4]) {
      outputs.push(batches.add(input));
      await settle();
    }
    assertEquals(statements.batches, [[1], [2]]);
    statements.end(1);
    await settle();
    assertEquals(statements.batches, [[1], [2], [3, 4]]);
    statements.end(0);
    statements.end(2);
    assertEquals(await Promise.all(outputs), [2, 4, 6, 8]);
  },
);

Deno.test("one statement does not do more than a hundred", sanitize, async () => {
  const statements = new Statements();
  const batches = new Batches(statements.run);
  const outputs = Promise.all(Array.from({ length: 250 }, (_, input) => batches.add(input)));
  await settle();
  assertEquals(statements.batches.map(({ length }) => length), [100, 100]);
  statements.end(0);
  statements.end(1);
  await settle();
  assertEquals(statements.batches.map(({ length }) => length), [100, 100, 50]);
  statements.end(2);
  assertEquals((await outputs)[249], 498);
});

Deno.test("a failure is for those who were part of it, and the next go on", sanitize, async () => {
  const statements = new Statements();
  const batches = new Batches(statements.run);
  const failing = [1, 2].map((input) => batches.add(input));
  await settle();
  const other = batches.add(3);
  await settle();
  const waiting = batches.add(4);
  await settle();
  statements.fail(0, new Error("refused"));
  for (const call of failing) await assertRejects(() => call, Error, "refused");
  statements.end(1);
  assertEquals(await other, 6);
  await settle();
  statements.end(2);
  assertEquals(await waiting, 8);
});

Deno.test("when the store is away, those who wait are told at once", sanitize, async () => {
  const statements = new Statements();
  const batches = new Batches(statements.run);
  const calls: Promise<number>[] = [];
  for (const input of [1, 2, 3]) {
    calls.push(batches.add(input));
    await settle();
  }
  const [first, second, waiting] = calls;
  assert(first && second && waiting);
  statements.fail(0, new StoreUnavailableError("away"));
  await assertRejects(() => first, StoreUnavailableError, "away");
  await assertRejects(() => waiting, StoreUnavailableError, "away");
  assertEquals(statements.batches, [[1], [2]]);
  const later = batches.add(4);
  await settle();
  assertEquals(statements.batches, [[1], [2], [4]]);
  statements.end(1);
  statements.end(2);
  assertEquals([await second, await later], [4, 8]);
});
