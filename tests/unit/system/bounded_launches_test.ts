import { BoundedLaunches, type Launches } from "#src/bounded_launches.ts";
import type { WorkerGroup } from "#src/cgroup/mod.ts";
import { toPid } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const timeoutMs = 5000;
type Job = Parameters<Launches["launch"]>[0];
const JOB = { program: "/usr/bin/bwrap" } as Job;

/** A process that has not come to its gate, and what was done to it. */
function start(group?: Partial<WorkerGroup>) {
  const done: string[] = [];
  const gate = Promise.withResolvers<boolean>();
  const ending = Promise.withResolvers<Deno.CommandStatus>();
  const stream = (name: string) =>
    new ReadableStream<Uint8Array<ArrayBuffer>>({ cancel: () => void done.push(`close ${name}`) });
  const launches: Launches = {
    launch: () =>
      Promise.resolve({
        group: group === undefined ? undefined : {
          folder: "/cg/workers/a",
          kill: () => Promise.resolve(done.push("kill the group") > 0),
          remove: () => Promise.resolve(void done.push("remove the group")),
          ...group,
        } as WorkerGroup,
        pid: toPid(1_000_000),
        stdout: stream("stdout"),
        stderr: stream("stderr"),
        atGate: gate.promise,
        open: () => Promise.resolve(),
        kill() {
          done.push("kill");
          ending.resolve({ success: false, code: 137, signal: "SIGKILL" });
        },
        status: ending.promise,
      }),
  };
  const clock = new FakeClock();
  const log = new RecordingLogger();
  return {
    done,
    gate,
    clock,
    log,
    launches: new BoundedLaunches(launches, { timeoutMs, clock, log }),
  };
}

const BURIED = ["kill", "kill the group", "close stdout", "close stderr", "remove the group"];

Deno.test("a process that comes to its gate, or ends, is handed on untouched", strict, async () => {
  for (const atGate of [true, false]) {
    const { done, gate, clock, launches } = start({});
    const launched = launches.launch(JOB);
    await clock.advance(timeoutMs - 1);
    gate.resolve(atGate);
    assertEquals(await (await launched).atGate, atGate);
    await clock.advance(timeoutMs);
    assertEquals([done, clock.sleepers], [[], 0]);
  }
});

Deno.test("a process that does not come to its gate is cleared away", strict, async () => {
  for (
    const [group, buried] of [[{}, BURIED], [
      undefined,
      BURIED.filter((it) => !/group/.test(it)),
    ]] as const
  ) {
    const { done, clock, log, launches } = start(group);
    const launched = assertRejects(
      () => launches.launch(JOB),
      Error,
      "bwrap did not start the program within 5 s",
    );
    await clock.advance(timeoutMs);
    await launched;
    assertEquals([done, log.records], [buried, []]);
  }
});

Deno.test("at the end those on their way are killed at once, also later ones", strict, async () => {
  const { done, clock, launches } = start({});
  const over = "cannot make a sandbox: the preflight is over";
  const launched = assertRejects(() => launches.launch(JOB), Error, over);
  await clock.advance(1);
  launches.end();
  await launched;
  assertEquals([done, clock.sleepers], [BURIED, 0]);
  await assertRejects(() => launches.launch(JOB), Error, over);
});

Deno.test("a group that stays is told of, and is not what went wrong", strict, async () => {
  const { clock, log, launches } = start({ remove: () => Promise.reject(new Error("it is busy")) });
  const launched = assertRejects(() => launches.launch(JOB), Error, "bwrap did not start");
  await clock.advance(timeoutMs);
  await launched;
  assertEquals(log.records.map(({ level, fields }) => [level, fields]), [
    ["error", { cgroup: "/cg/workers/a", error: "it is busy" }],
  ]);
});
