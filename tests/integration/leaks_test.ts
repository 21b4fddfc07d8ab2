/** Nothing of a worker stays behind, however many there were. */
import { descendants } from "#src/backend/proc/mod.ts";
import { toPid } from "#src/core/mod.ts";
import { assertEquals, assertLess } from "#tests/support/assert.ts";
import { openTestBackend, shellSpec } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R"] });
const CYCLES = 200;
const AT_ONCE = 10;

async function countOf(path: string): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(path))).length;
}

interface Traces {
  descriptors: number;
  zombies: number;
  mounts: number;
  keys: number;
}

async function traces(): Promise<Traces> {
  const children = await descendants(toPid(Deno.pid));
  const states = await Promise.all(children.map(async (pid) => {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
    return stat.slice(stat.lastIndexOf(")") + 2)[0];
  }));
  return {
    descriptors: await countOf("/proc/self/fd"),
    zombies: states.filter((state) => state === "Z").length,
    mounts: (await Deno.readTextFile("/proc/self/mountinfo")).split("\n").length,
    keys: (await Deno.readTextFile("/proc/keys")).split("\n").length,
  };
}

Deno.test(
  `${CYCLES} workers leave no descriptors, zombies, uids, ports, mounts or keys`,
  root,
  async () => {
    await using host = await openTestBackend();
    const { backend } = host;
    const cycle = async (index: number) => {
      // Every other one ends by itself, the rest is stopped.
      const spec = shellSpec(index % 2 === 0 ? "echo x" : "while :; do sleep 0.05; done");
      await backend.spawn(spec);
      if (index % 2 === 0) await backend.exited(spec.id);
      await backend.removeResource(spec.id);
    };
    const round = () => Promise.all(Array.from({ length: AT_ONCE }, (_, index) => cycle(index)));
    await round();
    await settle();
    const { keys: keysBefore, ...before } = await traces();
    for (let done = 0; done < CYCLES; done += AT_ONCE) await round();
    await settle();
    const { keys, ...after } = await traces();
    assertEquals(after, before);
    // The kernel may only now have thrown away what tests before this one have given up.
    assertLess(keys, keysBefore + 1);
    assertEquals(backend.listManaged(), []);
    // More workers at once than are left if a single slot had been lost in each round.
    const slots = host.config.portRangeEnd - host.config.portRangeStart + 1;
    const all = Array.from({ length: slots }, () => shellSpec("sleep 1000"));
    await Promise.all(all.map((spec) => backend.spawn(spec)));
    await Promise.all(all.map(({ id }) => backend.stop(id, { graceMs: 0 })));
    assertEquals(host.log.at("error"), []);
  },
);

/** The standby launcher that replaces the last one used needs a moment to be there. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 300));
}
