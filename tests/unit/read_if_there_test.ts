import { readIfThere } from "#src/read_if_there.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

Deno.test("readIfThere() tells what is not there from what cannot be read", strict, async () => {
  await using folder = await tempFolder();
  assertEquals(await readIfThere(await folder.write("file", "text\n")), "text\n");
  assertEquals(await readIfThere(`${folder.path}/nothing`), undefined);
  await assertRejects(() => readIfThere(folder.path), Error);
});
