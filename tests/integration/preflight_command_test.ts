/** `blockyard preflight` as a provisioning script runs it. */
import { selfCommand } from "#src/self_command.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap"] });

async function preflight(...args: string[]) {
  const { program, args: all, env } = selfCommand(["preflight", ...args]);
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...all],
    env: { ...env, PATH: "/usr/bin:/bin" },
    clearEnv: true,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("preflight runs the checks that it is asked for, in their order", root, async () => {
  const { code, stdout, stderr } = await preflight("--only", "redis_auth, cloud_metadata");
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.split("\n");
  assertEquals(lines.slice(0, 2).map((line) => line.split(/ +/).slice(0, 2)), [
    ["ok", "cloud_metadata"],
    ["ok", "redis_auth"],
  ]);
  assertStringIncludes(stdout, "2 ok, 0 to know, 0 warnings, 0 errors: this host is fit");
  assert(!stdout.includes("\x1b"), "colours are for terminals");
});

Deno.test("preflight --json prints one object, and exits by what it says", root, async () => {
  const { code, stdout } = await preflight("--json", "--only", "redis_auth");
  const { version, host, summary, results } = JSON.parse(stdout);
  assertEquals([code, version, host.uid], [0, 1, 0]);
  assertEquals(summary, { ok: 1, info: 0, warning: 0, error: 0, fit: true });
  assertEquals([results.length, results[0].name, results[0].fix], [1, "redis_auth", null]);
});

Deno.test("preflight exits with 1 for a warning only when it is strict", root, async () => {
  await using folder = await tempFolder();
  const config = `${folder.path}/config.yaml`;
  // Nothing can be started in a sandbox without bwrap, so that the check cannot be carried out.
  await Deno.writeTextFile(config, "process: { bwrap_path: /nonexistent/bwrap }\n");
  const args = ["--config", config, "--only", "worker_egress"];
  const lenient = await preflight(...args);
  assertEquals(lenient.code, 0, lenient.stdout);
  assertStringIncludes(lenient.stdout, "warning");
  assertStringIncludes(lenient.stdout, "/nonexistent/bwrap");
  const strict = await preflight(...args, "--strict");
  assertEquals(strict.code, 1);
  assertStringIncludes(strict.stdout, "this host is not fit");
});

Deno.test(
  "preflight refuses checks that do not exist, and broken files, with 2",
  root,
  async () => {
    const unknown = await preflight("--only", "redis_aut");
    assertEquals([unknown.code, unknown.stdout], [2, ""]);
    assertStringIncludes(unknown.stderr, 'unknown check "redis_aut": want "redis_auth"');
    const missing = await preflight("--config", "/nonexistent/config.yaml");
    assertEquals([missing.code, missing.stdout], [2, ""]);
    assertStringIncludes(missing.stderr, "/nonexistent/config.yaml");
  },
);
