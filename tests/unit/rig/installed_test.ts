import { installedRVersions, versionEntries } from "#src/rig/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { fakeRig } from "./fake_rig.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

Deno.test("installedRVersions() orders by number, not by text", strict, async () => {
  await using rig = await fakeRig("4.4.10", "4.4.9", "4.10.0", "10.0.0", "3.6.3");
  assertEquals(await installedRVersions(rig.base), [
    "3.6.3",
    "4.4.9",
    "4.4.10",
    "4.10.0",
    "10.0.0",
  ]);
});

Deno.test(
  "installedRVersions() puts short names before long ones and suffixes last",
  strict,
  async () => {
    await using rig = await fakeRig("4.4.0", "4.4", "4", "4.4.0-x86", "4.4.0-arm64");
    assertEquals(await installedRVersions(rig.base), [
      "4",
      "4.4",
      "4.4.0",
      "4.4.0-arm64",
      "4.4.0-x86",
    ]);
  },
);

Deno.test("installedRVersions() leaves out what has no executable bin/R", strict, async () => {
  await using rig = await fakeRig("4.4.2");
  await rig.add("4.4.3", "not executable");
  await rig.add("4.4.4", "directory as bin/R");
  await rig.add("4.4.5", "empty");
  await Deno.writeTextFile(`${rig.base}/4.4.6`, "a file");
  await Deno.symlink("nowhere", `${rig.base}/4.4.7`);
  await Deno.symlink("4.4.8", `${rig.base}/4.4.8`);
  assertEquals(await installedRVersions(rig.base), ["4.4.2"]);
});

Deno.test("installedRVersions() leaves out names that are no versions", strict, async () => {
  await using rig = await fakeRig(
    "4.4.2",
    "devel",
    "next",
    "v4.4.3",
    "4.4.",
    "4.4.2.1",
    ".4",
    "-1",
  );
  await Deno.symlink("4.4.2", `${rig.base}/current`);
  assertEquals(await installedRVersions(rig.base), ["4.4.2"]);
});

Deno.test("installedRVersions() follows symlinks, also out of the base", strict, async () => {
  await using elsewhere = await fakeRig("R-4.3.1");
  await using rig = await fakeRig("4.4.2");
  await Deno.symlink(`${elsewhere.base}/R-4.3.1`, `${rig.base}/4.3.1`);
  await rig.add("4.3.2", "empty");
  await Deno.symlink(`${elsewhere.base}/R-4.3.1/bin/R`, `${rig.base}/4.3.2/bin/R`);
  assertEquals(await installedRVersions(rig.base), ["4.3.1", "4.3.2", "4.4.2"]);
});

Deno.test(
  "installedRVersions() finds nothing below a base that does not exist",
  strict,
  async () => {
    await using rig = await fakeRig();
    assertEquals(await installedRVersions(`${rig.base}/none`), []);
  },
);

Deno.test("installedRVersions() says so when the base cannot be listed", strict, async () => {
  await using rig = await fakeRig();
  const file = `${rig.base}/file`;
  await Deno.writeTextFile(file, "");
  const error = await assertRejects(() => installedRVersions(file), Error);
  assertEquals(
    error.message,
    `cannot list the R versions in ${file}: want a folder that can be read`,
  );
  assertEquals(error.cause instanceof Deno.errors.NotADirectory, true);
});

Deno.test(
  "versionEntries() names what looks like a version and cannot be used",
  strict,
  async () => {
    await using rig = await fakeRig("4.4.10", "4.4.9-x86", "devel");
    await rig.add("4.4.2", "not executable");
    await Deno.writeTextFile(`${rig.base}/4.4.6`, "a file");
    await Deno.symlink("nowhere", `${rig.base}/4.4.7`);
    const entries = await versionEntries(rig.base);
    assertEquals(
      entries.map(({ version: { text, numbers, suffix }, rPath, isUsable }) => [
        text,
        numbers.join(" "),
        suffix,
        rPath === `${rig.base}/${text}/bin/R`,
        isUsable,
      ]),
      [
        ["4.4.2", "4 4 2", "", true, false],
        ["4.4.6", "4 4 6", "", true, false],
        ["4.4.7", "4 4 7", "", true, false],
        ["4.4.9-x86", "4 4 9", "x86", true, true],
        ["4.4.10", "4 4 10", "", true, true],
      ],
    );
    assertEquals(await versionEntries(`${rig.base}/none`), []);
  },
);
