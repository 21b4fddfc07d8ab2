/** The check of bubblewrap, with programs in its place on a private PATH. */
import { selfCommand } from "#src/self_command.ts";
import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";

const anybody = needs();

async function ask(
  folder: TempFolder,
  env: Record<string, string> = {},
): Promise<{ code: number; severity: string; message: string; fix: { kind: string } | null }> {
  const self = selfCommand(["preflight", "--json", "--only", "bwrap_available"]);
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
  ["hangs", "#!/bin/sh\nexec /bin/sleep 60\n", "--version did not end in time"],
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
