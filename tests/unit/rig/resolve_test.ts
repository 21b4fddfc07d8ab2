import { checkRVersion, resolveRBinary } from "#src/rig/mod.ts";
import { NotFoundError } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { fakeRig } from "./fake_rig.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const fallback = "/usr/bin/R";

/** What a request for each version resolves to: a version, or `fallback`. */
async function resolveAll(base: string, ...versions: string[]): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  for (const version of versions) {
    const resolved = await resolveRBinary(version, { base, fallback });
    assertEquals(
      resolved.path,
      resolved.version === undefined ? fallback : `${base}/${resolved.version}/bin/R`,
    );
    assertEquals(resolved.fellBack, resolved.version === undefined);
    results[version] = resolved.version ?? "fallback";
  }
  return results;
}

Deno.test("resolveRBinary() prefers exactly the version that was asked for", strict, async () => {
  await using rig = await fakeRig("4.4.2", "4.4.10", "4.4", "4");
  assertEquals(await resolveAll(rig.base, "4.4.2", "4.4", "4"), {
    "4.4.2": "4.4.2",
    "4.4": "4.4",
    "4": "4",
  });
});

Deno.test("resolveRBinary() takes the highest patch of the same major.minor", strict, async () => {
  await using rig = await fakeRig("4.4.9", "4.4.10", "4.4", "4.5.0", "3.6.3");
  assertEquals(await resolveAll(rig.base, "4.4.3", "4.4.11", "4.5", "4", "3"), {
    "4.4.3": "4.4.10",
    "4.4.11": "4.4.10",
    "4.5": "4.5.0",
    "4": "4.5.0",
    "3": "3.6.3",
  });
});

Deno.test(
  "resolveRBinary() takes a folder named by major.minor when no patch is there",
  strict,
  async () => {
    await using rig = await fakeRig("4.4", "4.3.1");
    assertEquals(await resolveAll(rig.base, "4.4.2"), { "4.4.2": "4.4" });
  },
);

Deno.test("resolveRBinary() falls back when neither major nor minor fits", strict, async () => {
  await using rig = await fakeRig("4.40.1", "14.4.1", "4.3.1", "4.4.2-arm64");
  await rig.add("4.4.1", "not executable");
  assertEquals(await resolveAll(rig.base, "4.4.2", "4.4", "5"), {
    "4.4.2": "fallback",
    "4.4": "fallback",
    "5": "fallback",
  });
  assertEquals(await resolveRBinary("4.4", { base: `${rig.base}/none`, fallback }), {
    path: fallback,
    fellBack: true,
  });
});

Deno.test(
  "resolveRBinary() takes no version for a wish for the fallback, not for a miss",
  strict,
  async () => {
    await using rig = await fakeRig("4.4.2");
    assertEquals(await resolveRBinary("", { base: rig.base, fallback }), {
      path: fallback,
      fellBack: false,
    });
  },
);

const NO_VERSIONS = [
  "../x",
  "../../usr",
  "4.*",
  "4.4?",
  "[4].4",
  " 4.4",
  "4.4 ",
  "4.4\n",
  " ",
  "4.4/",
  "/4.4",
  "4.4.2.1",
  "4..4",
  ".",
  "..",
  "-4",
  "4,4",
  "v4.4",
  "4.4.2-arm64",
  "1234567890",
  "٤.٤",
  "4.4\0",
];

for (const version of NO_VERSIONS) {
  Deno.test(
    `resolveRBinary() refuses ${JSON.stringify(version)}, which is no version`,
    strict,
    async () => {
      await using rig = await fakeRig("4.4.2", "4.4.2-arm64");
      const want = `cannot use ${JSON.stringify(version)} as an R version: want numbers such as`;
      await assertRejects(
        () => resolveRBinary(version, { base: rig.base, fallback }),
        RangeError,
        want,
      );
      await assertRejects(() => checkRVersion(version, { base: rig.base }), RangeError, want);
    },
  );
}

for (const name of ["devel", "next", "release", "oldrel", "current"]) {
  Deno.test(`resolveRBinary() refuses the moving name ${name} and says why`, strict, async () => {
    await using rig = await fakeRig(name);
    await assertRejects(
      () => resolveRBinary(name, { base: rig.base, fallback }),
      RangeError,
      "a name can mean another R tomorrow",
    );
  });
}

Deno.test("checkRVersion() accepts what resolves without the fallback", strict, async () => {
  await using rig = await fakeRig("4.4.2");
  for (const version of ["", "4", "4.4", "4.4.2", "4.4.1"]) {
    await checkRVersion(version, { base: rig.base });
  }
});

Deno.test("checkRVersion() says which R is wanted and which are there", strict, async () => {
  await using rig = await fakeRig("4.4.10", "4.4.9");
  const some = await assertRejects(() => checkRVersion("4.5", { base: rig.base }), NotFoundError);
  assertEquals(some.message, `cannot serve R 4.5: ${rig.base} has 4.4.9, 4.4.10`);
  const none = `${rig.base}/none`;
  const empty = await assertRejects(() => checkRVersion("4.5.1", { base: none }), NotFoundError);
  assertEquals(empty.message, `cannot serve R 4.5.1: no version of R is installed in ${none}`);
});
