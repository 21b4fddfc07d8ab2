import { MemoryAllocator, PORT_SLOTS } from "#src/allocator/mod.ts";
import { chooseListening, type Listening } from "#src/backend/listening.ts";
import { SharedSocketTables } from "#src/backend/proc/mod.ts";
import { silentLogger, systemClock, toGid, toPid, toPort, toUid } from "#src/core/mod.ts";
import type { JudgePeer, SandboxOwner, WorkerSocket } from "#src/sandbox/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { fakeProc } from "./fake_proc.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const OWN = toUid(1_900_000_001);
const MONITOR = toPid(70);
const owner = (exclusive: boolean): SandboxOwner => ({
  uid: OWN,
  gid: toGid(1_900_000_000),
  exclusive,
  maxProcesses: 10,
});

interface Rig {
  readonly listening: Listening;
  /** What happened to the port and the socket, in order. */
  readonly events: string[];
  /** Who is seen to listen at the socket. */
  peer: { pid: number; uid: number };
}

async function rig(
  network: "host" | "none",
  { exclusive = true, cmd, proc = "/nowhere" }: {
    exclusive?: boolean;
    cmd?: readonly string[];
    proc?: string;
  } = {},
): Promise<Rig> {
  const events: string[] = [];
  const ports = new MemoryAllocator(PORT_SLOTS, { start: toPort(20_000), end: toPort(20_001) });
  const made = { events, peer: { pid: 72, uid: OWN as number } };
  const socket = {
    path: "/proc/71/root/app.sock",
    connectPath: "/proc/self/fd/9",
    check: async (judge: JudgePeer) => await judge({ ...made.peer, gid: 0 }),
    [Symbol.dispose]: () => events.push("closed"),
  };
  const listening = await chooseListening({ network, ...(cmd && { cmd }) }, {
    owner: owner(exclusive),
    signal: undefined,
    parts: {
      ports,
      holdPort: (port) => {
        events.push(`held ${port}`);
        return { [Symbol.dispose]: () => events.push(`let go ${port}`) };
      },
      openSocket: (initPid, uid) => {
        events.push(`opened for ${uid} in ${initPid}`);
        return socket as unknown as WorkerSocket;
      },
      proc,
      tables: new SharedSocketTables({ proc, clock: systemClock }),
      log: silentLogger,
    },
  });
  return Object.assign(made, { listening });
}

Deno.test("a worker on the host's network has a port until it is released", strict, async () => {
  const { listening, events } = await rig("host");
  const address = { kind: "tcp", hostname: "127.0.0.1", port: toPort(20_000) } as const;
  assertEquals([listening.network, listening.on, listening.address], ["host", address, address]);
  listening.beforeProgram(toPid(71));
  assertEquals(events, ["held 20000"], "R shares the port, which stays held");
  listening.markReady();
  assertEquals(events, ["held 20000", "let go 20000"]);
  await listening.release();
  await listening.release();
  listening[Symbol.dispose]();
  assertEquals(events.length, 2);
});

Deno.test("a port is let go before a program that may not share it", strict, async () => {
  const { listening, events } = await rig("host", { cmd: ["serve"] });
  listening.beforeProgram(toPid(71));
  assertEquals(events, ["held 20000", "let go 20000"]);
  await listening.release();
});

Deno.test(
  "a worker without a network has no port, and a socket from its sandbox on",
  strict,
  async () => {
    const { listening, events } = await rig("none");
    assertEquals(listening.on, { kind: "unix", path: "/run/blockyard/app.sock" });
    assertThrows(() => listening.address, Error, "the sandbox is not made yet");
    assertEquals(
      await listening.check(MONITOR),
      "cannot check /run/blockyard/app.sock: the sandbox is not made yet",
    );
    listening[Symbol.dispose]();
    listening.beforeProgram(toPid(71));
    assertEquals(events, [`opened for ${OWN} in 71`]);
    const { address } = listening;
    assertEquals(address, {
      kind: "unix",
      path: "/proc/71/root/app.sock",
      connectPath: "/proc/self/fd/9",
    });
    listening.markReady();
    await listening.release();
    listening[Symbol.dispose]();
    assertEquals(events.slice(1), ["closed"]);
    // Who asks later is told where it was.
    assertEquals(listening.address, address);
  },
);

Deno.test("by its own uid a worker is told from who else listens", strict, async () => {
  const it = await rig("none");
  it.listening.beforeProgram(toPid(71));
  assertEquals(await it.listening.check(MONITOR), undefined);
  it.peer = { pid: 72, uid: 0 };
  assertEquals(
    await it.listening.check(MONITOR),
    "a program of uid 0 that is not the worker listens on /run/blockyard/app.sock",
  );
});

Deno.test("with a uid of many, a worker is told by its processes", strict, async () => {
  await using made = await fakeProc(
    { pid: 70, threads: { 70: { children: [71] } } },
    { pid: 71, threads: { 71: { children: [72] } } },
    { pid: 72 },
    { pid: 73 },
  );
  const it = await rig("none", { exclusive: false, proc: made.proc });
  it.listening.beforeProgram(toPid(71));
  for (const [pid, isOwn] of [[72, true], [71, true], [73, false], [0, false]] as const) {
    it.peer = { pid, uid: OWN };
    assertEquals(await it.listening.check(MONITOR) === undefined, isOwn, `${pid}`);
  }
});
