import { namedExecutable, withoutLinks } from "#src/cli/executable_option.ts";
import { UsageError } from "#src/core/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("namedExecutable() prefers what is asked for, by its absolute path", UNIT, () => {
  assertEquals(namedExecutable("/opt/by", "/usr/local/bin/blockyard"), "/opt/by");
  assertEquals(namedExecutable("bin/../by", undefined), `${Deno.cwd()}/by`);
  assertEquals(namedExecutable(undefined, "/usr/local/bin/blockyard"), "/usr/local/bin/blockyard");
});

Deno.test("namedExecutable() wants to be told where it is not known", UNIT, () => {
  // These tests run from the sources, as a checkout does.
  assertThrows(() => namedExecutable(undefined), UsageError, "want --executable PATH");
  assertThrows(() => namedExecutable("", "/opt/by"), UsageError, "option --executable is empty");
});

Deno.test("withoutLinks() follows links, and leaves alone what is not there", UNIT, async () => {
  await using folder = await tempFolder();
  const file = await folder.write("file", "");
  await Deno.symlink(file, `${folder.path}/link`);
  assertEquals(await withoutLinks(`${folder.path}/link`), file);
  assertEquals(await withoutLinks(`${folder.path}/none`), `${folder.path}/none`);
});
