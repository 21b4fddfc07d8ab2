import { ReadableFiles } from "#src/readable_files.ts";
import { assert, assertEquals, assertRejects } from "#tests/support/assert.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;
const namesIn = (path: string) => Array.from(Deno.readDirSync(path), ({ name }) => name).sort();

/** A private folder with an executable, as root's home is one. */
async function home(folder: TempFolder): Promise<string> {
  const path = await folder.folder("home", 0o700);
  await folder.write("home/tools/program", "#!/bin/sh\n");
  await Deno.chmod(`${path}/tools/program`, 0o700);
  await folder.write("home/tools/lib/data", "data");
  await Deno.chmod(`${path}/tools/lib/data`, 0o600);
  await Deno.chmod(`${path}/tools/lib`, 0o700);
  return path;
}

Deno.test("what everybody can read is shown as it is", strict, async () => {
  await using folder = await tempFolder();
  const path = await folder.write("open/file", "x");
  const tmp = await folder.folder("tmp");
  await using files = new ReadableFiles({ isOwnUser: false, tmp });
  assertEquals(await files.show([path, `${folder.path}/open`]), [
    { source: path, target: path },
    { source: `${folder.path}/open`, target: `${folder.path}/open` },
  ]);
  assertEquals(namesIn(tmp), []);
});

Deno.test(
  "what is in a private folder is copied for all to read, once, and removed",
  strict,
  async () => {
    await using folder = await tempFolder();
    const private_ = await home(folder);
    const tmp = await folder.folder("tmp");
    {
      await using files = new ReadableFiles({ isOwnUser: false, tmp });
      const paths = [`${private_}/tools/program`, `${private_}/tools`];
      const [program, tools] = await files.show(paths);
      assert(program !== undefined && tools !== undefined);
      assertEquals([program.target, tools.target], paths);
      assert(program.source.startsWith(`${tmp}/`) && tools.source.startsWith(`${tmp}/`));
      assertEquals(await Deno.readTextFile(program.source), "#!/bin/sh\n");
      assertEquals(await Deno.readTextFile(`${tools.source}/lib/data`), "data");
      assertEquals(
        await Promise.all([
          modeOf(program.source),
          modeOf(`${tools.source}/program`),
          modeOf(`${tools.source}/lib`),
          modeOf(`${tools.source}/lib/data`),
          modeOf(`${tmp}/${namesIn(tmp)[0]}`),
        ]),
        [0o755, 0o755, 0o755, 0o644, 0o755],
      );
      assertEquals(await files.show(paths), [program, tools]);
      assertEquals(namesIn(tmp).length, 1);
    }
    assertEquals(namesIn(tmp), []);
  },
);

Deno.test("a private file in an open folder is copied, too", strict, async () => {
  await using folder = await tempFolder();
  const path = await folder.write("open/file", "x");
  await Deno.chmod(path, 0o640);
  const tmp = await folder.folder("tmp");
  await using files = new ReadableFiles({ isOwnUser: false, tmp });
  const [shown] = await files.show([path]);
  assert(shown !== undefined && shown.source.startsWith(`${tmp}/`), shown?.source);
  assertEquals(shown.target, path);
});

Deno.test("workers of this user's own read what it reads", strict, async () => {
  await using folder = await tempFolder();
  const path = `${await home(folder)}/tools/program`;
  await using files = new ReadableFiles({ isOwnUser: true, tmp: `${folder.path}/none` });
  assertEquals(await files.show([path]), [{ source: path, target: path }]);
});

Deno.test("a link is shown where it is, as what it leads to", strict, async () => {
  await using folder = await tempFolder();
  const path = await folder.write("open/file", "x");
  await Deno.symlink(path, `${folder.path}/link`);
  await using files = new ReadableFiles({ isOwnUser: false });
  assertEquals(await files.show([`${folder.path}/link`]), [
    { source: path, target: `${folder.path}/link` },
  ]);
});

Deno.test("what is not there cannot be shown", strict, async () => {
  await using files = new ReadableFiles({ isOwnUser: false });
  await assertRejects(() => files.show(["/nonexistent/program"]), Deno.errors.NotFound);
});
