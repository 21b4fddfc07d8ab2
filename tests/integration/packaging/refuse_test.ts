import { assertEquals, assertMatch, assertNotEquals } from "#tests/support/assert.ts";
import { run, runBuild, type Trial, tryOut, withTmpfs } from "./single_file.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };
const asRoot = { ...sanitize, ignore: Deno.uid() !== 0 };
/** "Found, but cannot be executed", as the shells have it. */
const EXIT_CANNOT_EXEC = 126;

let folder: string;
let file: string;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "blockyard-refuse-test-" });
  await Deno.chmod(folder, 0o755);
  file = `${folder}/blockyard`;
  const { code, stderr } = await runBuild(["--kind", "single-file", "--output", file]);
  assertEquals(code, 0, stderr);
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

async function assertRefused(
  trial: Trial,
  message: RegExp,
  options: Parameters<Trial["start"]>[1] = {},
): Promise<void> {
  const { code, stdout, stderr } = await trial.start(["--version"], options);
  assertMatch(stderr, message);
  assertMatch(stderr, /^blockyard: [^\n]+\n$/, "wanted one line");
  assertEquals([code, stdout], [EXIT_CANNOT_EXEC, ""]);
}

for (const mode of [0o775, 0o757, 0o777, 0o1777]) {
  const name = mode.toString(8);
  Deno.test(
    `a cache folder of mode ${name} is refused before anything is unpacked`,
    sanitize,
    async () => {
      await using trial = await tryOut(file);
      await Deno.chmod(trial.cache, mode);
      await assertRefused(trial, new RegExp(`others can write ${trial.cache} \\(mode ${name}\\)`));
      assertEquals(trial.cached(), []);
    },
  );

  Deno.test(`a cache folder that became mode ${name} later is refused`, sanitize, async () => {
    await using trial = await tryOut(file);
    assertEquals((await trial.start(["--version"])).code, 0);
    await Deno.chmod(trial.cache, mode);
    await assertRefused(trial, /others can write/);
  });
}

Deno.test("an unpacked folder that others can write is refused", sanitize, async () => {
  await using trial = await tryOut(file);
  assertEquals((await trial.start(["--version"])).code, 0);
  await Deno.chmod(trial.unpacked(), 0o777);
  await assertRefused(trial, /others can write/);
});

Deno.test("a folder above the cache that others can write is refused", sanitize, async () => {
  await using trial = await tryOut(file);
  await Deno.chmod(trial.folder, 0o777);
  const env = { BLOCKYARD_CACHE_DIR: `${trial.folder}/new/cache` };
  await assertRefused(trial, new RegExp(`others can write ${trial.folder} `), { env });
  assertEquals(trial.cached(), []);
  await assertRefused(trial, new RegExp(`others can write ${trial.folder} `));
});

Deno.test("a sticky folder above the cache is good enough", sanitize, async () => {
  await using trial = await tryOut(file);
  await Deno.chmod(trial.folder, 0o1777);
  assertEquals((await trial.start(["--version"])).code, 0);
});

Deno.test(
  "a symbolic link to an unpacked folder in the place of one is refused",
  sanitize,
  async () => {
    await using trial = await tryOut(file);
    assertEquals((await trial.start(["--version"])).code, 0);
    const unpacked = trial.unpacked();
    await Deno.rename(unpacked, `${trial.folder}/elsewhere`);
    await Deno.symlink(`${trial.folder}/elsewhere`, unpacked);
    await assertRefused(trial, /others can write/);
  },
);

Deno.test(
  "a cache folder that belongs to another user is refused, and one below it",
  asRoot,
  async () => {
    await using trial = await tryOut(file);
    await Deno.chown(trial.cache, 54321, 54321);
    await assertRefused(trial, new RegExp(`${trial.cache} belongs to uid 54321`));
    await assertRefused(trial, new RegExp(`${trial.cache} belongs to uid 54321`), {
      env: { BLOCKYARD_CACHE_DIR: `${trial.cache}/below` },
    });
    assertEquals(trial.cached(), []);
  },
);

