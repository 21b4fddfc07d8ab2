/** libc through FFI, in the test's own process: only calls that it survives unchanged. */
import {
  bindLoopbackPort,
  closeOnExecExcept,
  cstring,
  errnoName,
  getgroups,
  getppid,
  getresgid,
  getresuid,
  getxattr,
  memfd,
  openLibc,
  PathFd,
  Pidfd,
  reap,
  SIGNALS,
  SyscallError,
  sysconf,
  unixPeer,
  writeKernelFile,
} from "#ffi/mod.ts";
import { assert, assertEquals, assertThrows } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

async function output(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("ids, groups and the parent are those that the kernel shows", strict, async () => {
  using libc = openLibc();
  const status = await Deno.readTextFile("/proc/self/status");
  const numbers = (name: string) =>
    (new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1] ?? "").split(/\s+/).filter(Boolean)
      .map(Number);
  const { real, effective, saved } = getresuid(libc);
  assertEquals([real, effective, saved], numbers("Uid").slice(0, 3));
  assertEquals(getresgid(libc).effective, numbers("Gid")[1]);
  assertEquals(getgroups(libc).toSorted(), numbers("Groups").toSorted());
  assertEquals(getppid(libc), numbers("PPid")[0]);
});

Deno.test("sysconf() agrees with getconf", strict, async () => {
  using libc = openLibc();
  assertEquals(sysconf(libc, "CLK_TCK"), Number(await output("getconf", "CLK_TCK")));
  assertEquals(sysconf(libc, "PAGESIZE"), Number(await output("getconf", "PAGESIZE")));
  assertEquals(
    sysconf(libc, "NPROCESSORS_ONLN"),
    Number(await output("getconf", "_NPROCESSORS_ONLN")),
  );
});

Deno.test(
  "a call that fails throws its name, its operand and the name of the error",
  strict,
  () => {
    using libc = openLibc();
    const error = assertThrows(
      () => writeKernelFile(libc, "/nonexistent/procs", "0"),
      SyscallError,
    );
    assertEquals(error.message, "open(/nonexistent/procs) failed: ENOENT");
    assertEquals([error.call, error.errno, error.code], ["open", 2, "ENOENT"]);
    assertEquals(assertThrows(() => closeOnExecExcept(libc, [4000]), SyscallError).code, "EBADF");
    assertEquals(errnoName(98), "EADDRINUSE");
    assertEquals(errnoName(4095), "errno 4095");
  },
);

Deno.test("text with NUL is refused instead of being cut", strict, () => {
  assertThrows(() => cstring("/etc/passwd\0.txt"), RangeError, "it contains NUL");
  assertEquals([...cstring("é")], [0xc3, 0xa9, 0]);
});

Deno.test("memfd() holds its bytes and is read from the start", strict, async () => {
  using libc = openLibc();
  const bytes = new TextEncoder().encode("x".repeat(100_000) + "end");
  const fd = memfd(libc, bytes);
  try {
    assertEquals(await Deno.readFile(`/proc/self/fd/${fd}`), bytes);
    assertEquals(
      await Deno.readTextFile(`/proc/self/fdinfo/${fd}`).then((text) => /^pos:\t0$/m.test(text)),
      true,
    );
  } finally {
    libc.symbols.close(fd);
  }
});

Deno.test("a pidfd reaches its process, and never one that comes after it", strict, async () => {
  using libc = openLibc();
  const child = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  using handle = new Pidfd(libc, child.pid);
  handle.send(0);
  handle.send(SIGNALS.SIGKILL);
  assertEquals((await child.status).signal, "SIGKILL");
  assertEquals(assertThrows(() => handle.send(0), SyscallError).code, "ESRCH");
  assertEquals(assertThrows(() => new Pidfd(libc, child.pid), SyscallError).code, "ESRCH");
});

Deno.test("reap() says that there is nothing to reap, for what is no child", strict, () => {
  using libc = openLibc();
  assertEquals(reap(libc, 1), false);
});

