import { walkPath } from "#src/preflight/path_walk.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("walkPath() passes every folder and link, and what links lead to", UNIT, async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await folder.write("real/deep/file", "");
  await Deno.symlink("real", `${path}/relative`);
  await Deno.symlink(`${path}/relative/deep`, `${path}/absolute`);
  await Deno.symlink("../../absolute/./file", `${path}/real/deep/back`);
  const { steps, missing } = await walkPath(`${path}//relative/../relative/deep/back`);
  assertEquals(missing, undefined);
  const names = steps.map(({ path, info }) => `${path}${info.isSymlink ? "@" : ""}`);
  const top = ["/", "/tmp", path];
  assertEquals(names, [
    ...top,
    `${path}/relative@`,
    `${path}/real`,
    `${path}/relative@`,
    `${path}/real`,
    `${path}/real/deep`,
    `${path}/real/deep/back@`,
    `${path}/absolute@`,
    ...top.slice(1),
    `${path}/relative@`,
    `${path}/real`,
    `${path}/real/deep`,
    `${path}/real/deep/file`,
  ]);
  assertEquals(steps.at(-1)?.info.isFile, true);
});

Deno.test("walkPath() ends before what is not there, also behind a link", UNIT, async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await Deno.symlink("nowhere/at/all", `${path}/dangling`);
  const plain = await walkPath(`${path}/none/below`);
  assertEquals([plain.missing, plain.steps.at(-1)?.path], [`${path}/none`, path]);
  const behind = await walkPath(`${path}/dangling`);
  assertEquals([behind.missing, behind.steps.at(-1)?.path], [
    `${path}/nowhere`,
    `${path}/dangling`,
  ]);
});

Deno.test("walkPath() goes round in no circle, and through no file", UNIT, async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await Deno.symlink("b", `${path}/a`);
  await Deno.symlink("a", `${path}/b`);
  await assertRejects(() => walkPath(`${path}/a`), Error, "there are too many links");
  const file = await folder.write("file", "");
  await assertRejects(() => walkPath(`${file}/x`), Deno.errors.NotADirectory);
});
