import type { Finding, ProgramResult, SandboxTrial } from "#src/preflight/mod.ts";
import { sandboxSmoke } from "#src/preflight/sandbox_smoke.ts";
import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { installFakeR } from "#tests/support/r_installation.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { fakeHost } from "./fake_host.ts";
import { configOf } from "./host_files.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const ANSWER = "\n42\n";

/** Looks at a host whose sandboxes do this to R. */
async function look(
  run: (trial: SandboxTrial) => Partial<ProgramResult> | Error,
  env: Readonly<Record<string, string>> = {},
): Promise<{ finding: Finding | undefined; trials: readonly SandboxTrial[] }> {
  await using folder = await tempFolder();
  const r = await installFakeR(`${folder.path}/R`, { script: "exit 1", version: "4.4.2" });
  const trials: SandboxTrial[] = [];
  const { sandboxes } = fakeHost();
  const [finding, ...more] = [
    await sandboxSmoke.run(fakeHost({
      config: configOf({ env }),
      findProgram: () => Promise.resolve(r),
      sandboxes: {
        ...sandboxes,
        run(trial) {
          trials.push(trial);
          const result = run(trial);
          if (result instanceof Error) return Promise.reject(result);
          return Promise.resolve({ code: 0, stdout: "", stderr: "", ...result });
        },
      },
    })),
  ].flat();
  assertEquals(more, []);
  return { finding, trials };
}

const said = (finding: Finding | undefined) => [finding?.severity, finding?.message];

Deno.test("an R that answers is ok, whatever its site's profile says", UNIT, async () => {
  for (const stdout of [ANSWER, `Welcome to our R!${ANSWER}`, `Hello\nworld\n${ANSWER}Bye\n`]) {
    const { finding, trials } = await look(() => ({ stdout }));
    assertMatch(
      finding?.message ?? "",
      /^R started in a sandbox, answered and ended within \d+ ms$/,
    );
    assertEquals([finding?.severity, trials.length], ["ok", 1]);
  }
});

Deno.test("an R that fails or does not answer is an error with what it said", UNIT, async () => {
  const wrong = "R does not run in a sandbox: ";
  for (
    const [result, reason] of [
      [{ code: 1, stderr: "no such library\n" }, "it ended with exit code 1: no such library"],
      [{ code: 1, stdout: ANSWER }, "it ended with exit code 1: 42"],
      [{ stdout: "cat(6 * 7) 142 42nd\n" }, "it ended with exit code 0: cat(6 * 7) 142 42nd"],
      [{ code: 159 }, "it ended with exit code 159 (signal 31)"],
      [{ code: 124, stderr: "thinking\n" }, "it had not ended after 15 s"],
    ] as const
  ) {
    const { finding, trials } = await look(() => result);
    assertEquals([...said(finding), trials.length], ["error", `${wrong}${reason}`, 1]);
    assertEquals(finding?.severity === "error" && finding.fix.kind, "advice");
  }
  const { finding } = await look(() => new Error("there is no bwrap"));
  assertEquals(said(finding), ["error", `${wrong}there is no bwrap`]);
});

Deno.test("a filter that R does not run under is named", UNIT, async () => {
  const { finding, trials } = await look(
    ({ withoutSeccomp }) => withoutSeccomp === true ? { stdout: ANSWER } : { code: 159 },
    { PROCESS_SECCOMP_PROFILE: "/etc/filter" },
  );
  assertEquals(finding, {
    severity: "error",
    message:
      "R does not run in a sandbox: it ended with exit code 159 (signal 31); it does without " +
      "the system call filter /etc/filter",
    fix: { kind: "setting", text: "process.seccomp_profile: default" },
  });
  assertEquals(trials.length, 2);
});

Deno.test("a filter is not blamed for what it is not to blame for", UNIT, async () => {
  for (
    const [result, trialsWanted] of [
      [{ code: 1, stderr: "no such library\n" }, 2],
      // Waiting a second time would take longer than a check may.
      [{ code: 124 }, 1],
    ] as const
  ) {
    const { finding, trials } = await look(() => result, {
      PROCESS_SECCOMP_PROFILE: "/etc/filter",
    });
    assertEquals([finding?.severity, trials.length], ["error", trialsWanted]);
    assertEquals(finding?.message.includes("filter"), false);
  }
});

Deno.test("an R that is not there is an error", UNIT, async () => {
  const finding = [await sandboxSmoke.run(fakeHost())].flat()[0];
  assertEquals(said(finding), ["error", 'R does not run in a sandbox: "R" is no program']);
});
