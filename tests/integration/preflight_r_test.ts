/** The checks of R, with real ones and with programs that stand in for broken ones. */
import { loadConfig } from "#src/config/mod.ts";
import { type Check, CHECKS } from "#src/preflight/mod.ts";
import { askHost } from "#src/preflight_host.ts";
import { assert, assertEquals, assertMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R"] });

const checks = CHECKS.filter(({ name }: Check) => ["r_binary", "sandbox_smoke"].includes(name));

async function ask(rPath: string): Promise<{ severity: string; message: string }[]> {
  const config = loadConfig({
    env: { BLOCKYARD_PROCESS_R_PATH: rPath },
    readFile: () => "",
    isRoot: true,
  });
  const { results } = await askHost(config, { configPath: undefined, checks });
  assertEquals(results.map(({ name }) => name), ["sandbox_smoke", "r_binary"]);
  for (const { severity, fix } of results) assertEquals(fix === undefined, severity === "ok");
  return results.map(({ severity, message }) => ({ severity, message }));
}

Deno.test("an R that runs is named with its version, and runs in a sandbox", root, async () => {
  const [smoke, binary] = await ask("/usr/bin/R");
  assertMatch(binary?.message ?? "", /^R \d+\.\d+\.\d+ at \/usr\/bin\/R$/);
  assertMatch(smoke?.message ?? "", /^R started in a sandbox, answered and ended within \d+ ms$/);
  assertEquals([binary?.severity, smoke?.severity], ["ok", "ok"]);
});

Deno.test("an R that is not there is an error of both checks", root, async () => {
  const findings = await ask("/nonexistent/R");
  assertEquals(findings.map(({ severity }) => severity), ["error", "error"]);
  for (const { message } of findings) assertMatch(message, /"\/nonexistent\/R" is no program/);
});

Deno.test("what cannot be executed is no R, and is one once it can be", root, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/R`;
  await Deno.writeTextFile(path, '#!/bin/sh\nexec /usr/bin/R "$@"\n', { mode: 0o644 });
  for (const name of [path, folder.path]) {
    const [smoke, binary] = await ask(name);
    assertEquals([binary?.severity, smoke?.severity], ["error", "error"]);
    assertEquals(binary?.message, `there is no R: "${name}" is no program`);
  }
  await Deno.chmod(path, 0o755);
  const [, binary] = await ask(path);
  assertEquals(binary?.severity, "ok");
});

Deno.test("an R whose interpreter is missing is told with what the kernel says", root, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/R`;
  await Deno.writeTextFile(path, "#!/nonexistent/sh\n", { mode: 0o755 });
  const [smoke, binary] = await ask(path);
  assertEquals([binary?.severity, smoke?.severity], ["error", "error"]);
  assertMatch(binary?.message ?? "", /\/R does not work: .*No such file/);
});

for (
  const [what, script, reason] of [
    ["fails", "echo 'no libR.so' >&2; exit 3", /exit code 3: no libR\.so/],
    ["prints something else", "echo 'GNU bash, version 5.2.15'", /not the version of an R/],
    ["is the shell's idea of a program", "exit 0", /not the version of an R/],
    [
      "writes megabytes and fails",
      "head -c 4000000 /dev/zero | tr '\\0' x >&2; exit 1",
      /exit code 1: x{300}…$/,
    ],
  ] as const
) {
  Deno.test(`an R that ${what} is an error of both checks`, root, async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/R`;
    await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const [smoke, binary] = await ask(path);
    assertEquals([binary?.severity, smoke?.severity], ["error", "error"]);
    assertMatch(binary?.message ?? "", reason);
    assert((smoke?.message ?? "").startsWith("R does not run in a sandbox: "), smoke?.message);
  });
}

Deno.test("an R that hangs is told by the check that runs it in a sandbox", root, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/R`;
  await Deno.writeTextFile(path, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
  const [smoke, binary] = await ask(path);
  assertEquals([binary?.severity, smoke?.severity], ["warning", "error"]);
  assertMatch(binary?.message ?? "", /did not print its version within 5 s$/);
});
