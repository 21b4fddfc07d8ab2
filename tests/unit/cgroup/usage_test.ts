import { CgroupError, readOomKills, readPids, readPopulated, readUsage } from "#src/cgroup/mod.ts";
import { toPid } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const FILES = {
  "cpu.stat": "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n",
  "memory.current": "10485760\n",
  "memory.stat": "anon 4096\ninactive_file 2097152\n",
  "memory.peak": "20971520\n",
  "pids.current": "12\n",
  "io.stat": "254:0 rbytes=8192 wbytes=4096 rios=2 wios=1 dbytes=0 dios=0\n",
  "cpu.pressure": "some avg10=1.50 avg60=0.00 avg300=0.00 total=9\n",
  "memory.pressure": "some avg10=2.50 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 total=0\n",
  "io.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
};
const NOTHING = {
  cpuUsec: undefined,
  memoryBytes: undefined,
  memoryPeakBytes: undefined,
  processes: undefined,
  io: undefined,
  pressure: undefined,
};

const ALL = ["cpu", "io", "memory", "pids"];

const usage = (files: Record<string, string>, refused: Record<string, string> = {}) =>
  readUsage("/cg/a", new FakeGroups({ "/cg/a": files }, refused), ALL);

Deno.test("a group with every controller tells everything", UNIT, async () => {
  assertEquals(await usage(FILES), {
    cpuUsec: 1500,
    memoryBytes: 8_388_608,
    memoryPeakBytes: 20_971_520,
    processes: 12,
    io: { readBytes: 8192, writtenBytes: 4096 },
    pressure: { cpu: 1.5, memory: 2.5, io: 0 },
  });
});

Deno.test("a group without controllers tells CPU time", UNIT, async () => {
  assertEquals(await usage({ "cpu.stat": FILES["cpu.stat"] }), { ...NOTHING, cpuUsec: 1500 });
});

Deno.test("a group is not asked for what its controllers would count", UNIT, async () => {
  const groups = new FakeGroups({ "/cg/a": FILES });
  const asked: string[] = [];
  const told = await readUsage("/cg/a", {
    read(folder, file) {
      asked.push(file);
      return groups.read(folder, file);
    },
  }, ["pids"]);
  assertEquals(asked.toSorted(), [
    "cpu.pressure",
    "cpu.stat",
    "io.pressure",
    "memory.pressure",
    "pids.current",
  ]);
  assertEquals([told.cpuUsec, told.processes, told.memoryBytes, told.io], [
    1500,
    12,
    undefined,
    undefined,
  ]);
});

Deno.test("the processes of a group are told, and garbled ones refused", UNIT, async () => {
  const groups = new FakeGroups({ "/cg/a": { "cgroup.procs": "12\n345\n" } });
  assertEquals(await readPids("/cg/a", groups), [toPid(12), toPid(345)]);
  const garbled = new FakeGroups({ "/cg/a": { "cgroup.procs": "12\nx\n" } });
  await assertRejects(() => readPids("/cg/a", garbled), SyntaxError, "cgroup.procs");
});

Deno.test("a group that is gone tells nothing, and had no one killed", UNIT, async () => {
  const groups = new FakeGroups({});
  assertEquals(await readUsage("/cg/gone", groups, ALL), NOTHING);
  assertEquals(await readPids("/cg/gone", groups), []);
  assertEquals(await readOomKills("/cg/gone", groups), 0);
  assertEquals(await readPopulated("/cg/gone", groups), false);
});

Deno.test("memory is never below 0, and whole where the rest is not told", UNIT, async () => {
  assertEquals((await usage({ ...FILES, "memory.current": "4096\n" })).memoryBytes, 0);
  const { memoryBytes } = await usage({ ...FILES, "memory.stat": "anon 1\n" });
  assertEquals(memoryBytes, 10_485_760);
});

Deno.test("a kernel that was booted without pressure tells the rest", UNIT, async () => {
  const refused = { "read io.pressure": "EOPNOTSUPP" };
  assertEquals((await usage(FILES, refused)).pressure, undefined);
  assertEquals((await usage(FILES, refused)).cpuUsec, 1500);
  const { "memory.pressure": _, ...rest } = FILES;
  assertEquals((await usage(rest)).pressure, undefined);
});

Deno.test("what cannot be read or understood is an error with the file", UNIT, async () => {
  const files = { ...FILES, "memory.current": "lots\n" };
  await assertRejects(() => usage(files), SyntaxError, "cannot read /cg/a/memory.current: ");
  for (const file of ["io.pressure", "cpu.stat"]) {
    await assertRejects(() => usage(FILES, { [`read ${file}`]: "EACCES" }), CgroupError, "EACCES");
  }
});

Deno.test("kills for want of memory are counted", UNIT, async () => {
  const count = (text: string) =>
    readOomKills("/cg/a", new FakeGroups({ "/cg/a": { "memory.events": text } }));
  assertEquals(await count("low 0\nhigh 5\nmax 3\noom 1\noom_kill 2\noom_group_kill 1\n"), 2);
  assertEquals(await count("low 0\nhigh 0\nmax 0\noom 0\n"), 0);
  assertEquals(await count(""), 0);
  await assertRejects(() => count("oom_kill some\n"), SyntaxError, "/cg/a/memory.events: ");
});

Deno.test("a group is populated or not, and has to say so", UNIT, async () => {
  const look = (text: string) =>
    readPopulated("/cg/a", new FakeGroups({ "/cg/a": { "cgroup.events": text } }));
  assertEquals(await look("populated 1\nfrozen 0\n"), true);
  assertEquals(await look("frozen 0\npopulated 0\n"), false);
  await assertRejects(() => look("frozen 0\n"), SyntaxError, "does not say whether");
});
