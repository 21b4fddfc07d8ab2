import { checkMountTarget } from "#src/core/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

for (const target of ["/data", "/d", "/My_data-2.csv", "/0", "/application", "/usr2"]) {
  Deno.test(`checkMountTarget() takes ${target}`, SANE, () => {
    assertEquals(checkMountTarget(target), target);
  });
}

for (
  const target of [
    "",
    "/",
    "data",
    "/data/",
    "/data/x",
    "//data",
    "/..",
    "/.x",
    "/_x",
    "/a b",
    "/a\n",
    "/ä",
  ]
) {
  Deno.test(
    `checkMountTarget() refuses ${JSON.stringify(target)} as no top-level name`,
    SANE,
    () => {
      const error = assertThrows(() => checkMountTarget(target), RangeError);
      assertEquals(
        error.message,
        `cannot mount at ${JSON.stringify(target)}: want one top-level name such as "/data"`,
      );
    },
  );
}

const RESERVED =
  "app bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp usr var";
for (const name of RESERVED.split(" ")) {
  Deno.test(`checkMountTarget() keeps /${name} for the sandbox`, SANE, () => {
    const error = assertThrows(() => checkMountTarget(`/${name}`), RangeError);
    assertEquals(
      error.message,
      `cannot mount at "/${name}": the sandbox uses that name itself, want another one such as "/data"`,
    );
  });
}
