import { MAX_INSTRUCTIONS, readSeccompFilter } from "#src/sandbox/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const uid = Deno.uid() ?? 0;

async function withFile(
  bytes: Uint8Array,
  look: (path: string) => Promise<void>,
  mode = 0o644,
): Promise<void> {
  await using folder = await tempFolder();
  const path = `${folder.path}/filter`;
  await Deno.writeFile(path, bytes);
  await Deno.chmod(path, mode);
  await look(path);
}

Deno.test(
  "readSeccompFilter() takes whole instructions as they are",
  strict,
  () =>
    withFile(new Uint8Array([6, 0, 0, 0, 0, 0, 255, 127]), async (path) => {
      assertEquals(await readSeccompFilter(path, { uid }), {
        instructions: 1,
        base64: "BgAAAAAA/38=",
      });
    }),
);

Deno.test(
  "readSeccompFilter() takes as many instructions as the kernel does",
  strict,
  () =>
    withFile(new Uint8Array(MAX_INSTRUCTIONS * 8), async (path) => {
      assertEquals((await readSeccompFilter(path, { uid })).instructions, MAX_INSTRUCTIONS);
    }),
);

const refused: readonly (readonly [what: string, bytes: number, mode: number, reason: string])[] = [
  ["an empty file", 0, 0o644, "it is empty"],
  ["a truncated file", 12, 0o644, "its 12 bytes are not whole instructions of 8 bytes"],
  ["too long a file", MAX_INSTRUCTIONS * 8 + 8, 0o644, "it has more than 4096 instructions"],
  ["a file that its group can write", 8, 0o664, "others can write to it"],
  ["a file that everybody can write", 8, 0o646, "others can write to it"],
];
for (const [what, length, mode, reason] of refused) {
  Deno.test(
    `readSeccompFilter() refuses ${what}`,
    strict,
    () =>
      withFile(new Uint8Array(length), async (path) => {
        await assertRejects(
          () => readSeccompFilter(path, { uid }),
          Error,
          `cannot use ${path} as the system call filter: ${reason}`,
        );
      }, mode),
  );
}

Deno.test(
  "readSeccompFilter() refuses a file of another user",
  strict,
  () =>
    withFile(new Uint8Array(8), async (path) => {
      // Only root can give a file away; anybody else looks at an own one as if they were another.
      if (uid === 0) await Deno.chown(path, 12_345, 12_345);
      await assertRejects(
        () => readSeccompFilter(path, { uid: 54_321 }),
        Error,
        `it belongs to uid ${uid === 0 ? 12_345 : uid}, want root or uid 54321`,
      );
    }),
);

Deno.test(
  "readSeccompFilter() refuses what is no file, and what is not there",
  strict,
  async () => {
    await using folder = await tempFolder();
    await assertRejects(
      () => readSeccompFilter(folder.path, { uid }),
      Error,
      "it is not a regular file",
    );
    await assertRejects(
      () => readSeccompFilter(`${folder.path}/none`, { uid }),
      Error,
      `cannot use ${folder.path}/none as the system call filter: there is no such file`,
    );
  },
);
