import { findBusyUids } from "#src/backend/mod.ts";
import { toUid, type Uid } from "#src/core/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { fakeProc } from "./fake_proc.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const range = { start: 5000, end: 5009 };
const [LOW, MIDDLE] = [toUid(5000), toUid(5001)];

Deno.test(
  "uids that nobody uses are not busy, and no process is read for them",
  strict,
  async () => {
    await using host = await fakeProc({ pid: 10 });
    const isBusy = await findBusyUids(range, { proc: host.proc, hasProcesses: () => false });
    await host.put({ pid: 11, uid: LOW });
    assertEquals(await isBusy(LOW), false, "the kernel says that it has none");
  },
);

Deno.test("a uid is busy until what used it at the start is gone", strict, async () => {
  await using host = await fakeProc(
    { pid: 10, uid: LOW },
    { pid: 11, uid: [MIDDLE, 0, 0, 0] },
    { pid: 12, uid: 7000 },
  );
  const isBusy = await findBusyUids(range, { proc: host.proc, hasProcesses: () => false });
  assertEquals([await isBusy(LOW), await isBusy(MIDDLE)], [true, true]);
  await host.kill(10);
  assertEquals([await isBusy(LOW), await isBusy(MIDDLE)], [false, true]);
});

Deno.test("a uid whose worker outlives its server is busy until it ends", strict, async () => {
  await using host = await fakeProc({ pid: 10 });
  const used = new Set<Uid>();
  const isBusy = await findBusyUids(range, {
    proc: host.proc,
    hasProcesses: (uid) => used.has(uid),
  });
  assertEquals(await isBusy(LOW), false);
  await host.put({ pid: 20, uid: LOW });
  used.add(LOW);
  assertEquals([await isBusy(LOW), await isBusy(MIDDLE)], [true, false]);
  await host.put({ pid: 20, uid: LOW, state: "Z" });
  assertEquals(await isBusy(LOW), false, "a zombie runs no more");
  await host.kill(20);
  used.delete(LOW);
  assertEquals(await isBusy(LOW), false);
});
