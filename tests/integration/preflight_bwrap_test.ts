/** The check of bubblewrap, with programs in its place on a private PATH. */
import { selfCommand } from "#src/self_command.ts";
import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";

const anybody = needs();
const sandboxes = needs({ root: true, files: ["/usr/bin/bwrap"] });
const holed = needs({
  root: true,
  files: ["/usr/bin/bwrap"],
  others: { "a bubblewrap with CVE-2026-87766": await isHoled() },
});

/** Where it is not there any more, nothing can show how it is told of. */
async function isHoled(): Promise<boolean> {
  await using folder = await tempFolder();
  await folder.folder("outside", 0o777);
  await folder.folder("app");
  await Deno.symlink(`/oldroot${folder.path}/outside`, `${folder.path}/app/data`);
  const bind = (target: string) => ["--ro-bind", `${folder.path}/app`, target];
  try {
    await new Deno.Command("/usr/bin/bwrap", {
      args: [
        ...["--unshare-user", "--ro-bind", "/usr", "/usr", ...bind("/app"), ...bind("/app/data/m")],
        ...["--", "/usr/bin/true"],
      ],
      stdout: "null",
      stderr: "null",
    }).output();
    await Deno.remove(`${folder.path}/outside/m`);
    return true;
  } catch {
    return false;
  }
}

async function ask(
  folder: TempFolder,
  env: Record<string, string> = {},
  check = "bwrap_available",
): Promise<
  { code: number; severity: string; message: string; fix: { kind: string; text: string } | null }
> {
  const self = selfCommand(["preflight", "--json", "--only", check]);
  const { code, stdout, stderr } = await new Deno.Command(self.program, {
    args: [...self.args],
    env: { ...self.env, PATH: `${folder.path}/bin`, ...env },
    clearEnv: true,
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  const { results } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(results.length, 1, JSON.stringify(results));
  return { code, ...results[0] };
}

/** Really bwrap, but for what it says its version is. */
const POSING = '#!/bin/sh\n[ "$1" = --version ] && exec echo bubblewrap VERSION\n' +
  'exec /usr/bin/bwrap "$@"\n';
/** As one that is repaired: it refuses what a link leads out of the sandbox. */
const REPAIRED = '#!/bin/sh\n[ "$1" = --version ] && exec echo bubblewrap VERSION\n' +
  'case " $* " in *" /app/data/m "*)\n' +
  "  echo 'bwrap: Can'\\''t mkdir /app/data/m: Too many levels of symbolic links' >&2; exit 1\n" +
  'esac\nexec /usr/bin/bwrap "$@"\n';

async function standIn(folder: TempFolder, script: string, mode = 0o755): Promise<string> {
  const path = await folder.write("bin/bwrap", script);
  await Deno.chmod(path, mode);
  return path;
}

Deno.test("no bwrap in PATH is an error", anybody, async () => {
  await using folder = await tempFolder();
  const { code, severity, message, fix } = await ask(folder);
  assertEquals([code, severity, message], [1, "error", "bwrap is not in PATH"]);
  assertEquals(fix?.kind, "advice");
});

Deno.test("a bwrap that may not be executed is none", anybody, async () => {
  await using folder = await tempFolder();
  const path = await standIn(folder, "#!/bin/sh\necho bubblewrap 0.12.0\n", 0o644);
  assertEquals((await ask(folder)).message, "bwrap is not in PATH");
  const named = await ask(folder, { BLOCKYARD_PROCESS_BWRAP_PATH: path });
  assertEquals(
    [named.severity, named.message],
    ["error", `process.bwrap_path is ${path}, and no such program is there`],
  );
});

const UNUSABLE: readonly (readonly [what: string, script: string, reason: string])[] = [
  ["is too old", "#!/bin/sh\necho bubblewrap 0.4.1\n", "is bubblewrap 0.4.1, and sandboxes need "],
  ["is another program", "#!/bin/sh\necho tar 1.34\n", "--version ended with code 0 and "],
  ["fails", "#!/bin/sh\necho no library >&2\nexit 127\n", "--version ended with code 127 and "],
  ["is no program", "\x7fELF but not really", "--version ended with code 127 and "],
  ["was made for no interpreter", "#!/nonexistent/sh\n", " cannot be run: "],
  [
    "hangs where it is to make a sandbox",
    '#!/bin/sh\n[ "$1" = --version ] && exec echo bubblewrap 0.12.0\n/bin/sleep 60; exit 1\n',
    " makes no sandbox: it did not end in time (0.12.0)",
  ],
];
for (const [what, script, reason] of UNUSABLE) {
  Deno.test(`a bwrap that ${what} is an error`, anybody, async () => {
    await using folder = await tempFolder();
    const path = await standIn(folder, script);
    const { code, severity, message, fix } = await ask(folder);
    assertEquals([code, severity, fix?.kind], [1, "error", "advice"], message);
    assertStringIncludes(message, path);
    assertStringIncludes(message, reason);
  });
}

Deno.test("a bwrap that hangs is told by who makes sandboxes with it", sandboxes, async () => {
  await using folder = await tempFolder();
  const path = await standIn(folder, "#!/bin/sh\n/bin/sleep 60; exit 1\n");
  const { code, severity, message } = await ask(folder);
  assertEquals([code, severity], [0, "warning"], message);
  assertStringIncludes(message, `which version ${path} has could not be found out: `);
  const smoke = await ask(folder, {}, "sandbox_smoke");
  assertEquals([smoke.code, smoke.severity], [1, "error"], smoke.message);
});

for (const version of ["0.8.0", "0.12.0"]) {
  Deno.test(`what decides about a bwrap ${version} is what it does`, sandboxes, async () => {
    await using folder = await tempFolder();
    const path = await standIn(folder, REPAIRED.replace("VERSION", version));
    const { code, severity, message } = await ask(folder);
    assertEquals([code, severity], [0, "ok"], message);
    assertEquals(
      message,
      `${path} is bubblewrap ${version} and follows no link out of a sandbox`,
    );
  });
}

Deno.test("a bwrap that has a hole in spite of its version is told apart", holed, async () => {
  await using folder = await tempFolder();
  for (
    const [version, said, what] of [
      ["0.11.2", "(CVE-2026-87766); blockyard mounts", "Update bubblewrap to 0.12.0"],
      ["0.12.0", "(CVE-2026-87766), although 0.12.0 does not; ", "Set process.bwrap_path to"],
    ] as const
  ) {
    await standIn(folder, POSING.replace("VERSION", version));
    const { code, severity, message, fix } = await ask(folder);
    assertEquals([code, severity], [0, "warning"], message);
    assertStringIncludes(message, said);
    assertStringIncludes(fix?.text ?? "", what);
  }
});

Deno.test("the hole is tried where workers come to, wherever TMPDIR is", sandboxes, async () => {
  await using folder = await tempFolder();
  const path = await standIn(folder, REPAIRED.replace("VERSION", "0.12.0"));
  const { severity, message } = await ask(folder, { TMPDIR: await folder.folder("own", 0o700) });
  assertEquals(severity, "ok", message);
  assertStringIncludes(message, path);
});
