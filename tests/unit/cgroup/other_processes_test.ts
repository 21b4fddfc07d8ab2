import { countOtherProcesses } from "#src/cgroup/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

/** Counts those that are not ours, on a host with these processes and their parents. */
async function count(procs: string, parents: Readonly<Record<number, number>>): Promise<number> {
  await using proc = await tempFolder();
  for (const [pid, parent] of Object.entries(parents)) {
    await proc.write(`${pid}/status`, `Name:\tx\nPid:\t${pid}\nPPid:\t${parent}\nUid:\t0\n`);
  }
  return await countOtherProcesses("/cg", {
    groups: new FakeGroups({ "/cg": { "cgroup.procs": procs } }),
    proc: proc.path,
    pid: 50,
  });
}

const PARENTS = { 1: 0, 40: 1, 50: 40, 51: 50, 52: 51, 60: 40, 70: 70 };

Deno.test("this process and all below it are its own", UNIT, async () => {
  assertEquals(await count("50\n51\n52\n", PARENTS), 0);
  assertEquals(await count("", PARENTS), 0);
});

Deno.test("its parents and theirs are not, nor are those that it cannot see", UNIT, async () => {
  assertEquals(await count("1\n40\n50\n60\n", PARENTS), 3);
  assertEquals(await count("0\n0\n50\n", PARENTS), 2);
  assertEquals(await count("70\n", PARENTS), 1);
});

Deno.test("a process that the procfs hides is one of others", UNIT, async () => {
  assertEquals(await count("50\n99\n", PARENTS), 1);
  assertEquals(await count("50\n98\n", { ...PARENTS, 98: 99 }), 1);
});

Deno.test("a process that has ended is in no one's way", UNIT, async () => {
  const groups = new FakeGroups({ "/cg": { "cgroup.procs": "50\n99\n" } });
  const read = groups.read.bind(groups);
  groups.read = (folder, file) => {
    const text = read(folder, file);
    groups.groups.set("/cg", { "cgroup.procs": "50\n" });
    return text;
  };
  const options = { groups, proc: "/nonexistent", pid: 50 };
  assertEquals(await countOtherProcesses("/cg", options), 0);
});

Deno.test("a list that is none is refused", UNIT, async () => {
  await assertRejects(() => count("50\nx\n", PARENTS), SyntaxError, '"x" of cgroup.procs');
});
