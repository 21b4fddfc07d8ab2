import { loadConfig } from "#src/config/mod.ts";
import { toUid } from "#src/core/mod.ts";
import type { SandboxTrials } from "#src/preflight/mod.ts";
import { seccompProfile } from "#src/preflight/seccomp_profile.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { fakeHost } from "./fake_host.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

function hostWith(profile: string, run?: SandboxTrials["run"], proc = "/nonexistent") {
  const config = loadConfig({
    env: { BLOCKYARD_PROCESS_SECCOMP_PROFILE: profile },
    isRoot: true,
    readFile: () => "",
  });
  const host = fakeHost({ config, roots: { proc, etc: "/etc", sys: "/sys" } });
  return run === undefined ? host : { ...host, sandboxes: { ...host.sandboxes, run } };
}

/** Asks a server that is under some filters itself about workers that say this. */
async function askUnder(own: string, stdout: string) {
  await using folder = await tempFolder();
  await folder.write("proc/self/status", `Name:\tdeno\n${own}`);
  const trials: (boolean | undefined)[] = [];
  const run: SandboxTrials["run"] = ({ withoutSeccomp }) => {
    trials.push(withoutSeccomp);
    return Promise.resolve({ code: 0, stdout, stderr: "" });
  };
  return {
    found: await seccompProfile.run(hostWith("default", run, `${folder.path}/proc`)),
    trials,
  };
}

Deno.test("seccomp_profile tells of workers without a filter", strict, async () => {
  assertEquals(await seccompProfile.run(hostWith("none")), {
    severity: "warning",
    message: "workers can make every system call, because process.seccomp_profile is none",
    fix: { kind: "setting", text: "process.seccomp_profile: default" },
  });
});

Deno.test(
  "seccomp_profile looks whether programs run under the built-in policy",
  strict,
  async () => {
    for (
      const [own, worker] of [
        ["Seccomp:\t0\nSeccomp_filters:\t0\n", "Seccomp:\t2\nSeccomp_filters:\t1\n"],
        ["Seccomp:\t2\nSeccomp_filters:\t3\n", "Seccomp:\t2\nSeccomp_filters:\t4\n"],
        // Before Linux 5.9.
        ["Seccomp:\t0\n", "Seccomp:\t2\n"],
      ] as const
    ) {
      const { found, trials } = await askUnder(own, worker);
      assertEquals(found, {
        severity: "ok",
        message: "workers run under the built-in system call policy",
      });
      assertEquals(trials, [false]);
    }
  },
);

Deno.test(
  "seccomp_profile does not take the server's own filter for a worker's",
  strict,
  async () => {
    const filters = "Seccomp:\t2\nSeccomp_filters:\t1\n";
    for (
      const [own, worker] of [[filters, filters], ["Seccomp:\t0\n", "Seccomp:\t0\n"]] as const
    ) {
      const { found } = await askUnder(own, worker);
      assertEquals(found, {
        severity: "error",
        message:
          "workers do not run under the built-in system call policy: it ended with code 0 and " +
          JSON.stringify(worker.trim()),
        fix: { kind: "advice", text: "Set process.bwrap_path to an unchanged bubblewrap" },
      });
    }
  },
);

Deno.test(
  "seccomp_profile says so when nothing runs under the built-in policy",
  strict,
  async () => {
    const host = hostWith("default", ({ withoutSeccomp }) =>
      Promise.resolve(
        withoutSeccomp === true
          ? { code: 0, stdout: "Seccomp:\t0\n", stderr: "" }
          : { code: 1, stdout: "", stderr: "prctl(PR_SET_SECCOMP)\n" },
      ));
    assertEquals(await seccompProfile.run(host), {
      severity: "error",
      message: "no program runs under the built-in system call policy: it ended with code 1 and " +
        '"prctl(PR_SET_SECCOMP)"',
      fix: {
        kind: "advice",
        text: "Use a kernel with system call filters (CONFIG_SECCOMP_FILTER), or set " +
          "process.seccomp_profile to none and go without",
      },
    });
  },
);

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
      const host = hostWith(path, run);
      // The file belongs to whoever runs this.
      const identity = { ...host.identity, uid: toUid(Deno.uid() ?? 0) };
      const found = await seccompProfile.run({ ...host, identity });
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
