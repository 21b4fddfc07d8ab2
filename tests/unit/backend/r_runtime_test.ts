import { isOfVersion, resolveRuntime } from "#src/backend/r_runtime.ts";
import { NotFoundError } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** A folder that R installations can be made in. */
async function host() {
  const root = await Deno.realPath(await Deno.makeTempDir());
  return {
    root,
    /** Lays files out as R's own `make install` does below a prefix. */
    async install(prefix: string, version: string, lib = "lib") {
      const home = `${root}/${prefix}/${lib}/R`;
      await Deno.mkdir(`${home}/library/base`, { recursive: true });
      await Deno.mkdir(`${home}/bin`, { recursive: true });
      await Deno.mkdir(`${root}/${prefix}/bin`, { recursive: true });
      await Deno.writeTextFile(
        `${home}/library/base/DESCRIPTION`,
        `Package: base\nVersion: ${version}\n`,
      );
      for (const path of [`${home}/bin/R`, `${root}/${prefix}/bin/R`]) {
        await Deno.writeTextFile(path, "#!/bin/sh\n", { mode: 0o755 });
      }
      return `${root}/${prefix}/bin/R`;
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

Deno.test("isOfVersion() compares as far as the request goes, and whole numbers", strict, () => {
  assertEquals(
    [["4.4.2", ""], ["4.4.2", "4.4.2"], ["4.4.2", "4.4"], ["4.4.2", "4"], ["4.4.20", "4.4.2"], [
      "4.44.0",
      "4.4",
    ], ["4.4.2", "4.4.3"]]
      .map(([actual = "", wanted = ""]) => isOfVersion(actual, wanted)),
    [true, true, true, true, false, false, false],
  );
});

Deno.test(
  "resolveRuntime() shows the sandbox the whole prefix of an R outside /usr, and puts it first in PATH",
  strict,
  async () => {
    await using files = await host();
    await files.install("opt/R/4.4.9", "4.4.9");
    const path = await files.install("opt/R/4.4.10", "4.4.10");
    const fallback = await files.install("custom/R", "4.2.2", "lib64");
    const prefix = `${files.root}/opt/R/4.4.10`;
    const options = { rigBase: `${files.root}/opt/R`, fallback };
    assertEquals(await resolveRuntime("4.4", options), {
      rPath: path,
      binFolders: [`${prefix}/bin`, `${prefix}/lib/R/bin`],
      toolTrees: [{ source: prefix, target: prefix, readOnly: true }],
    });
    assertEquals((await resolveRuntime("", options)).rPath, fallback);
  },
);

Deno.test(
  "resolveRuntime() serves the configured R when it is of the version asked for, and else none",
  strict,
  async () => {
    await using files = await host();
    const fallback = await files.install("custom/R", "4.2.2");
    const options = { rigBase: `${files.root}/none`, fallback };
    assertEquals((await resolveRuntime("4.2", options)).rPath, fallback);
    const error = await assertRejects(() => resolveRuntime("4.3", options), NotFoundError);
    assertEquals(
      error.message,
      `cannot serve R 4.3: no version of R is installed in ${files.root}/none, and ${fallback} is R 4.2.2`,
    );
  },
);

Deno.test("resolveRuntime() follows links to R, and shows both ends of them", strict, async () => {
  await using files = await host();
  await files.install("software/R-4.4.2", "4.4.2");
  await Deno.mkdir(`${files.root}/links`);
  const link = `${files.root}/links/R`;
  await Deno.symlink(`${files.root}/software/R-4.4.2/bin/R`, link);
  const { toolTrees, rPath } = await resolveRuntime("", {
    rigBase: "/nonexistent",
    fallback: link,
  });
  assertEquals(rPath, link);
  const prefix = `${files.root}/software/R-4.4.2`;
  assertEquals(toolTrees, [
    { source: prefix, target: prefix, readOnly: true },
    { source: link, target: link, readOnly: true },
  ]);
});

Deno.test("resolveRuntime() refuses what is no R", strict, async () => {
  await using files = await host();
  await Deno.mkdir(`${files.root}/bin`);
  await Deno.writeTextFile(`${files.root}/bin/R`, "", { mode: 0o755 });
  const of = (fallback: string) => resolveRuntime("", { rigBase: "/nonexistent", fallback });
  await assertRejects(() => of(`${files.root}/bin/R`), NotFoundError, "want PREFIX/bin/R");
  await assertRejects(() => of("/nonexistent/R"), NotFoundError, "cannot find R at /nonexistent/R");
});
