import { rehearse } from "#src/sandbox/bwrap_exec/rehearse.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** What a job changes in the process that carries it out, as the kernel shows it. */
async function ownState(): Promise<Record<string, unknown>> {
  const [status, limits] = await Promise.all([
    Deno.readTextFile("/proc/self/status"),
    Deno.readTextFile("/proc/self/limits"),
  ]);
  const fields = /^(?:Umask|Uid|Gid|Groups|SigBlk|SigIgn|SigCgt|NoNewPrivs):.*$/gm;
  return {
    status: status.match(fields),
    limits,
    cwd: Deno.cwd(),
    stdin: await Deno.readLink("/proc/self/fd/0"),
    fds: Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => name).length,
  };
}

Deno.test("rehearse() goes through a whole job and changes nothing", strict, async () => {
  const before = await ownState();
  assertEquals((before.status as string[]).length, 8);
  assert(rehearse(), "the rehearsal ended early");
  assertEquals(await ownState(), before);
});
