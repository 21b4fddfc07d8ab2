import { livenessOfServers, readServerOwner } from "#src/server_owner.ts";
import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
} from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

const BOOT = "8b1f2a3c-0000-4000-8000-1234567890ab";
const OTHER_BOOT = "11111111-0000-4000-8000-1234567890ab";
const MACHINE_ID = "0123456789abcdef0123456789abcdef";

/** A made-up host whose procfs has this server as process 4711. */
class FakeHost implements AsyncDisposable {
  private constructor(readonly root: string) {}

  static async create(): Promise<FakeHost> {
    const host = new FakeHost(await Deno.makeTempDir({ prefix: "blockyard-host-" }));
    await host.write("proc/sys/kernel/random/boot_id", `${BOOT}\n`);
    await host.write("proc/self/stat", stat(4711, { ticks: 9000 }));
    await host.process(1, { ticks: 1 });
    await Deno.mkdir(`${host.root}/proc/self/ns`);
    await Deno.symlink("pid:[4026531836]", `${host.root}/proc/self/ns/pid`);
    return host;
  }

  async write(path: string, text: string): Promise<void> {
    await Deno.mkdir(`${this.root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${this.root}/${path}`, text);
  }

  process(pid: number, details: { ticks: number; state?: string; threads?: number }) {
    return this.write(`proc/${pid}/stat`, stat(pid, details));
  }

  get roots() {
    return {
      proc: `${this.root}/proc`,
      machineIdPaths: [`${this.root}/etc/machine-id`, `${this.root}/var/lib/dbus/machine-id`],
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.root, { recursive: true });
  }
}

/** The name has what makes a stat file hard to read. */
function stat(
  pid: number,
  { ticks, state = "S", threads = 1 }: { ticks: number; state?: string; threads?: number },
): string {
  return `${pid} (a) S 1 ) ${state} 1 1 1 0 -1 0 0 0 0 0 1 2 3 4 20 0 ${threads} 0 ${ticks} 0 0\n`;
}

Deno.test("a server is named by machine, boot, pid namespace, pid and start", strict, async () => {
  await using host = await FakeHost.create();
  await host.write("etc/machine-id", `${MACHINE_ID}\n`);
  const owner = await readServerOwner(host.roots);
  assertEquals({ ...owner, serverId: "" }, {
    hostId: MACHINE_ID,
    serverId: "",
    pid: 4711,
    startedAt: `${BOOT}:4026531836:9000`,
  });
  assertMatch(owner.serverId, /^[0-9a-f-]{36}$/);
});

Deno.test("a server has another id with every start", strict, async () => {
  await using host = await FakeHost.create();
  await host.write("etc/machine-id", MACHINE_ID);
  const [one, two] = [await readServerOwner(host.roots), await readServerOwner(host.roots)];
  assertNotEquals(one.serverId, two.serverId);
});

for (const etc of [undefined, "", "uninitialized\n", "0123456789ABCDEF0123456789ABCDEF"]) {
  Deno.test(`D-Bus's machine id counts when /etc/machine-id is ${etc}`, strict, async () => {
    await using host = await FakeHost.create();
    if (etc !== undefined) await host.write("etc/machine-id", etc);
    await host.write("var/lib/dbus/machine-id", `${MACHINE_ID}\n`);
    assertEquals((await readServerOwner(host.roots)).hostId, MACHINE_ID);
  });
}

Deno.test("a host without a machine id is refused with the way to get one", strict, async () => {
  await using host = await FakeHost.create();
  const [etc, dbus] = host.roots.machineIdPaths;
  const want = "want 32 hexadecimal digits that no other host has; " +
    '"systemd-machine-id-setup" or "dbus-uuidgen --ensure=/etc/machine-id" makes them';
  const none = await assertRejects(() => readServerOwner(host.roots), Error);
  assertEquals(
    none.message,
    `cannot tell this host from others: there is no ${etc} and no ${dbus}, ${want}`,
  );
  await host.write("etc/machine-id", "uninitialized\n");
  await host.write("var/lib/dbus/machine-id", "\n");
  const bad = await assertRejects(() => readServerOwner(host.roots), Error);
  assertEquals(
    bad.message,
    `cannot tell this host from others: ${etc} holds "uninitialized", ${dbus} holds nothing, ${want}`,
  );
});

const LIVES: readonly [
  what: string,
  startedAt: string,
  process: { ticks: number; state?: string; threads?: number } | undefined,
  lives: boolean,
][] = [
  ["runs", `${BOOT}:4026531836:77`, { ticks: 77 }, true],
  ["has no process", `${BOOT}:4026531836:77`, undefined, false],
  ["has lost its pid to a later process", `${BOOT}:4026531836:77`, { ticks: 78 }, false],
  ["waits as a zombie", `${BOOT}:4026531836:77`, { ticks: 77, state: "Z" }, false],
  ["has lost its first thread only", `${BOOT}:4026531836:77`, {
    ticks: 77,
    state: "Z",
    threads: 3,
  }, true],
  ["ran before the last boot", `${OTHER_BOOT}:4026531836:77`, { ticks: 77 }, false],
  ["ran before the last boot, in a container", `${OTHER_BOOT}:4026532500:77`, undefined, false],
  ["runs in another pid namespace", `${BOOT}:4026532500:77`, undefined, true],
  ["cannot be understood", "some:thing-else", undefined, true],
];
for (const [what, startedAt, process, lives] of LIVES) {
  Deno.test(`a server that ${what} is ${lives ? "not " : ""}gone`, strict, async () => {
    await using host = await FakeHost.create();
    if (process) await host.process(55, process);
    const isLive = await livenessOfServers(host.roots);
    assertEquals(await isLive({ pid: 55, startedAt }), lives);
  });
}

Deno.test("where processes of others are hidden nobody is said to be gone", strict, async () => {
  await using host = await FakeHost.create();
  await Deno.remove(`${host.root}/proc/1`, { recursive: true });
  const isLive = await livenessOfServers(host.roots);
  assertEquals(await isLive({ pid: 55, startedAt: `${BOOT}:4026531836:77` }), true);
});
