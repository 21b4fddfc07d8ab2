import { descendants, processesOfUid } from "#src/backend/proc/mod.ts";
import { toPid, toUid } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { fakeProc, type FakeProcess } from "./fake_proc.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

function withChildren(pid: number, ...children: number[]): FakeProcess {
  return { pid, threads: { [pid]: { children } } };
}

Deno.test(
  "descendants() finds children of children, parents first, without the top",
  strict,
  async () => {
    await using host = await fakeProc(
      withChildren(1, 10, 99),
      withChildren(10, 11, 12),
      withChildren(12, 13),
      withChildren(11),
      withChildren(13),
      withChildren(99),
    );
    assertEquals(await descendants(toPid(10), host), [11, 12, 13].map(toPid));
    assertEquals(await descendants(toPid(13), host), []);
  },
);

Deno.test("descendants() asks every thread, not only the first", strict, async () => {
  await using host = await fakeProc(
    {
      pid: 10,
      threads: { 10: { children: [11] }, 20: { children: [21, 22] }, 30: { children: [] } },
    },
    withChildren(11),
    withChildren(21),
    withChildren(22),
  );
  assertEquals((await descendants(toPid(10), host)).toSorted(), [11, 21, 22].map(toPid));
});

Deno.test("descendants() goes on when a process vanished after it was listed", strict, async () => {
  await using host = await fakeProc(
    withChildren(10, 11, 12),
    withChildren(12, 13),
    withChildren(13),
  );
  assertEquals(await descendants(toPid(10), host), [11, 12, 13].map(toPid));
  assertEquals(await descendants(toPid(77), host), []);
});

Deno.test("descendants() goes on when a thread vanished after it was listed", strict, async () => {
  await using host = await fakeProc(withChildren(10, 11), withChildren(11));
  await Deno.mkdir(`${host.proc}/10/task/20`);
  assertEquals(await descendants(toPid(10), host), [toPid(11)]);
});

Deno.test("descendants() ends when numbers given anew make a circle", strict, async () => {
  await using host = await fakeProc(withChildren(10, 11), withChildren(11, 10, 11));
  assertEquals(await descendants(toPid(10), host), [toPid(11)]);
});

Deno.test("descendants() asks for parents where the kernel lists no children", strict, async () => {
  const process = (pid: number, ppid: number): FakeProcess => ({
    pid,
    ppid,
    threads: { [pid]: { children: null } },
  });
  await using host = await fakeProc(
    process(1, 0),
    process(10, 1),
    process(11, 10),
    process(12, 10),
    process(13, 12),
    process(99, 1),
  );
  await host.write("net/tcp", "");
  assertEquals((await descendants(toPid(10), host)).toSorted(), [11, 12, 13].map(toPid));
  assertEquals(await descendants(toPid(77), host), []);
});

Deno.test("descendants() does not take an odd file for no children", strict, async () => {
  await using host = await fakeProc(withChildren(10));
  await host.write("10/task/10/children", "11 x ");
  await assertRejects(() => descendants(toPid(10), host), RangeError);
});

Deno.test("processesOfUid() finds a uid in each of the four columns", strict, async () => {
  await using host = await fakeProc(
    { pid: 1, uid: 0 },
    { pid: 11, uid: [500, 0, 0, 0] },
    { pid: 12, uid: [0, 500, 0, 0] },
    { pid: 13, uid: [0, 0, 500, 0] },
    { pid: 14, uid: [0, 0, 0, 500] },
    { pid: 15, uid: 5000 },
    { pid: 16, uid: 50 },
  );
  const { live, zombies } = await processesOfUid(toUid(500), host);
  assertEquals(live.toSorted(), [11, 12, 13, 14].map(toPid));
  assertEquals(zombies, []);
  assertEquals(await processesOfUid(toUid(501), host), { live: [], zombies: [] });
});

Deno.test("processesOfUid() tells zombies from processes that run", strict, async () => {
  await using host = await fakeProc(
    { pid: 11, uid: 500, state: "Z" },
    { pid: 12, uid: 500, state: "X" },
    { pid: 13, uid: 500, state: "D" },
  );
  const { live, zombies } = await processesOfUid(toUid(500), host);
  assertEquals(live, [toPid(13)]);
  assertEquals(zombies.toSorted(), [11, 12].map(toPid));
});

Deno.test(
  "processesOfUid() counts a process as live while any of its threads runs",
  strict,
  async () => {
    const threads = (state: string) => ({
      11: { children: [], state: "Z" },
      12: { children: [], state },
    });
    await using host = await fakeProc({ pid: 11, uid: 500, state: "Z", threads: threads("S") });
    assertEquals(await processesOfUid(toUid(500), host), { live: [toPid(11)], zombies: [] });
    await host.put({ pid: 11, uid: 500, state: "Z", threads: threads("Z") });
    assertEquals(await processesOfUid(toUid(500), host), { live: [], zombies: [toPid(11)] });
  },
);

Deno.test("processesOfUid() passes over what vanished after it was listed", strict, async () => {
  await using host = await fakeProc({ pid: 11, uid: 500 });
  await Deno.mkdir(`${host.proc}/12`);
  await Deno.mkdir(`${host.proc}/self`);
  assertEquals((await processesOfUid(toUid(500), host)).live, [toPid(11)]);
});

Deno.test("processesOfUid() never says none where it could not look", strict, async () => {
  await using host = await fakeProc({ pid: 11, uid: 500 });
  await host.write("12/status", "odd");
  await assertRejects(() => processesOfUid(toUid(501), host), SyntaxError);
  const error = await assertRejects(
    () => processesOfUid(toUid(501), { proc: `${host.proc}/none` }),
    Error,
  );
  assertEquals(error.message, `cannot list ${host.proc}/none: want a mounted procfs`);
});
