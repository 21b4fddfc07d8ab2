import { CgroupError, isGone, kernelGroups } from "#src/cgroup/mod.ts";
import { assertEquals, assertGreater, assertRejects } from "#tests/support/assert.ts";
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

Deno.test("a value is written to a file that is there, and none is made", UNIT, async () => {
  await using folder = await tempFolder();
  await folder.write("pids.max", "max\n");
  await kernelGroups.write(folder.path, "pids.max", "257\n");
  assertEquals(await kernelGroups.read(folder.path, "pids.max"), "257\n");
  const error = await assertRejects(
    () => kernelGroups.write(folder.path, "cpu.max", "max"),
    CgroupError,
    `cannot write "max" to ${folder.path}/cpu.max: ENOENT`,
  );
  assertEquals([error.file, error.value, error.code], ["cpu.max", "max", "ENOENT"]);
  assertEquals(Array.from(Deno.readDirSync(folder.path), ({ name }) => name), ["pids.max"]);
});

Deno.test("a link is not written through", UNIT, async () => {
  await using folder = await tempFolder();
  const target = await folder.write("target", "as it was");
  await Deno.symlink(target, `${folder.path}/pids.max`);
  await assertRejects(
    () => kernelGroups.write(folder.path, "pids.max", "7"),
    CgroupError,
    `cannot write "7" to ${folder.path}/pids.max: ELOOP`,
  );
  assertEquals(await Deno.readTextFile(target), "as it was");
});

Deno.test("groups in a group are listed, without files and links", UNIT, async () => {
  await using folder = await tempFolder();
  for (const name of ["b", "a", "a/inner"]) await kernelGroups.make(`${folder.path}/${name}`);
  await folder.write("cgroup.procs", "");
  await Deno.symlink("/", `${folder.path}/link`);
  assertEquals(await kernelGroups.list(folder.path), ["a", "b"]);
  assertEquals(await kernelGroups.list(`${folder.path}/gone`), []);
  await assertRejects(
    () => kernelGroups.list(`${folder.path}/cgroup.procs`),
    CgroupError,
    `cannot list ${folder.path}/cgroup.procs: ENOTDIR`,
  );
});

Deno.test("a group's own owner and age are told, not those of a link's target", UNIT, async () => {
  await using folder = await tempFolder();
  await kernelGroups.make(`${folder.path}/a`);
  await Deno.utime(`${folder.path}/a`, 1_000_000, 1_000_000);
  const state = { ownerUid: Deno.uid() ?? -1, changedAtMs: 1_000_000_000 };
  assertEquals(await kernelGroups.stat(`${folder.path}/a`), state);
  await Deno.symlink(`${folder.path}/a`, `${folder.path}/link`);
  assertGreater((await kernelGroups.stat(`${folder.path}/link`))?.changedAtMs ?? 0, 1e12);
  assertEquals(await kernelGroups.stat(`${folder.path}/gone`), undefined);
});

Deno.test("what Deno has no code for is told by the kernel's number", UNIT, () => {
  for (const [number, code] of [[3, "ESRCH"], [19, "ENODEV"], [95, "EOPNOTSUPP"]] as const) {
    const cause = new Error(`it failed (os error ${number})`);
    const error = new CgroupError("read", "/cg/a", { file: "io.pressure", cause });
    assertEquals([error.code, isGone(error)], [code, code === "ENODEV"]);
  }
  assertEquals(isGone(new Error("(os error 19)")), false);
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
