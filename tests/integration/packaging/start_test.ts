import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { run, runBuild, tryOut, withTmpfs } from "./single_file.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };
const asRoot = { ...sanitize, ignore: Deno.uid() !== 0 };
const ORDINARY_USER = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];

let folder: string;
let file: string;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "blockyard-start-test-" });
  await Deno.chmod(folder, 0o755);
  file = `${folder}/blockyard`;
  const { code, stderr } = await runBuild(["--kind", "single-file", "--output", file]);
  assertEquals(code, 0, stderr);
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

Deno.test("a second start does not unpack again", sanitize, async () => {
  await using trial = await tryOut(file);
  assertEquals((await trial.start(["--version"])).code, 0);
  const first = await Deno.stat(`${trial.unpacked()}/deno`);
  assertEquals((await trial.start(["--version"])).code, 0);
  const second = await Deno.stat(`${trial.unpacked()}/deno`);
  assertEquals([second.ino, second.ctime], [first.ino, first.ctime]);
});

Deno.test("twenty first starts at once all work, and leave one folder", sanitize, async () => {
  await using trial = await tryOut(file);
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => trial.start(["--version"])),
  );
  for (const { code, stdout, stderr } of outcomes) {
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "single-file");
  }
  assertMatch(trial.unpacked(), /\/[0-9a-f]{64}$/);
});

Deno.test("first starts without flock(1) race safely, too", sanitize, async () => {
  await using trial = await tryOut(file);
  const tools = `${trial.folder}/bin`;
  await Deno.mkdir(tools);
  const names = ["cat", "chmod", "head", "mkdir", "mktemp", "mv", "rm", "sha256sum", "stat"];
  for (const name of [...names, "tail", "tar", "uname", "wc"]) {
    const { stdout } = await run(["sh", "-c", `command -v ${name}`]);
    await Deno.symlink(stdout.trim(), `${tools}/${name}`);
  }
  const env = { PATH: tools };
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, () => trial.start(["--version"], { env })),
  );
  for (const { code, stderr } of outcomes) assertEquals([code, stderr], [0, ""]);
  assertMatch(trial.unpacked(), /\/[0-9a-f]{64}$/);
  const entries = Array.from(Deno.readDirSync(trial.unpacked()), ({ name }) => name);
  assertEquals(entries.filter((name) => name.startsWith(".")), []);
});

Deno.test("a folder that lost a file is unpacked again", sanitize, async () => {
  await using trial = await tryOut(file);
  assertEquals((await trial.start(["--version"])).code, 0);
  await Deno.remove(`${trial.unpacked()}/main.js`);
  const { code, stderr } = await trial.start(["--version"]);
  assertEquals([code, stderr], [0, ""]);
  assert((await Deno.stat(`${trial.unpacked()}/main.js`)).isFile);
  const entries = Array.from(Deno.readDirSync(trial.unpacked()), ({ name }) => name);
  assertEquals(entries.filter((name) => name === "damaged" || name.startsWith(".")), []);
});

Deno.test("arguments and the exit code pass through unchanged", sanitize, async () => {
  await using trial = await tryOut(file);
  const odd = `no such "command" $HOME *`;
  const { code, stderr } = await trial.start([odd]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, JSON.stringify(odd));
});

Deno.test(
  "a configuration of Deno or npm in the working directory is not read",
  sanitize,
  async () => {
    await using trial = await tryOut(file);
    for (const name of ["deno.json", "package.json", "deno.lock", ".npmrc"]) {
      await Deno.writeTextFile(`${trial.folder}/${name}`, "}broken{");
    }
    const { code, stderr } = await trial.start(["--version"], { cwd: trial.folder });
    assertEquals([code, stderr], [0, ""]);
  },
);

Deno.test("bwrap-exec loads its own bundle and nothing of the server", sanitize, async () => {
  await using trial = await tryOut(file);
  assertEquals((await trial.start(["--version"])).code, 0);
  const trace = `${trial.folder}/trace`;
  const strace = ["strace", "-f", "-qq", "-e", "trace=openat", "-e", "status=successful"];
  const { stderr } = await trial.start(["bwrap-exec", "--uid", "-1"], {
    program: [...strace, "-o", trace, file],
  });
  assertStringIncludes(stderr, "bwrap-exec: ");
  const opened = (await Deno.readTextFile(trace)).matchAll(/([\w-]+\.js)"/g);
  assertEquals([...new Set(Array.from(opened, ([, name]) => name))], ["bwrap-exec.js"]);
});

for (const name of ["with space", "a#b", "100%25", `quote'"`, "ünï", "$(id)", "-rf"]) {
  Deno.test(`it starts from and unpacks into a folder named ${name}`, sanitize, async () => {
    await using trial = await tryOut(file);
    const odd = `${trial.folder}/${name}`;
    await Deno.mkdir(odd);
    await Deno.link(file, `${odd}/blockyard`);
    const { code, stdout, stderr } = await trial.start(["--version"], {
      program: [`${odd}/blockyard`],
      env: { BLOCKYARD_CACHE_DIR: `${odd}/cache` },
    });
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "single-file");
  });
}

