import { buildInfoModule } from "#scripts/build/stage.ts";
import { fillHeader, HEADER_BYTES, type Payload } from "#scripts/build/single_file.ts";
import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

const payload: Payload = {
  machine: "aarch64",
  digests: `${"0".repeat(64)}  deno\n${"1".repeat(64)}  main.js`,
  id: "f00d",
  archiveBytes: 3 * 1024 * 1024,
};

const template = await Deno.readTextFile(
  new URL("../../../scripts/build/header.sh", import.meta.url),
);

Deno.test("fillHeader() pads the header to its fixed size", sanitize, () => {
  const header = fillHeader(template, payload);
  assertEquals(new TextEncoder().encode(header).length, HEADER_BYTES);
  assertMatch(header, /^#!\/bin\/sh\n/);
});

Deno.test("fillHeader() writes down the machine, the sizes and the digests", sanitize, () => {
  const header = fillHeader(template, payload);
  assertStringIncludes(header, "[ \"$machine\" = 'aarch64' ]");
  assertStringIncludes(header, `'${payload.digests}'`);
  assertStringIncludes(header, `'${HEADER_BYTES + payload.archiveBytes}'`);
  assertStringIncludes(header, "$cache/f00d");
});

Deno.test("fillHeader() starts bwrap-exec from a bundle of its own", sanitize, () => {
  assertMatch(
    fillHeader(template, payload),
    /bwrap-exec\)\n\s+shift\n\s+exec "\$dir\/deno" run --allow-all .*"\$dir\/bwrap-exec\.js" "\$@"/,
  );
});

Deno.test("fillHeader() refuses a template with a place that it cannot fill", sanitize, () => {
  assertThrows(() => fillHeader("#!/bin/sh\necho @COLOUR@\n", payload), Error, "@COLOUR@");
});

Deno.test("fillHeader() refuses a header that does not fit", sanitize, () => {
  assertThrows(() => fillHeader("#".repeat(HEADER_BYTES + 7), payload), Error, "7 bytes above");
});

Deno.test("fillHeader() refuses names that would end the shell's quotes", sanitize, () => {
  const digests = `${"0".repeat(64)}  it's.js`;
  assertThrows(() => fillHeader(template, { ...payload, digests }), Error, "it's.js");
});

Deno.test(
  "buildInfoModule() is a module that says how the program was built",
  sanitize,
  async () => {
    const info = { version: "1.2.3", kind: "compiled", commit: `a"b` } as const;
    const url = `data:application/typescript,${encodeURIComponent(buildInfoModule(info))}`;
    assertEquals((await import(url)).BUILD_INFO, info);
  },
);
