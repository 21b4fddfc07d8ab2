/** What Landlock keeps a worker from, and what it must not keep the server from. */
import { openLibc } from "#ffi/mod.ts";
import type { Backend } from "#src/backend/mod.ts";
import { findLandlock } from "#src/sandbox/mod.ts";
import { selfCommand } from "#src/self_command.ts";
import { assert, assertEquals, assertMatch } from "#tests/support/assert.ts";
import { lineOf, openTestBackend, shellSpec, wholeLog } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";

const root = needs({
  root: true,
  files: ["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/perl"],
  others: { "Landlock of Linux 6.12": await isHeld() },
});
const UID = 1_921_000_001;
const IDS = ["--uid", String(UID), "--gid", String(UID)];

/** `open` or the error for an abstract socket by its name, in perl. */
const CONNECT = "use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; " +
  'print connect($s, pack_sockaddr_un("\\0$ARGV[0]")) ? "open\\n" : "$!\\n"';
/** Listens on an abstract socket, says so and stays. */
const LISTEN = "use Socket; $| = 1; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; " +
  'bind($s, pack_sockaddr_un("\\0$ARGV[0]")) && listen($s, 1) or die $!; print "up\\n"; ';

async function isHeld(): Promise<boolean> {
  using libc = openLibc();
  return (await findLandlock(libc, { bwrapPath: "/usr/bin/bwrap" })).kind === "scoped";
}

async function logOf(backend: Backend, command: string[]): Promise<string[]> {
  const spec = shellSpec("", { cmd: command });
  await backend.spawn(spec);
  return (await wholeLog(backend, spec.id)).map(({ text }) => text);
}

Deno.test("a worker connects to no abstract socket of the host or of another", root, async () => {
  const name = `blockyard-test-${crypto.randomUUID()}`;
  using listener = Deno.listen({ transport: "unix", path: `\0${name}` });
  assert(listener.addr.transport === "unix");
  await using host = await openTestBackend();
  const { backend } = host;
  const other = shellSpec("", { cmd: ["/usr/bin/perl", "-e", `${LISTEN} sleep`, `${name}-other`] });
  await backend.spawn(other);
  await lineOf(backend, other.id, /^up$/);
  const connect = (to: string) => logOf(backend, ["/usr/bin/perl", "-e", CONNECT, to]);
  assertEquals(await connect(name), ["Operation not permitted"]);
  assertEquals(await connect(`${name}-other`), ["Operation not permitted"]);
  // Those are there to be connected to.
  (await Deno.connect({ transport: "unix", path: `\0${name}-other` })).close();
});

Deno.test("a worker connects to its own abstract sockets", root, async () => {
  await using host = await openTestBackend();
  const name = `blockyard-test-${crypto.randomUUID()}`;
  const script = `${LISTEN} fork or do { exec "/usr/bin/perl", "-e", ${
    JSON.stringify(CONNECT).replaceAll("$", "\\$")
  }, $ARGV[0] }; wait`;
  const lines = await logOf(host.backend, ["/usr/bin/perl", "-e", script, name]);
  assertEquals(lines, ["up", "open"]);
});

Deno.test("the server's signals reach an app that Landlock holds", root, async () => {
  await using host = await openTestBackend();
  const spec = shellSpec("trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.05; done");
  await host.backend.spawn(spec);
  await lineOf(host.backend, spec.id, /^up$/);
  const stopping = host.backend.stop(spec.id, { graceMs: 20_000 });
  assertEquals((await wholeLog(host.backend, spec.id)).map(({ text }) => text), ["up", "asked"]);
  assertEquals(await stopping, { kind: "stopped" });
});

async function launch(options: string[], { before = [] as string[] } = {}) {
  const { program, args, env } = selfCommand(["bwrap-exec", ...IDS, ...options]);
  const [first = program, ...rest] = [...before, program];
  const { code, stdout, stderr } = await new Deno.Command(first, {
    args: [...rest, ...args],
    env: { ...env },
    clearEnv: true,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test(
  "a program that Landlock holds signals nobody outside, of its own uid",
  root,
  async () => {
    const ids = ["--reuid", String(UID), "--regid", String(UID), "--clear-groups"];
    const outside = new Deno.Command("setpriv", { args: [...ids, "/usr/bin/sleep", "60"] }).spawn();
    try {
      const kill = ["--", "/bin/sh", "-c", `kill -0 ${outside.pid} && echo open`];
      const free = await launch(kill);
      assertEquals(free.stdout, "open\n", free.stderr);
      const held = await launch(["--landlock", ...kill]);
      assertEquals(held.stdout, "");
      assertMatch(held.stderr, /Operation not permitted/);
      const own = "sleep 60 & kill $! && wait $!; echo $?";
      assertEquals((await launch(["--landlock", "--", "/bin/sh", "-c", own])).stdout, "143\n");
    } finally {
      outside.kill("SIGKILL");
      await outside.status;
    }
  },
);

Deno.test(
  "a launcher that gets no Landlock where it was asked for runs nothing",
  root,
  async () => {
    // LANDLOCK_MAX_NUM_LAYERS of the kernel's security/landlock/limits.h.
    const layers =
      'for (1..16) { my $r = pack("QQQ", 0, 0, 1); my $fd = syscall(444, $r, 24, 0); ' +
      "syscall(446, $fd, 0) == 0 or die } exec @ARGV";
    const before = ["/usr/bin/perl", "-e", layers, "--"];
    const echo = ["--", "/bin/echo", "ran"];
    assertEquals((await launch(echo, { before })).stdout, "ran\n");
    const { code, stdout, stderr } = await launch(["--landlock", ...echo], { before });
    assertEquals([code, stdout], [126, ""]);
    assertMatch(
      stderr,
      /^bwrap-exec: cannot put what is outside out of reach: landlock_restrict_self\(.*\) failed: E2BIG\n$/,
    );
  },
);
