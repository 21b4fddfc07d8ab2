import { parseStat, parseStatus, readStat, readStatus } from "#src/backend/proc/mod.ts";
import { toGid, toPid, toUid } from "#src/core/mod.ts";
import { assertEquals, assertRejects, assertThrows } from "#tests/support/assert.ts";
import { fakeProc, statText, statusText } from "./fake_proc.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** Captured on Linux 6.18 (`cat /proc/self/stat`), with times filled in. */
const CAPTURED = "9019 (cat) R 9010 9010 7214 0 -1 4194304 101 0 0 0 12 34 56 78 20 0 1 0 103003 " +
  "3133440 414 18446744073709551615 94883891843072 94883891862953 140735208436544 0 0 0 0 0 0 0 0 " +
  "0 17 0 0 0 0 0 0 94883891878960 94883891880576 94884073082880 140735208438466 140735208438486 " +
  "140735208438486 140735208439787 0\n";

Deno.test("parseStat() reads what the kernel wrote", strict, () => {
  assertEquals(parseStat(CAPTURED), {
    pid: toPid(9019),
    comm: "cat",
    state: "R",
    ppid: 9010,
    cpuTicks: 46,
    reapedCpuTicks: 134,
    startTicks: 103_003,
  });
});

for (
  const comm of [
    "a b",
    ") R 1 (",
    "))",
    "((",
    "",
    "tab\there",
    "line\nend",
    ") Z 0 0 0",
    "(sd-pam)",
  ]
) {
  Deno.test(`parseStat() reads a program called ${JSON.stringify(comm)}`, strict, () => {
    const { comm: name, state, ppid } = parseStat(statText({ pid: 5, comm, state: "D", ppid: 3 }));
    assertEquals({ name, state, ppid }, { name: comm, state: "D", ppid: 3 });
  });
}

Deno.test("parseStat() refuses text that was cut or is something else", strict, () => {
  const cut = (end: number) => CAPTURED.slice(0, end);
  for (
    const text of ["", "9019", cut(8), cut(12), cut(60), "x (cat) R 1", " (cat) R", "1 (a) 5 6"]
  ) {
    const error = assertThrows(() => parseStat(text), SyntaxError);
    assertEquals(error.message.startsWith(`cannot parse ${JSON.stringify(text)}: want`), true);
  }
});

Deno.test("parseStatus() reads ids, state, namespaces and memory", strict, () => {
  const text = statusText({ pid: 42, ppid: 7, state: "Z", uid: [1, 2, 3, 4], rssKib: 5 });
  assertEquals(parseStatus(text.replace("Groups:\t ", "Groups:\t4 27 ")), {
    name: "R",
    state: "Z",
    pid: toPid(42),
    ppid: 7,
    uids: [toUid(1), toUid(2), toUid(3), toUid(4)],
    gids: [toGid(7), toGid(8), toGid(9), toGid(10)],
    groups: [toGid(4), toGid(27)],
    nsPids: [toPid(42), toPid(1)],
    rssBytes: 5120,
  });
});

Deno.test("parseStatus() does without what some kernels and zombies do not have", strict, () => {
  const text = statusText({ pid: 42 }).replace(/^NS.*\n/gm, "");
  const { nsPids, groups, rssBytes } = parseStatus(text);
  assertEquals({ nsPids, groups, rssBytes }, { nsPids: [toPid(42)], groups: [], rssBytes: 0 });
});

Deno.test("parseStatus() refuses text without the lines that every process has", strict, () => {
  const whole = statusText({ pid: 42 });
  for (const key of ["Name", "State", "Pid", "PPid", "Uid", "Gid", "Groups"]) {
    const text = whole.replace(new RegExp(`^${key}:.*\n`, "m"), "");
    assertThrows(() => parseStatus(text), SyntaxError, `cannot parse ${key} of a process`);
  }
  assertThrows(() => parseStatus(""), SyntaxError);
  assertThrows(
    () => parseStatus(whole.replace(/^Uid:.*$/m, "Uid:\t1\t2\t3")),
    SyntaxError,
    `cannot parse Uid of a process: its value is "1\\t2\\t3", want`,
  );
});

Deno.test(
  "readStat() and readStatus() find nothing for a process that is gone",
  strict,
  async () => {
    await using host = await fakeProc({ pid: 5 });
    assertEquals((await readStat(host.proc, 5))?.pid, toPid(5));
    assertEquals((await readStatus(host.proc, 5))?.pid, toPid(5));
    assertEquals(await readStat(host.proc, 6), undefined);
    assertEquals(await readStatus(host.proc, 6), undefined);
    await host.write("5/stat", "");
    await host.write("5/status", "");
    assertEquals(await readStat(host.proc, 5), undefined);
    assertEquals(await readStatus(host.proc, 5), undefined);
  },
);

Deno.test(
  "readStat() and readStatus() do not take an odd file for a process that is gone",
  strict,
  async () => {
    await using host = await fakeProc({ pid: 5 });
    await host.write("5/stat", "odd");
    await host.write("5/status", "odd");
    await assertRejects(() => readStat(host.proc, 5), SyntaxError);
    await assertRejects(() => readStatus(host.proc, 5), SyntaxError);
    await assertRejects(() => readStat(host.proc, "5/stat"), Error, "cannot read");
  },
);
