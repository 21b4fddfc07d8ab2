/**
 * The parsers against the kernel that runs the tests. Deno lets only programs with all permissions
 * read below /proc, so that these are no unit tests.
 *
 * @module
 */
import {
  answeringAt,
  descendants,
  findListeners,
  processesOfUid,
  readSocketTables,
  readStat,
  readStatus,
  socketInodes,
  UsageSampler,
} from "#src/backend/proc/mod.ts";
import { type Pid, systemClock, toPid, toPort, toUid } from "#src/core/mod.ts";
import { assert, assertEquals, assertExists, assertGreater } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const self = toPid(Deno.pid);

/** A process with a child and a grandchild. */
async function startFamily() {
  const parent = new Deno.Command("sh", {
    args: ["-c", "sh -c 'echo $$; sleep 1000 & echo $!; wait' & wait"],
    stdout: "piped",
  }).spawn();
  const pids: number[] = [];
  for await (const text of parent.stdout.pipeThrough(new TextDecoderStream())) {
    pids.push(...text.trim().split("\n").map(Number));
    if (pids.length === 2) break;
  }
  return {
    pid: toPid(parent.pid),
    descendants: pids.map(toPid),
    async [Symbol.asyncDispose]() {
      for (const pid of [parent.pid, ...pids]) Deno.kill(pid, "SIGKILL");
      await parent.status;
    },
  };
}

Deno.test("readStat() and readStatus() read this process", strict, async () => {
  const stat = await readStat("/proc", self);
  const status = await readStatus("/proc", self);
  assertExists(stat);
  assertExists(status);
  assertEquals([stat.pid, status.pid], [self, self]);
  assertEquals([stat.ppid, status.ppid], [Deno.ppid, Deno.ppid]);
  assertEquals(status.uids[1], toUid(Deno.uid() ?? -1));
  assertEquals(status.name, stat.comm);
  assertGreater(status.rssBytes, 1024 ** 2);
});

Deno.test("readStat() finds nothing for a process that has been reaped", strict, async () => {
  const child = new Deno.Command("true").spawn();
  await child.status;
  assertEquals(await readStat("/proc", child.pid), undefined);
  assertEquals(await readStatus("/proc", child.pid), undefined);
  assertEquals(await socketInodes(toPid(child.pid)), new Set());
});

Deno.test(
  "descendants() finds the child and the grandchild of a real process",
  strict,
  async () => {
    await using family = await startFamily();
    assertEquals(await descendants(family.pid), family.descendants);
    const ofAll = await descendants(self);
    assert(family.descendants.every((pid) => ofAll.includes(pid)));
  },
);

Deno.test("processesOfUid() finds this process under its own uid", strict, async () => {
  const { live, zombies } = await processesOfUid(toUid(Deno.uid() ?? -1));
  assert(live.includes(self));
  assert(!zombies.includes(self));
});

Deno.test("processesOfUid() tells a real zombie from a live process", strict, async () => {
  // The shell becomes a program that never waits for the child it had.
  const child = new Deno.Command("sh", { args: ["-c", "true & exec sleep 1000"] }).spawn();
  try {
    let zombie: Pid | undefined;
    for (let round = 0; round < 500 && zombie === undefined; round++) {
      await systemClock.sleep(10);
      for (const pid of await descendants(toPid(child.pid))) {
        if ((await readStat("/proc", pid))?.state === "Z") zombie = pid;
      }
    }
    assertExists(zombie, "the child did not become a zombie");
    const found = await processesOfUid(toUid(Deno.uid() ?? -1));
    assert(found.zombies.includes(zombie));
    assert(!found.live.includes(zombie));
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

Deno.test("findListeners() and socketInodes() agree on who owns a socket", strict, async () => {
  using socket = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const found = findListeners(toPort(socket.addr.port), await readSocketTables());
  assertEquals(found.map(({ address, uid }) => ({ address, uid })), [
    { address: "127.0.0.1", uid: toUid(Deno.uid() ?? -1) },
  ]);
  const inodes = await socketInodes(self);
  assert(found.every(({ inode }) => inodes.has(inode)), `${found} not in ${[...inodes]}`);
});

Deno.test(
  "findListeners() finds a real socket on all addresses of both families",
  strict,
  async () => {
    using socket = Deno.listen({ hostname: "::", port: 0 });
    const found = findListeners(toPort(socket.addr.port), await readSocketTables());
    assertEquals(answeringAt(found, "127.0.0.1").map(({ address }) => address), ["::"]);
  },
);

Deno.test(
  "UsageSampler measures a real process that is busy, and zeros after its end",
  strict,
  async () => {
    const child = new Deno.Command("sh", { args: ["-c", "while :; do :; done"] }).spawn();
    const sampler = new UsageSampler(toPid(child.pid), { clock: systemClock });
    try {
      let usage = await sampler.sample();
      for (let round = 0; round < 100 && usage.cpuPercent === 0; round++) {
        await systemClock.sleep(50);
        usage = await sampler.sample();
      }
      assertGreater(usage.cpuPercent, 0);
      assertGreater(usage.memoryBytes, 0);
      assertEquals(usage.processes, 1);
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
    assertEquals(await sampler.sample(), { cpuPercent: 0, memoryBytes: 0, processes: 0 });
  },
);
