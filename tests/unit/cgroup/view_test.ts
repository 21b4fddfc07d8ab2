import { readCgroupView } from "#src/cgroup/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("a view tells the mount and the groups of this process", UNIT, async () => {
  await using proc = await tempFolder();
  await proc.write("self/mountinfo", "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  await proc.write("self/cgroup", "0::/a\n");
  const { mounts, mount, membership } = await readCgroupView({ proc: proc.path });
  assertEquals([mounts.length, mount?.folder, membership.unified], [1, "/sys/fs/cgroup", "/a"]);
});

Deno.test("a file that is missing or not understood is named", UNIT, async () => {
  await using proc = await tempFolder();
  const read = () => readCgroupView({ proc: proc.path });
  await assertRejects(read, Error, `cannot read ${proc.path}/self/mountinfo: `);
  await proc.write("self/mountinfo", "");
  await assertRejects(read, Error, `cannot read ${proc.path}/self/cgroup: `);
  await proc.write("self/cgroup", "x\n");
  await assertRejects(read, Error, `cannot read ${proc.path}/self/cgroup: cannot parse "x"`);
});
