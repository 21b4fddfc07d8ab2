import { readAdminToken } from "#src/admin_token.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "#tests/support/assert.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const uid = Deno.uid() ?? 0;

async function written(folder: TempFolder, text: string, mode = 0o600): Promise<string> {
  const path = await folder.write("token", text);
  await Deno.chmod(path, mode);
  return path;
}

Deno.test("readAdminToken() makes a token that nobody else can read, once", strict, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/admin-token`;
  const tokens = await Promise.all(
    Array.from({ length: 8 }, () => readAdminToken(path, { uid, create: true })),
  );
  assertMatch(tokens[0] ?? "", /^[A-Za-z0-9_-]{43}$/);
  assertEquals(new Set(tokens).size, 1);
  assertEquals(await readAdminToken(path, { uid, create: false }), tokens[0]);
  assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  assertEquals(Array.from(Deno.readDirSync(folder.path), ({ name }) => name), ["admin-token"]);
});

Deno.test("readAdminToken() makes another token for another server", strict, async () => {
  await using one = await tempFolder();
  await using other = await tempFolder();
  const options = { uid, create: true };
  const first = await readAdminToken(`${one.path}/admin-token`, options);
  assert(first !== await readAdminToken(`${other.path}/admin-token`, options));
});

Deno.test("readAdminToken() reads a token that an operator wrote", strict, async () => {
  await using folder = await tempFolder();
  const path = await written(folder, "  Twenty-Two.characters=\n", 0o400);
  assertEquals(await readAdminToken(path, { uid, create: false }), "Twenty-Two.characters=");
});

const refused: readonly (readonly [what: string, text: string, mode: number, reason: string])[] = [
  ["readable by its group", "0123456789abcdef\n", 0o640, "others can read it, want mode 0600"],
  ["readable by everybody", "0123456789abcdef\n", 0o604, "others can read it, want mode 0600"],
  ["empty", "\n", 0o600, "it holds no token"],
  ["short", "0123456789abcde", 0o600, "it holds no token"],
  ["of two lines", "0123456789abcdef\n0123456789abcdef\n", 0o600, "it holds no token"],
  ["endless", "a".repeat(5000), 0o600, "it holds no token"],
];
for (const [what, text, mode, reason] of refused) {
  Deno.test(`readAdminToken() refuses a file that is ${what}, and keeps it`, strict, async () => {
    await using folder = await tempFolder();
    const path = await written(folder, text, mode);
    for (const create of [false, true]) {
      const error = await assertRejects(() => readAdminToken(path, { uid, create }), Error);
      assertEquals(error.message, `cannot use ${path} as the API's token`);
      assert(String((error.cause as Error).message).startsWith(reason), String(error.cause));
      assert(!String(error.cause).includes("0123456789"));
    }
    assertEquals(await Deno.readTextFile(path), text);
  });
}

Deno.test("readAdminToken() follows no link and reads no folder", strict, async () => {
  await using folder = await tempFolder();
  const path = await written(folder, "0123456789abcdef");
  await Deno.symlink(path, `${folder.path}/link`);
  for (const [name, reason] of [["link", "it is a link"], [".", "it is not a regular file"]]) {
    const error = await assertRejects(
      () => readAdminToken(`${folder.path}/${name}`, { uid, create: true }),
      Error,
    );
    assert(String((error.cause as Error).message).startsWith(reason ?? ""), String(error.cause));
  }
});

Deno.test("readAdminToken() makes no file that an operator was to write", strict, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/none`;
  const error = await assertRejects(() => readAdminToken(path, { uid, create: false }), Error);
  assertEquals((error.cause as Error).message, "there is no such file");
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("readAdminToken() refuses a file of somebody else", strict, async () => {
  await using folder = await tempFolder();
  const path = await written(folder, "0123456789abcdef");
  // Only root can give a file away; anybody else looks at an own one as if they were another.
  if (uid === 0) await Deno.chown(path, 12_345, 12_345);
  const error = await assertRejects(
    () => readAdminToken(path, { uid: 54_321, create: false }),
    Error,
  );
  const owner = uid === 0 ? 12_345 : uid;
  assertEquals(
    (error.cause as Error).message,
    `it belongs to uid ${owner}, want root or uid 54321`,
  );
});