Deno.test("it starts through a symbolic link, through PATH and by a shell", sanitize, async () => {
  await using trial = await tryOut(file);
  const bin = `${trial.folder}/bin`;
  await Deno.mkdir(bin);
  await Deno.symlink(file, `${bin}/by-link`);
  const path = `${bin}:/usr/bin:/bin`;
  const ways = [
    [`${bin}/by-link`],
    ["env", "by-link"],
    ["sh", "by-link"],
    ["sh", file],
  ];
  for (const program of ways) {
    const cache = `${trial.cache}/${ways.indexOf(program)}`;
    const env = { BLOCKYARD_CACHE_DIR: cache, PATH: path };
    const { code, stderr } = await trial.start(["--version"], { program, env, cwd: bin });
    assertEquals([program, code, stderr], [program, 0, ""]);
  }
});

Deno.test(
  "a cache folder behind a symbolic link is used under its real name",
  sanitize,
  async () => {
    await using trial = await tryOut(file);
    await Deno.symlink(trial.cache, `${trial.folder}/link`);
    const env = { BLOCKYARD_CACHE_DIR: `${trial.folder}/link/below` };
    assertEquals((await trial.start(["--version"], { env })).code, 0);
    assertEquals(trial.cached(), ["below"]);
  },
);

Deno.test("root unpacks into /var/cache, whatever HOME says", asRoot, async () => {
  await using trial = await tryOut(file);
  const { code, stdout, stderr } = await run([
    ...withTmpfs("/var/cache", "mode=755"),
    ...["sh", "-c", '"$1" --version && ls /var/cache/blockyard', "sh", file],
  ], { env: { HOME: trial.folder, XDG_CACHE_HOME: trial.folder } });
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /\n[0-9a-f]{64}\n$/);
  assertEquals(trial.cached(), []);
});

Deno.test("an ordinary user unpacks below HOME, or below XDG_CACHE_HOME", asRoot, async () => {
  await using trial = await tryOut(file);
  const home = `${trial.folder}/home`;
  await Deno.mkdir(home, { mode: 0o700 });
  await Deno.chown(home, 54321, 54321);
  const first = await run([...ORDINARY_USER, file, "--version"], { env: { HOME: home } });
  assertEquals([first.code, first.stderr], [0, ""]);
  const [id = ""] = Array.from(Deno.readDirSync(`${home}/.cache/blockyard`), ({ name }) => name);
  assertEquals((await Deno.stat(`${home}/.cache/blockyard/${id}/deno`)).uid, 54321);
  const env = { HOME: home, XDG_CACHE_HOME: `${home}/xdg` };
  const second = await run([...ORDINARY_USER, file, "--version"], { env });
  assertEquals([second.code, second.stderr], [0, ""]);
  assert((await Deno.stat(`${home}/xdg/blockyard/${id}`)).isDirectory);
});

Deno.test("what root unpacked serves other users, who cannot write it", asRoot, async () => {
  await using trial = await tryOut(file);
  assertEquals((await trial.start(["--version"])).code, 0);
  const { code, stdout, stderr } = await trial.start(["--version"], {
    program: [...ORDINARY_USER, file],
  });
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "single-file");
});

Deno.test("root of a user namespace unpacks below HOME", asRoot, async () => {
  await using trial = await tryOut(file);
  const home = `${trial.folder}/home`;
  await Deno.mkdir(home, { mode: 0o700 });
  await Deno.chown(home, 54321, 54321);
  const program = [...ORDINARY_USER, "unshare", "--user", "--map-root-user", file, "--version"];
  const { code, stderr } = await run(program, { env: { HOME: home } });
  assertEquals([code, stderr], [0, ""]);
  assertNotEquals([...Deno.readDirSync(`${home}/.cache/blockyard`)], []);
});

Deno.test("what was unpacked runs from a file system that became read-only", asRoot, async () => {
  await using trial = await tryOut(file);
  assertEquals((await trial.start(["--version"])).code, 0);
  const script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"';
  const { code, stdout, stderr } = await trial.start(["--version"], {
    program: ["unshare", "--mount", "sh", "-c", script, "sh", trial.cache, file],
  });
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "single-file");
});
