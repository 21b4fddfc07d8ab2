import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { run, runBuild, tryOut } from "./single_file.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "blockyard-build-test-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test(
  "build makes the same single file twice, and the file says what it is",
  sanitize,
  async () => {
    await inFolder(async (folder) => {
      for (const name of ["one", "two"]) {
        const { code, stderr } = await runBuild(
          ["--kind", "single-file", "--output", `${folder}/${name}`],
        );
        assertEquals(code, 0, stderr);
      }
      assertEquals((await run(["cmp", `${folder}/one`, `${folder}/two`])).code, 0);
      await using trial = await tryOut(`${folder}/one`);
      const { code, stdout, stderr } = await trial.start(["--version"]);
      assertEquals(code, 0, stderr);
      assertMatch(stdout, /^blockyard \d+\.\d+\.\d+ \(single-file, .*deno \d/);
    });
  },
);

// The runtime of deno compile cannot be had everywhere. With the whole of deno in its place the
// command line is tried, and what goes into the executable, but the result is deno itself.
Deno.test("build compiles where it is given the runtime", sanitize, async () => {
  await inFolder(async (folder) => {
    const output = `${folder}/blockyard`;
    const { code, stderr } = await runBuild(["--output", output], { DENORT_BIN: Deno.execPath() });
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "(compiled,");
    assertEquals((await run(["grep", "-qaF", `"kind":"compiled"`, output])).code, 0);
    assertEquals((await run(["grep", "-qaF", "chromiumSwitches", output])).code, 1);
    assert(((await Deno.stat(output)).mode ?? 0) & 0o100);
  });
});

Deno.test("build refuses a DENORT_BIN that is not there", sanitize, async () => {
  await inFolder(async (folder) => {
    const { code, stderr } = await runBuild(["--output", `${folder}/blockyard`], {
      DENORT_BIN: `${folder}/denort`,
    });
    assertEquals(code, 1);
    assertStringIncludes(stderr, `build: cannot compile with DENORT_BIN=${folder}/denort`);
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("build refuses a kind that it does not know", sanitize, async () => {
  const { code, stderr } = await runBuild(["--kind", "jar"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "cannot build --kind jar: want compiled or single-file");
});
