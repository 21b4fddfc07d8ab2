/** What cannot be had for a sandbox lets nothing run, least of all outside of one. */
import { NotFoundError, toUid } from "#src/core/mod.ts";
import { selfCommand } from "#src/self_command.ts";
import { assertEquals, assertMatch, assertRejects } from "#tests/support/assert.ts";
import { answering } from "#tests/support/call_filter.ts";
import { lineOf, openTestBackend, shellSpec } from "#tests/support/host_backend.ts";
import { processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({
  root: true,
  files: ["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/setpriv", "/usr/bin/unshare"],
});
const UID = 1_922_000_001;
const GID = 1_922_000_000;
const IDS = ["--uid", String(UID), "--gid", String(GID)];
const EPERM = 1;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Lets a launcher become a program that says so, where `before` leads it. */
async function launch(
  before: readonly string[],
  { idMaps = {}, env: more = {} }: {
    idMaps?: Readonly<Record<string, string>>;
    env?: Readonly<Record<string, string>>;
  } = {},
) {
  const { program, args, env } = selfCommand(["bwrap-exec", ...IDS, "--", "/bin/echo", "ran"]);
  const [first = "", ...rest] = before;
  const child = new Deno.Command(first, {
    args: [...rest, program, ...args],
    env: { ...env, PATH: "/usr/bin:/bin", ...more },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  if (Object.keys(idMaps).length > 0) await writeIdMaps(child, idMaps);
  await child.stdin.close().catch(() => undefined);
  const { code, stdout, stderr } = await output;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) } satisfies Outcome;
}

/** What waits for a line in a user namespace without any ids. */
const IN_NEW_NAMESPACE = ["/usr/bin/unshare", "--user", "sh", "-c", 'read -r go; exec "$@"', "sh"];

async function writeIdMaps(child: Deno.ChildProcess, maps: Readonly<Record<string, string>>) {
  const own = Deno.readLinkSync("/proc/self/ns/user");
  while (Deno.readLinkSync(`/proc/${child.pid}/ns/user`) === own) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  for (const [name, map] of Object.entries(maps)) {
    await Deno.writeTextFile(`/proc/${child.pid}/${name}`, map);
  }
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode("go\n"));
  input.releaseLock();
}

function assertRefused({ code, stdout, stderr }: Outcome, wanted: RegExp): void {
  assertMatch(stderr, wanted);
  assertEquals(stderr.trim().split("\n").length, 1);
  assertEquals([code, stdout], [126, ""]);
}

Deno.test("a launcher that may not drop groups runs nothing", root, async () => {
  const ids = ["--reuid", "65431", "--regid", "65431", "--clear-groups", "--"];
  assertRefused(
    // Deno would take the server's folder for its own, in which this uid cannot write.
    await launch(["/usr/bin/setpriv", ...ids], { env: { DENO_DIR: "/nonexistent" } }),
    /^bwrap-exec: cannot drop the groups: setgroups\(\) failed: EPERM$/m,
  );
});

Deno.test("a launcher whose user namespace lacks the uid runs nothing", root, async () => {
  const outcome = await launch(IN_NEW_NAMESPACE, {
    idMaps: {
      uid_map: "0 0 1\n",
      gid_map: `0 0 1\n${GID} ${GID} 1\n`,
    },
  });
  assertRefused(
    outcome,
    /^bwrap-exec: cannot set the user id: setresuid\(1922000001\) .* EINVAL$/m,
  );
});

Deno.test("a launcher whose user namespace lacks the gid runs nothing", root, async () => {
  const outcome = await launch(IN_NEW_NAMESPACE, {
    idMaps: {
      uid_map: `0 0 1\n${UID} ${UID} 1\n`,
      gid_map: "0 0 1\n",
    },
  });
  assertRefused(
    outcome,
    /^bwrap-exec: cannot set the group id: setresgid\(1922000000\) .* EINVAL$/m,
  );
});

