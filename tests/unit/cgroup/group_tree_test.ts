import { CgroupError, kernelGroups } from "#src/cgroup/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("groups are folders that are made and removed one by one", UNIT, async () => {
  await using folder = await tempFolder();
  await kernelGroups.make(`${folder.path}/a`);
  assertEquals((await Deno.stat(`${folder.path}/a`)).isDirectory, true);
  await kernelGroups.remove(`${folder.path}/a`);
  const gone = await assertRejects(() => kernelGroups.remove(`${folder.path}/a`), CgroupError);
  assertEquals([gone.code, gone.message], [
    "ENOENT",
    `cannot remove ${folder.path}/a: ENOENT`,
  ]);
  await assertRejects(() => kernelGroups.make(`${folder.path}/b/c`), CgroupError, "b/c: ENOENT");
});

Deno.test("what is in a group is not removed along with it", UNIT, async () => {
  await using folder = await tempFolder();
  await folder.write("a/b/file", "");
  await assertRejects(() => kernelGroups.remove(`${folder.path}/a`), CgroupError, "ENOTEMPTY");
  assertEquals(await kernelGroups.read(`${folder.path}/a/b`, "file"), "");
});

Deno.test("a file that is not there is undefined, and not writable", UNIT, async () => {
  await using folder = await tempFolder();
  await folder.write("cgroup.procs", "1\n2\n");
  assertEquals(await kernelGroups.read(folder.path, "cgroup.procs"), "1\n2\n");
  assertEquals(await kernelGroups.isWritable(folder.path, "cgroup.procs"), true);
  assertEquals(await kernelGroups.read(folder.path, "cgroup.procs"), "1\n2\n", "nothing is lost");
  assertEquals(await kernelGroups.read(folder.path, "cgroup.kill"), undefined);
  assertEquals(await kernelGroups.isWritable(folder.path, "cgroup.kill"), false);
});

Deno.test("what cannot be read says which file it is", UNIT, async () => {
  await using folder = await tempFolder();
  await folder.folder("cgroup.procs");
  const error = await assertRejects(
    () => kernelGroups.read(folder.path, "cgroup.procs"),
    CgroupError,
    `cannot read ${folder.path}/cgroup.procs: EISDIR`,
  );
  assertEquals([error.folder, error.file, error.value, error.code], [
    folder.path,
    "cgroup.procs",
    undefined,
    "EISDIR",
  ]);
  await assertRejects(() => kernelGroups.isWritable(folder.path, "cgroup.procs"), CgroupError);
});

Deno.test("an error about what was written tells it", UNIT, () => {
  const cause = Object.assign(new Error("Device or resource busy (os error 16)"), {
    code: "EBUSY",
  });
  const options = { file: "cgroup.subtree_control", value: "+cpu", cause };
  const error = new CgroupError("write", "/cg/a", options);
  assertEquals(error.message, 'cannot write "+cpu" to /cg/a/cgroup.subtree_control: EBUSY');
  assertEquals([error.value, error.cause], ["+cpu", cause]);
  const other = new CgroupError("make", "/cg/a", { cause: new Error("it is late") });
  assertEquals([other.message, other.code], ["cannot make /cg/a: it is late", undefined]);
});
