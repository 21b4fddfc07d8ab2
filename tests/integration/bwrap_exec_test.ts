/** The launcher as a process: what the kernel says of the program that it becomes. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { bwrapExec, GID, UID } from "#tests/support/bwrap_exec.ts";
import { needs } from "#tests/support/needs.ts";
import { selfCommand } from "#src/self_command.ts";

const root = needs({ root: true });
const IDS = ["--uid", String(UID), "--gid", String(GID)];

Deno.test(
  "bwrap-exec takes the ids in all four columns, drops groups and capabilities",
  root,
  async () => {
    const { code, stdout } = await bwrapExec([...IDS, "--", "/bin/cat", "/proc/self/status"]);
    assertEquals(code, 0);
    assertMatch(stdout, new RegExp(`^Uid:\\t${UID}\\t${UID}\\t${UID}\\t${UID}$`, "m"));
    assertMatch(stdout, new RegExp(`^Gid:\\t${GID}\\t${GID}\\t${GID}\\t${GID}$`, "m"));
    assertMatch(stdout, /^Groups:\s*$/m);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) {
      assertMatch(stdout, new RegExp(`^${set}:\\t0+$`, "m"));
    }
  },
);

Deno.test("bwrap-exec leaves no signal ignored or blocked", root, async () => {
  const { stdout } = await bwrapExec([...IDS, "--", "/bin/cat", "/proc/self/status"]);
  assertMatch(stdout, /^SigBlk:\t0+$/m);
  assertMatch(stdout, /^SigIgn:\t0+$/m);
});

Deno.test("bwrap-exec hands no environment on", root, async () => {
  const { stdout } = await bwrapExec([...IDS, "--", "/usr/bin/env"]);
  assertEquals(stdout, "");
});

Deno.test(
  "bwrap-exec belongs to its own user again, so that /proc/self can be read",
  root,
  async () => {
    const { stdout } = await bwrapExec([
      ...IDS,
      "--",
      "/usr/bin/stat",
      "-c",
      "%u",
      "/proc/self/environ",
    ]);
    assertEquals(stdout.trim(), String(UID));
  },
);

Deno.test(
  "bwrap-exec sets limits, and lowers the descriptor limit that its runtime raised",
  root,
  async () => {
    const { stdout } = await bwrapExec([
      ...IDS,
      ...["--rlimit", "NOFILE=1024:4096", "--rlimit=CORE=0:0", "--rlimit", "NPROC=50:60"],
      ...["--", "/bin/cat", "/proc/self/limits"],
    ]);
    assertMatch(stdout, /^Max open files +1024 +4096 /m);
    assertMatch(stdout, /^Max core file size +0 +0 /m);
    assertMatch(stdout, /^Max processes +50 +60 /m);
  },
);

Deno.test(
  "bwrap-exec leaves a hard limit alone that is lower than the one asked for",
  root,
  async () => {
    const { program, args, env } = selfCommand(["bwrap-exec", ...IDS, "--rlimit=CORE=5:unlimited"]);
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: [
        "-c",
        'ulimit -Hc 3; exec "$0" "$@"',
        program,
        ...args,
        "--",
        "/bin/cat",
        "/proc/self/limits",
      ],
      env: { ...env },
      clearEnv: true,
    }).output();
    // The shell counts blocks of 512 bytes.
    assertMatch(new TextDecoder().decode(stdout), /^Max core file size +5 +1536 /m);
  },
);

Deno.test("bwrap-exec joins a new, empty session keyring", root, async () => {
  const read = await bwrapExec([...IDS, "--", "/bin/cat", "/proc/keys"]);
  assertMatch(read.stdout, /keyring +_ses: empty/);
});

Deno.test("bwrap-exec passes inherited descriptors on only when told to", root, async () => {
  const { program, args, env } = selfCommand(["bwrap-exec", ...IDS]);
  const list = async (extra: string[]) => {
    const script = 'exec 8</etc/hostname 9</etc/hostname; exec "$0" "$@"';
    const { stdout } = await new Deno.Command("/bin/bash", {
      args: ["-c", script, program, ...args, ...extra, "--", "/bin/ls", "/proc/self/fd"],
      env: { ...env },
      clearEnv: true,
    }).output();
    return new TextDecoder().decode(stdout).trim().split("\n");
  };
  // ls itself has the folder open, at the lowest free number.
  assertEquals(await list([]), ["0", "1", "2", "3"]);
  assertEquals(await list(["--keep-fd", "9"]), ["0", "1", "2", "3", "9"]);
});

Deno.test(
  "bwrap-exec ends with 126 when its parent is another than it was told",
  root,
  async () => {
    const { code, stderr } = await bwrapExec([...IDS, "--parent", "1", "--", "/bin/true"]);
    assertEquals(code, 126);
    assertMatch(
      stderr,
      /^bwrap-exec: cannot bind the life to the parent's: the parent is \d+, want 1\n$/,
    );
  },
);

Deno.test("bwrap-exec dies with its parent", root, async () => {
  const { program, args, env } = selfCommand(["bwrap-exec", ...IDS]);
  // The shell is the parent; it tells the child's pid and is killed.
  const script = '"$0" "$@" --parent $$ -- /bin/sleep 1000 & echo $!; wait';
  const shell = new Deno.Command("/bin/bash", {
    args: ["-c", script, program, ...args],
    env: { ...env },
    clearEnv: true,
    stdout: "piped",
  }).spawn();
  const reader = shell.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value));
  const comm = () => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/stat`);
    } catch {
      return "";
    }
  };
  while (!comm().includes("(sleep)")) await new Promise((resolve) => setTimeout(resolve, 5));
  shell.kill("SIGKILL");
  await shell.status;
  while (comm() !== "" && !/\) [ZX] /.test(comm())) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await reader.cancel();
});

for (
  const [what, args, message] of [
    ["a missing uid", ["--gid", "1", "--", "/bin/true"], "--uid is nothing: want a whole number"],
    ["a negative uid", ["--uid", "-5", "--gid", "1", "--", "/bin/true"], '--uid is "-5"'],
    ["a uid that is a name", ["--uid", "root", "--gid", "1", "--", "/bin/true"], '--uid is "root"'],
    [
      "the uid that means unchanged",
      ["--uid", "4294967295", "--gid", "1", "--", "/bin/true"],
      "4294967294",
    ],
    ["a gid with a fraction", ["--uid", "1", "--gid", "1.5", "--", "/bin/true"], '--gid is "1.5"'],
    ["a uid given twice", ["--uid", "1", "--uid", "2", "--gid", "1", "--", "/bin/true"], "twice"],
    ["no program", ["--uid", "1", "--gid", "1", "--"], "no program after --"],
    ["no dashes", ["--uid", "1", "--gid", "1"], "no program after --"],
    ["a relative program", ["--uid", "1", "--gid", "1", "--", "bwrap"], 'the program is "bwrap"'],
    [
      "an unknown option",
      ["--uid", "1", "--gid", "1", "--root", "/", "--", "/bin/true"],
      '"--root" is no option',
    ],
    [
      "a limit that is none",
      ["--uid", "1", "--gid", "1", "--rlimit", "CORE", "--", "/bin/true"],
      "NAME=SOFT:HARD",
    ],
    [
      "an unknown limit",
      ["--uid", "1", "--gid", "1", "--rlimit", "CORES=0:0", "--", "/bin/true"],
      "want one of CPU",
    ],
    ["a soft limit above the hard one", [
      "--uid",
      "1",
      "--gid",
      "1",
      "--rlimit",
      "CORE=2:1",
      "--",
      "/bin/true",
    ], "no higher"],
    ["an option after --wait", ["--wait", "--uid", "1"], "--wait takes no other option"],
    ["an option before --wait", ["--cgroup", "/x", "--wait"], "--wait takes no other option"],
    ["--wait with a group without a name", ["--wait", "--cgroup"], "--wait takes no other option"],
  ] as const
) {
  Deno.test(`bwrap-exec refuses ${what} with exit code 2`, root, async () => {
    const { code, stderr } = await bwrapExec(args);
    assertStringIncludes(stderr, message);
    assertEquals(stderr.trim().split("\n").length, 1);
    assertEquals(code, 2);
  });
}

for (
  const [what, args, message] of [
    [
      "a cgroup that is not there",
      [...IDS, "--cgroup", "/nonexistent", "--", "/bin/true"],
      "cannot join the cgroup: open(/nonexistent/cgroup.procs) failed: ENOENT",
    ],
    [
      "a program that is not there",
      [...IDS, "--", "/nonexistent"],
      "cannot execute the program: execve(/nonexistent) failed: ENOENT",
    ],
    [
      "a program that is none",
      [...IDS, "--", "/etc/passwd"],
      "cannot execute the program: execve(/etc/passwd) failed: EACCES",
    ],
    [
      "a descriptor to keep that is not open",
      [...IDS, "--keep-fd", "77", "--", "/bin/true"],
      "fcntl(77, F_SETFD) failed: EBADF",
    ],
  ] as const
) {
  Deno.test(`bwrap-exec ends with 126 for ${what}`, root, async () => {
    const { code, stderr } = await bwrapExec(args);
    assertStringIncludes(stderr, message);
    assertEquals(code, 126);
  });
}

Deno.test("the launcher loads nothing of the server", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "info",
      "--json",
      new URL("../../src/sandbox/bwrap_exec/main.ts", import.meta.url).pathname,
    ],
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  const loaded: string[] = modules.map(({ specifier }: { specifier: string }) => specifier);
  assert(loaded.length > 5);
  assertEquals(loaded.filter((path) => !/\/(ffi|src\/sandbox\/bwrap_exec)\//.test(path)), []);
});
