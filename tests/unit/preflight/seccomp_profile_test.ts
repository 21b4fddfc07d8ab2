import { loadConfig } from "#src/config/mod.ts";
import type { SandboxTrials } from "#src/preflight/mod.ts";
import { seccompProfile } from "#src/preflight/seccomp_profile.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { fakeHost } from "./fake_host.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

function hostWith(profile: string, run?: SandboxTrials["run"]) {
  const config = loadConfig({
    env: { BLOCKYARD_PROCESS_SECCOMP_PROFILE: profile },
    isRoot: true,
    readFile: () => "",
  });
  const host = fakeHost({ config });
  return run === undefined ? host : { ...host, sandboxes: { ...host.sandboxes, run } };
}

Deno.test("seccomp_profile tells of workers without a filter", strict, async () => {
  assertEquals(await seccompProfile.run(hostWith("none")), {
    severity: "info",
    message: "workers can make every system call, because process.seccomp_profile is none",
    fix: { kind: "setting", text: "process.seccomp_profile: /etc/blockyard.bpf" },
  });
});

Deno.test("seccomp_profile does not judge a filter where no sandbox works", strict, async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, new Uint8Array(8));
    await Deno.chmod(path, 0o600);
    const failing = [
      () => Promise.reject(new Error("there is no bwrap")),
      () => Promise.resolve({ code: 1, stdout: "", stderr: "no bwrap\n" }),
    ];
    const reasons = ["there is no bwrap", 'it ended with code 1 and "no bwrap"'];
    for (const [index, run] of failing.entries()) {
      const found = await seccompProfile.run(hostWith(path, run));
      assertEquals(found, {
        severity: "warning",
        message: `whether programs run under the system call filter ${path} could not be tried: ` +
          reasons[index],
        fix: {
          kind: "advice",
          text: "Repair what the message names and run the preflight again",
        },
      });
    }
  } finally {
    await Deno.remove(path);
  }
});
