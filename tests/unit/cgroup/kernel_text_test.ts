import {
  findCount,
  parseCount,
  parseCpuMax,
  parseIoStat,
  parseMaximum,
  parsePressure,
  readParsed,
} from "#src/cgroup/mod.ts";
import { assertEquals, assertRejects, assertThrows } from "#tests/support/assert.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

/** Captured from Linux 6.1. */
const EVENTS = "low 0\nhigh 12\nmax 318\noom 2\noom_kill 3\noom_group_kill 1\n";
const CPU_STAT = `\
usage_usec 5307341
user_usec 2841223
system_usec 2466118
core_sched.force_idle_usec 0
nr_periods 51
nr_throttled 49
throttled_usec 4710240
nr_bursts 0
burst_usec 0
`;
const MEMORY_STAT = `\
anon 266240
file 4325376
kernel 352256
inactive_file 4194304
active_file 131072
workingset_refault_anon 0
`;
const PRESSURE = `\
some avg10=31.42 avg60=8.01 avg300=1.79 total=6213443
full avg10=0.00 avg60=0.00 avg300=0.00 total=4215
`;

Deno.test("a key is looked up, whatever else there is", UNIT, () => {
  assertEquals(findCount(EVENTS, "oom_kill"), 3);
  assertEquals(findCount(EVENTS, "oom"), 2);
  assertEquals(findCount(CPU_STAT, "usage_usec"), 5_307_341);
  assertEquals(findCount(MEMORY_STAT, "inactive_file"), 4_194_304);
  assertEquals(findCount("some_new_key -1.5\noom_kill 4\n", "oom_kill"), 4);
});

Deno.test("a key that is not there is undefined, in an empty file, too", UNIT, () => {
  assertEquals(findCount(EVENTS, "kill"), undefined);
  assertEquals(findCount("", "oom_kill"), undefined);
});

for (
  const text of ["oom_kill\n", "oom_kill x\n", "oom_kill -1\n", "oom_kill 1 2\n", "a  1\n", "\0\n"]
) {
  Deno.test(`the keyed lines ${JSON.stringify(text)} are refused`, UNIT, () => {
    assertThrows(() => findCount(text, "oom_kill"), SyntaxError, "cannot parse");
  });
}

Deno.test("a count may be larger than a number is exact", UNIT, () => {
  assertEquals(parseCount("0"), 0);
  assertEquals(parseCount("18446744073709551615"), 2 ** 64);
  for (const text of ["", " 1", "1.5", "0x10", "max"]) {
    assertThrows(() => parseCount(text), SyntaxError, `${JSON.stringify(text)}: want a number`);
  }
});

Deno.test("a limit is a number, or none", UNIT, () => {
  assertEquals(parseMaximum("536870912\n"), 536_870_912);
  assertEquals(parseMaximum("0\n"), 0);
  assertEquals(parseMaximum("max\n"), undefined);
});

Deno.test("the largest number of bytes in whole pages is no limit", UNIT, () => {
  assertEquals(parseMaximum("9223372036854771712\n"), undefined);
  assertEquals(parseMaximum("9223372036854710272\n"), undefined);
  assertEquals(parseMaximum("18446744073709551615\n"), undefined);
  assertEquals(parseMaximum("4611686018427387904\n"), 2 ** 62);
});

for (const text of ["", "\n", "-1\n", "1 2\n", "maximum\n", "1e9\n"]) {
  Deno.test(`${JSON.stringify(text)} is no limit's text`, UNIT, () => {
    assertThrows(() => parseMaximum(text), SyntaxError, "want a number or max");
  });
}

Deno.test("cpu.max is told in cores", UNIT, () => {
  assertEquals(parseCpuMax("50000 100000\n"), 0.5);
  assertEquals(parseCpuMax("400000 200000\n"), 2);
  assertEquals(parseCpuMax("max 100000\n"), undefined);
});

for (const text of ["", "max\n", "50000\n", "50000 0\n", "-1 100000\n", "1 2 3\n"]) {
  Deno.test(`the cpu.max ${JSON.stringify(text)} is refused`, UNIT, () => {
    assertThrows(() => parseCpuMax(text), SyntaxError, "want a quota and a period");
  });
}

Deno.test("io.stat is summed up over devices", UNIT, () => {
  const text = "254:0 rbytes=8192 wbytes=4096 rios=2 wios=1 dbytes=0 dios=0\n" +
    "8:16 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=7 dios=1 cost.usage=3 new=x\n";
  assertEquals(parseIoStat(text), { readBytes: 8292, writtenBytes: 4116 });
  assertEquals(parseIoStat(""), { readBytes: 0, writtenBytes: 0 });
});

Deno.test("devices without numbers, as some kernels name them, add nothing", UNIT, () => {
  const text = "7:1 7:0 8:0 rbytes=5 wbytes=6 rios=1 wios=1 dbytes=0 dios=0\n253:0 \n253:1\n";
  assertEquals(parseIoStat(text), { readBytes: 5, writtenBytes: 6 });
});

for (const line of ["rbytes=1 wbytes=2", "8:0 rbytes", "8:0 rbytes=x wbytes=1", "8:0 =1"]) {
  Deno.test(`the line ${JSON.stringify(line)} of io.stat is refused`, UNIT, () => {
    assertThrows(() => parseIoStat(`${line}\n`), SyntaxError, "cannot parse");
  });
}

Deno.test("pressure is that of some in the last ten seconds", UNIT, () => {
  assertEquals(parsePressure(PRESSURE), 31.42);
  assertEquals(parsePressure("some new=1 avg10=100.00 total=1\n"), 100);
});

for (const text of ["", "full avg10=1.00 total=0\n", "some avg60=1.00\n", "some avg10=x\n"]) {
  Deno.test(`the pressure ${JSON.stringify(text)} is refused`, UNIT, () => {
    assertThrows(() => parsePressure(text), SyntaxError, "want a line with some and avg10");
  });
}

Deno.test(
  "what is not understood names its file, and what is missing is undefined",
  UNIT,
  async () => {
    const groups = new FakeGroups({ "/cg/a": { "pids.max": "many\n" } });
    const message = 'cannot read /cg/a/pids.max: cannot parse "many": want a number or max';
    const read = (file: string) => readParsed(groups, "/cg/a", file, parseMaximum);
    assertEquals((await assertRejects(() => read("pids.max"), SyntaxError)).message, message);
    assertEquals(await read("memory.max"), undefined);
    const wrong = () =>
      readParsed(groups, "/cg/a", "pids.max", () => {
        throw new TypeError("a mistake");
      });
    assertEquals((await assertRejects(wrong, TypeError)).message, "a mistake");
  },
);