Deno.test("bindLoopbackPort() keeps a port from others, and gives it back", strict, () => {
  using libc = openLibc();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assertEquals(bindLoopbackPort(libc, listener.addr.port), undefined);
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const hold = bindLoopbackPort(libc, port);
  assert(hold !== undefined);
  // A server, which sets SO_REUSEADDR, can listen on it all the same.
  Deno.listen({ hostname: "127.0.0.1", port }).close();
  const strangers = Array.from(
    { length: 200 },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  assertEquals(strangers.some(({ addr }) => addr.port === port), false);
  strangers.forEach((each) => each.close());
  hold[Symbol.dispose]();
  hold[Symbol.dispose]();
});

Deno.test("getxattr() tells an absent attribute from a file that is not there", strict, () => {
  using libc = openLibc();
  assertEquals(getxattr(libc, "/", "user.blockyard-has-none"), undefined);
  assertEquals(getxattr(libc, "/proc/self", "user.blockyard-has-none"), undefined);
  const error = assertThrows(() => getxattr(libc, "/nonexistent", "user.it"), SyscallError);
  assertEquals(error.message, "getxattr(/nonexistent, user.it) failed: ENOENT");
});

Deno.test("a library that was closed is not closed twice", strict, () => {
  const libc = openLibc();
  libc[Symbol.dispose]();
  libc[Symbol.dispose]();
});

Deno.test("a handle on a file keeps to the file and not to its name", strict, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/name`;
  using libc = openLibc();
  await Deno.writeTextFile(path, "first");
  using from = new PathFd(libc, folder.path, { directory: true });
  using held = new PathFd(libc, "name", { from });
  await Deno.remove(path);
  await Deno.writeTextFile(path, "second");
  assertEquals(await Deno.readTextFile(held.path), "first");

  using other = new PathFd(libc, path);
  const before = held.path;
  held.become(other);
  assertEquals([held.path, await Deno.readTextFile(held.path)], [before, "second"]);

  await Deno.symlink("/etc/passwd", `${folder.path}/link`);
  using link = new PathFd(libc, "link", { from });
  assertEquals((await Deno.stat(link.path)).isSymlink, true);
  const refused = assertThrows(
    () => new PathFd(libc, path, { directory: true }),
    SyscallError,
  );
  assertEquals(refused.code, "ENOTDIR");
  held[Symbol.dispose]();
  held[Symbol.dispose]();
  assertThrows(() => held.path, TypeError, "it was closed");
  assertThrows(() => other.become(held), TypeError, "it was closed");
});

Deno.test("a handle on a file does not outlive an execve", strict, async () => {
  using libc = openLibc();
  using held = new PathFd(libc, "/etc");
  using other = new PathFd(libc, "/usr");
  held.become(other);
  const number = held.path.split("/").at(-1);
  const info = await Deno.readTextFile(`/proc/self/fdinfo/${number}`);
  const flags = parseInt(/^flags:\s+([0-7]+)$/m.exec(info)?.[1] ?? "", 8);
  assertEquals(flags & 0o2000000, 0o2000000);
});

Deno.test("unixPeer() tells who listens, and refuses what nobody listens on", strict, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/socket`;
  using libc = openLibc();
  using handles = new DisposableStack();
  let nobody: string;
  {
    using _listener = Deno.listen({ transport: "unix", path });
    const { effective: uid } = getresuid(libc);
    const { effective: gid } = getresgid(libc);
    assertEquals(unixPeer(libc, path), { pid: Deno.pid, uid, gid });
    nobody = handles.use(new PathFd(libc, path)).path;
    assertEquals(unixPeer(libc, nobody).pid, Deno.pid);
  }
  for (const where of [nobody, folder.path]) {
    assertEquals(assertThrows(() => unixPeer(libc, where), SyscallError).code, "ECONNREFUSED");
  }
  assertEquals(
    assertThrows(() => unixPeer(libc, `${folder.path}/none`), SyscallError).code,
    "ENOENT",
  );
  assertThrows(() => unixPeer(libc, `/${"x".repeat(108)}`), RangeError, "want at most 107 bytes");
});
