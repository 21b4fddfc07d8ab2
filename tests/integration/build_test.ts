/** Builds: commands that run to their end in a sandbox. */
import type { BuildSpec, LogLine } from "#src/backend/mod.ts";
import { processesOfUid } from "#src/backend/proc/mod.ts";
import { ConflictError, newWorkerId } from "#src/core/mod.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "#tests/support/assert.ts";
import { APP, openTestBackend } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R"] });

function buildSpec(script: string, changes: Partial<BuildSpec> = {}): BuildSpec {
  return {
    id: newWorkerId(APP),
    app: APP,
    cmd: ["/bin/sh", "-c", script],
    rVersion: "",
    env: {},
    mounts: [],
    timeoutMs: 60_000,
    ...changes,
  };
}

Deno.test(
  "a build gives its exit code, its whole log, and every line as it comes",
  root,
  async () => {
    await using host = await openTestBackend();
    const live: LogLine[] = [];
    const spec = buildSpec("echo one; sleep 0.1; echo two >&2; printf three; exit 5");
    const result = await host.backend.build(spec, { onLog: (line) => live.push(line) });
    assertEquals([result.outcome, result.exitCode], ["finished", 5]);
    assertEquals(result.log.map(({ stream, text }) => [stream, text]), [
      ["stdout", "one"],
      ["stderr", "two"],
      ["stdout", "three"],
    ]);
    assertEquals(live, [...result.log]);
  },
);

Deno.test(
  "a build has a uid of its own, R of the version asked for, and the mounts it was given",
  root,
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "blockyard-build-" });
    try {
      await using host = await openTestBackend();
      await Deno.chmod(folder, 0o770);
      await Deno.chown(folder, 0, host.config.workerGid);
      const version = new TextDecoder().decode(
        (await new Deno.Command("R", { args: ["--version"] }).output()).stdout,
      ).match(/\d+\.\d+\.\d+/)?.[0] ?? "";
      const [major, minor] = version.split(".");
      const result = await host.backend.build(buildSpec("", {
        cmd: [
          "Rscript",
          "-e",
          'cat(as.character(getRversion()), Sys.getenv("KIND")); file.create("made")',
        ],
        rVersion: `${major}.${minor}`,
        env: { KIND: "build" },
        mounts: [{ source: folder, target: "/out", readOnly: false }],
        workDir: "/out",
      }));
      assertEquals(result.exitCode, 0, JSON.stringify(result));
      assertMatch(result.log[0]?.text ?? "", new RegExp(`^${version} build`));
      const { uid } = await Deno.stat(`${folder}/made`);
      const { workerUidRangeStart: start, workerUidRangeEnd: end } = host.config;
      assert(uid !== null && uid >= start && uid <= end, String(uid));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test(
  "a build that takes too long is killed, and so is one that is cancelled",
  root,
  async () => {
    await using host = await openTestBackend();
    const slow = buildSpec("echo begun; sleep 1000 & sleep 1000", { timeoutMs: 500 });
    const late = await host.backend.build(slow);
    assertEquals([late.outcome, late.exitCode], ["timeout", -1]);
    assertEquals(late.log.map(({ text }) => text), ["begun"]);

    const cancel = new AbortController();
    const cancelled = host.backend.build(buildSpec("echo begun; sleep 1000"), {
      signal: cancel.signal,
      onLog: () => cancel.abort(),
    });
    assertEquals((await cancelled).outcome, "cancelled");
    const before = await host.backend.build(buildSpec("true"), { signal: AbortSignal.abort() });
    assertEquals(before, { outcome: "cancelled", exitCode: -1, log: [] });
    const { workerUidRangeStart: uid } = host.config;
    for (let i = 0; i < 3; i++) {
      assertEquals((await processesOfUid((uid + i) as typeof uid)).live, []);
    }
  },
);

Deno.test(
  "a build keeps its id to itself while it runs, and closing cancels it",
  root,
  async () => {
    const host = await openTestBackend();
    const spec = buildSpec("echo begun; sleep 1000");
    const begun = Promise.withResolvers<void>();
    const running = host.backend.build(spec, { onLog: () => begun.resolve() });
    await begun.promise;
    await assertRejects(() => host.backend.build(spec), ConflictError, spec.id);
    await host[Symbol.asyncDispose]();
    assertEquals((await running).outcome, "cancelled");
  },
);

Deno.test("a build that cannot be started says which step failed", root, async () => {
  await using host = await openTestBackend();
  const mounts = [{ source: "/nonexistent", target: "/src", readOnly: true }];
  await assertRejects(
    () => host.backend.build(buildSpec("true", { mounts })),
    Error,
    "open the mounts: cannot mount /nonexistent at /src",
  );
  await assertRejects(
    () => host.backend.build(buildSpec("true", { cmd: [] })),
    Error,
    "empty command",
  );
  const result = await host.backend.build(buildSpec("", { cmd: ["/nonexistent"] }));
  assertEquals([result.outcome, result.exitCode], ["finished", 127]);
  assertMatch(result.log[0]?.text ?? "", /sandbox: 1: exec: \/nonexistent: not found/);
});

Deno.test("a build's log floods neither the server nor is it blocked by it", root, async () => {
  await using host = await openTestBackend();
  let lines = 0;
  const result = await host.backend.build(
    buildSpec(
      "yes 'a line of output' | head -n 300000; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo end",
    ),
    { onLog: () => lines++ },
  );
  assertEquals(result.exitCode, 0);
  assertEquals(result.log.at(-1)?.text, "end");
  assertMatch(result.log.at(-2)?.text ?? "", /^x+ …\[cut\]$/);
  assert(result.log.length <= 10_000 && lines >= result.log.length);
});