Deno.test("a launcher runs its program where the namespace has both ids", root, async () => {
  const outcome = await launch(IN_NEW_NAMESPACE, {
    idMaps: {
      uid_map: `0 0 1\n${UID} ${UID} 1\n`,
      gid_map: `0 0 1\n${GID} ${GID} 1\n`,
    },
  });
  assertEquals(outcome, { code: 0, stdout: "ran\n", stderr: "" });
});

/** System call numbers of asm/unistd_64.h and asm-generic/unistd.h. */
const [SETGROUPS, SETRESUID, SETRESGID, KEYCTL, CLOSE_RANGE] = Deno.build.arch === "aarch64"
  ? [159, 147, 149, 219, 436]
  : [116, 117, 119, 250, 436];

for (
  const [what, call, errno, wanted] of [
    [
      "setresuid that looks done",
      SETRESUID,
      0,
      /^bwrap-exec: cannot verify the ids: the user ids are 0\/0\/0, want 1922000001 three times$/m,
    ],
    [
      "setresgid that looks done",
      SETRESGID,
      0,
      /^bwrap-exec: cannot verify the ids: the group ids are 0\/0\/0, want 1922000000 three times$/m,
    ],
    [
      "setgroups that looks done",
      SETGROUPS,
      0,
      /^bwrap-exec: cannot verify the ids: the groups are 65432, want none$/m,
    ],
    ["setresuid", SETRESUID, EPERM, /^bwrap-exec: cannot set the user id: .* EPERM$/m],
    ["keyctl", KEYCTL, EPERM, /^bwrap-exec: cannot join a new session keyring: .* EPERM$/m],
    ["close_range", CLOSE_RANGE, EPERM, /^bwrap-exec: cannot close inherited .* EPERM$/m],
  ] as const
) {
  const how = errno === 0 ? "without having happened" : "that is refused";
  Deno.test(`a launcher with a ${what} ${how} runs nothing`, root, async () => {
    await using folder = await tempFolder();
    await Deno.writeFile(`${folder.path}/filter`, answering(call ?? -1, errno));
    const keeping = ["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--cap-add", "ALL"];
    const script = `exec 9<${folder.path}/filter; exec bwrap ${keeping.join(" ")} --seccomp 9 "$@"`;
    const groups = ["/usr/bin/setpriv", "--groups", "65432", "--"];
    assertRefused(await launch([...groups, "/bin/sh", "-c", script, "sh"]), wanted);
  });
}

Deno.test("without bwrap there is no backend", root, async () => {
  const error = await assertRejects(
    () => openTestBackend({ bwrapPath: "/nonexistent/bwrap" }),
    NotFoundError,
  );
  assertMatch(error.message, /^cannot find bubblewrap: .* set process\.bwrap_path/);
});

Deno.test("a worker is not started when bwrap has gone, until it is back", root, async () => {
  await using folder = await tempFolder();
  const bwrapPath = `${folder.path}/bwrap`;
  await Deno.copyFile("/usr/bin/bwrap", bwrapPath);
  const [start, end] = [toUid(UID + 1), toUid(UID + 2)];
  const range = { workerUidRangeStart: start, workerUidRangeEnd: end };
  await using host = await openTestBackend({ bwrapPath, ...range });
  const { backend } = host;
  await Deno.rename(bwrapPath, `${folder.path}/aside`);
  for (let attempt = 0; attempt < 4; attempt++) {
    const error = await assertRejects(() => backend.spawn(shellSpec("echo ran; sleep 60")), Error);
    assertMatch(error.message, /^cannot start worker \S+: start the sandbox: .*execve\(.* ENOENT$/);
  }
  assertEquals([backend.listManaged(), processesOfUids({ start, end })], [[], []]);
  await Deno.rename(`${folder.path}/aside`, bwrapPath);
  const spec = shellSpec("echo ran; exec sleep 60");
  await backend.spawn(spec);
  assertEquals(await lineOf(backend, spec.id, /./), "ran");
});

Deno.test("what takes bwrap's place and says nothing is no sandbox", root, async () => {
  await assertRejects(
    () => openTestBackend({ bwrapPath: "/bin/true" }),
    Error,
    "cannot run a program in a sandbox",
  );
});