Deno.test("a truncated file is refused, wherever it was cut", sanitize, async () => {
  await using trial = await tryOut(file);
  const cut = `${trial.folder}/cut`;
  await Deno.copyFile(file, cut);
  for (const bytes of [60_000_000, 20_000, 16_384]) {
    await Deno.truncate(cut, bytes);
    await assertRefused(trial, new RegExp(`it has ${bytes} bytes where \\d+ are wanted; copy it`), {
      program: [cut],
    });
  }
  for (const bytes of [9000, 6000, 3000, 300]) {
    await Deno.truncate(cut, bytes);
    const { stdout } = await trial.start(["--version"], { program: ["sh", cut] });
    assertEquals(stdout, "");
  }
  assertEquals(trial.cached(), []);
});

Deno.test("a file of which one byte was changed is refused", sanitize, async () => {
  await using trial = await tryOut(file);
  const changed = `${trial.folder}/changed`;
  await Deno.copyFile(file, changed);
  {
    using writer = await Deno.open(changed, { write: true });
    await writer.seek(50_000_000, Deno.SeekMode.Start);
    await writer.write(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
  }
  await assertRefused(trial, /do not match their sha256; copy it again/, { program: [changed] });
  assertEquals(trial.cached(), []);
});

Deno.test("a relative cache folder is refused", sanitize, async () => {
  await using trial = await tryOut(file);
  const env = { BLOCKYARD_CACHE_DIR: "cache" };
  await assertRefused(trial, /cannot use cache as cache folder: want an absolute path/, { env });
});

Deno.test("a full disk is named, and nothing is left behind", asRoot, async () => {
  await using trial = await tryOut(file);
  const script = '"$@"; code=$?; ls -A "$BLOCKYARD_CACHE_DIR"; exit $code';
  await assertRefused(trial, /cannot unpack into .*, which wants \d+ MiB: tar: /, {
    program: [...withTmpfs(trial.cache, "size=10m,mode=755"), "sh", "-c", script, "sh", file],
  });
});

Deno.test(
  "a file system without execution is named, and nothing is left behind",
  asRoot,
  async () => {
    await using trial = await tryOut(file);
    const script = '"$@"; code=$?; ls -A "$BLOCKYARD_CACHE_DIR"; exit $code';
    await assertRefused(trial, /cannot run from .* \(a file system mounted noexec/, {
      program: [...withTmpfs(trial.cache, "noexec,mode=755"), "sh", "-c", script, "sh", file],
    });
  },
);

Deno.test("a read-only cache folder is named", asRoot, async () => {
  await using trial = await tryOut(file);
  await assertRefused(
    trial,
    /cannot unpack into .*: it cannot be written; set BLOCKYARD_CACHE_DIR/,
    {
      program: [...withTmpfs(trial.cache, "ro,mode=755"), file],
    },
  );
  await assertRefused(trial, /cannot make .*: Read-only file system; set BLOCKYARD_CACHE_DIR/, {
    program: [...withTmpfs(trial.cache, "ro,mode=755"), file],
    env: { BLOCKYARD_CACHE_DIR: `${trial.cache}/below` },
  });
});

Deno.test("an ordinary user without HOME is told what to set", asRoot, async () => {
  const user = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];
  const { code, stderr } = await run([...user, file, "--version"]);
  assertEquals(code, EXIT_CANNOT_EXEC);
  assertMatch(stderr, /HOME is not set; set BLOCKYARD_CACHE_DIR to an absolute path/);
});

Deno.test("an unpacking that is interrupted leaves nothing behind", sanitize, async () => {
  await using trial = await tryOut(file);
  const tools = `${trial.folder}/bin`;
  await Deno.mkdir(tools);
  // In the place of tar, a program that ends the unpacking shell as a terminal would.
  await Deno.writeTextFile(`${tools}/tar`, "#!/bin/sh\nkill -TERM 0\nsleep 5\n", { mode: 0o755 });
  const { code } = await trial.start(["--version"], {
    program: ["setsid", "--wait", file],
    env: { PATH: `${tools}:/usr/bin:/bin` },
  });
  assertNotEquals(code, 0);
  assertEquals(trial.cached(), []);
});
