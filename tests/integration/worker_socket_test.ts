/** The socket of a worker without a network, in a folder where the worker puts what it likes. */
import { openLibc, SyscallError } from "#ffi/mod.ts";
import { toPid, toUid, type Uid } from "#src/core/mod.ts";
import { SOCKET_FOLDER, WorkerSocket } from "#src/sandbox/mod.ts";
import { assertEquals, assertMatch, assertRejects, assertThrows } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const options = needs();
const root = needs({ root: true, files: ["/usr/bin/perl", "/usr/bin/mount", "/usr/bin/umount"] });
const INIT = toPid(123);
const UID = Deno.uid() as Uid;
/** Some user that is neither root nor the one who runs these tests. */
const STRANGER = 54321;

interface Rig extends AsyncDisposable {
  /** The folder of the socket. */
  readonly folder: string;
  /** A place beside it that the worker has nothing to do with. */
  readonly elsewhere: string;
  /** The socket in it. */
  readonly name: string;
  /** What is tested. */
  readonly socket: WorkerSocket;
  /** Asks who listens, takes anybody, and tells what is wrong. */
  check(): Promise<string | undefined>;
}

/** Shows the folder as that of the process INIT of a procfs. */
async function rig(): Promise<Rig> {
  const temp = await tempFolder();
  const folder = await temp.folder(`${INIT}/root${SOCKET_FOLDER}`, 0o700);
  const elsewhere = await temp.folder("elsewhere");
  const libc = openLibc();
  const socket = new WorkerSocket(libc, INIT, { uid: UID, procRoot: temp.path });
  return {
    folder,
    elsewhere,
    name: `${folder}/app.sock`,
    socket,
    check: () => socket.check(() => undefined),
    async [Symbol.asyncDispose]() {
      socket[Symbol.dispose]();
      libc[Symbol.dispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** Listens, and answers every connection with a word. */
class Listener implements AsyncDisposable {
  connections = 0;
  readonly #listener: Deno.UnixListener;
  readonly #done: Promise<void>;

  constructor(path: string, word: string) {
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#done = this.#serve(word);
  }

  async #serve(word: string): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      // Who only looks does not wait for an answer.
      await connection.write(new TextEncoder().encode(word)).catch(() => {});
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

/** What answers at a path. */
async function wordAt(path: string): Promise<string> {
  const connection = await Deno.connect({ transport: "unix", path });
  return await new Response(connection.readable).text();
}

/** Connections are accepted in their order, so that those before this one have been counted. */
async function connectionsAt(path: string, listener: Listener): Promise<number> {
  await wordAt(path);
  return listener.connections - 1;
}

async function refuses(socket: WorkerSocket): Promise<void> {
  await assertRejects(() => wordAt(socket.connectPath), Deno.errors.ConnectionRefused);
}

Deno.test("a socket is connected to only after it was seen to be good", options, async () => {
  await using it = await rig();
  assertEquals(await it.check(), "/run/blockyard/app.sock is not there");
  await using listener = new Listener(it.name, "worker");
  await refuses(it.socket);
  assertEquals(await it.socket.check(({ pid, uid }) => `${pid} ${uid}`), `${Deno.pid} ${UID}`);
  await refuses(it.socket);
  assertEquals(await connectionsAt(it.name, listener), 1);
  assertEquals(await it.check(), undefined);
  assertEquals(await wordAt(it.socket.connectPath), "worker");
  assertMatch(it.socket.path, /\/123\/root\/run\/blockyard\/app\.sock$/);
});

for (
  const [what, put] of [
    ["a link", ({ name }, target) => Deno.symlink(target, name)],
    ["a relative link", ({ name }) => Deno.symlink("../../../../elsewhere/sock", name)],
    ["a link to a link", async ({ name, folder }, target) => {
      await Deno.symlink(target, `${folder}/other`);
      await Deno.symlink("other", name);
    }],
    ["a file", ({ name }) => Deno.writeTextFile(name, "")],
    ["a folder", ({ name }) => Deno.mkdir(name)],
    ["a FIFO", async ({ name }) => {
      assertEquals((await new Deno.Command("mkfifo", { args: [name] }).output()).code, 0);
    }],
  ] as readonly [string, (rig: Rig, target: string) => Promise<void>][]
) {
  Deno.test(`${what} in place of the socket is not connected to`, options, async () => {
    await using it = await rig();
    const target = `${it.elsewhere}/sock`;
    await using stranger = new Listener(target, "stranger");
    await put(it, target);
    assertEquals(await it.check(), "/run/blockyard/app.sock is no socket");
    await refuses(it.socket);
    assertEquals(await connectionsAt(target, stranger), 0);
  });

  Deno.test(`${what} that comes later is not connected to either`, options, async () => {
    await using it = await rig();
    const target = `${it.elsewhere}/sock`;
    await using stranger = new Listener(target, "stranger");
    await using _worker = new Listener(it.name, "worker");
    assertEquals(await it.check(), undefined);
    await Deno.rename(it.name, `${it.folder}/moved`);
    await put(it, target);
    assertEquals(await wordAt(it.socket.connectPath), "worker");
    assertEquals(await it.check(), undefined);
    assertEquals(await wordAt(it.socket.connectPath), "worker");
    assertEquals(await connectionsAt(target, stranger), 0);
  });
}

Deno.test("a socket that is made anew takes the place of the old one", options, async () => {
  await using it = await rig();
  const place = it.socket.connectPath;
  {
    await using _first = new Listener(it.name, "first");
    assertEquals(await it.check(), undefined);
    assertEquals(await wordAt(place), "first");
  }
  assertEquals(await it.check(), "nothing listens on /run/blockyard/app.sock");
  await using _second = new Listener(it.name, "second");
  // Until it was looked at, nobody is sent there.
  await refuses(it.socket);
  assertEquals(await it.check(), undefined);
  assertEquals([it.socket.connectPath, await wordAt(place)], [place, "second"]);
});

Deno.test("a new socket that is not good does not take the old one's place", options, async () => {
  await using it = await rig();
  await using _first = new Listener(it.name, "first");
  assertEquals(await it.check(), undefined);
  await Deno.rename(it.name, `${it.folder}/moved`);
  await using second = new Listener(it.name, "second");
  const asked: number[] = [];
  const problem = await it.socket.check(() => asked.push(1) === 1 ? "a stranger" : undefined);
  assertEquals([problem, asked.length], [undefined, 2]);
  assertEquals(await connectionsAt(it.name, second), 1);
  assertEquals(await wordAt(it.socket.connectPath), "first");
});

Deno.test("a socket of another user is not asked who listens", root, async () => {
  await using it = await rig();
  await using listener = new Listener(it.name, "other");
  await Deno.chown(it.name, STRANGER, STRANGER);
  assertEquals(
    await it.check(),
    `/run/blockyard/app.sock belongs to uid ${STRANGER}, want ${UID}`,
  );
  assertEquals(await connectionsAt(it.name, listener), 0);
});

Deno.test("a socket of another file system is not asked who listens", root, async () => {
  await using it = await rig();
  const path = `/dev/shm/blockyard-test-${crypto.randomUUID()}`;
  await using listener = new Listener(path, "other");
  await Deno.writeTextFile(it.name, "");
  const run = (program: string, ...args: string[]) => new Deno.Command(program, { args }).output();
  assertEquals((await run("mount", "--bind", path, it.name)).code, 0);
  try {
    assertEquals(
      await it.check(),
      "/run/blockyard/app.sock is on another file system than its folder",
    );
    assertEquals(await connectionsAt(path, listener), 0);
  } finally {
    assertEquals((await run("umount", "--lazy", it.name)).code, 0);
  }
});

Deno.test("a listener that lets nobody wait is told from one that is not there", root, async () => {
  await using it = await rig();
  const script = "use Socket; $| = 1; socket(my $s, AF_UNIX, SOCK_STREAM, 0); " +
    'bind($s, pack_sockaddr_un($ARGV[0])) or die; listen($s, 0); print "up"; <STDIN>';
  const child = new Deno.Command("/usr/bin/perl", {
    args: ["-e", script, it.name],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  // A backlog of 0 lets one wait.
  assertEquals(await it.check(), undefined);
  assertEquals(await it.check(), "nothing accepts connections on /run/blockyard/app.sock");
  await child.stdin.close();
  await reader.cancel();
  assertEquals((await child.status).code, 0);
});

Deno.test("a folder that is not the worker's is refused", root, async () => {
  await using temp = await tempFolder();
  using libc = openLibc();
  const open = () => new WorkerSocket(libc, INIT, { uid: toUid(STRANGER), procRoot: temp.path });
  assertEquals(assertThrows(open, SyscallError).code, "ENOENT");
  const folder = await temp.folder(`${INIT}/root${SOCKET_FOLDER}`);
  assertEquals(
    assertThrows(open, Error).message,
    `cannot use /run/blockyard: it belongs to uid 0, want ${STRANGER}`,
  );
  await Deno.chown(folder, STRANGER, STRANGER);
  open()[Symbol.dispose]();
  await Deno.remove(folder);
  await Deno.symlink(temp.path, folder);
  assertEquals(assertThrows(open, SyscallError).code, "ENOTDIR");
});

Deno.test("nothing stays open of a socket that was let go", options, async () => {
  const held = () =>
    Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => {
      try {
        return Deno.readLinkSync(`/proc/self/fd/${name}`);
      } catch {
        return ""; // the folder's own, closed by now
      }
    }).filter((path) => path.includes("/root/run/blockyard"));
  await using it = await rig();
  await using _listener = new Listener(it.name, "worker");
  assertEquals(await it.check(), undefined);
  assertEquals(held().length, 2);
  it.socket[Symbol.dispose]();
  assertEquals(held(), []);
  assertThrows(() => it.socket.connectPath, TypeError, "it was closed");
  await assertRejects(() => it.check(), TypeError);
});
