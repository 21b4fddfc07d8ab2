/** Workers on real bubblewrap, from spawn to the end. */
import {
  addressText,
  ConflictError,
  ExhaustedError,
  newWorkerId,
  NotFoundError,
  NotSupportedError,
  toPort,
  toUid,
} from "#src/core/mod.ts";
import { processesOfUid } from "#src/backend/proc/mod.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import {
  APP,
  lineOf,
  openTestBackend,
  shellSpec,
  wholeLog,
  workerSpec,
} from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R"] });
const HELLO = "/usr/lib/R/site-library/shiny/examples/01_hello";
const shiny = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R", HELLO] });
/** A program that stays until it is told to go. */
const STAY = "echo up; while :; do sleep 0.1; done";

Deno.test(
  "a worker becomes ready when its own socket answers, serves, and ends when stopped",
  shiny,
  async () => {
    await using host = await openTestBackend();
    const { backend } = host;
    const spec = workerSpec({ source: { kind: "directory", path: HELLO } });
    const started = await backend.spawn(spec);
    assertEquals(started.state, "starting");
    await until(
      async () => (await backend.healthCheck(spec.id)).status === "healthy",
      { what: "it answers" },
    );
    const [ready] = backend.listManaged();
    assertEquals([ready?.state, ready?.uid, ready?.gid], [
      "ready",
      started.uid,
      host.config.workerGid,
    ]);

    const response = await fetch(`http://${addressText(backend.addr(spec.id))}/`);
    assertStringIncludes(await response.text(), "Hello Shiny");

    const usage = await backend.workerResourceUsage(spec.id);
    assert(usage.processes >= 3 && usage.cpuPercent > 0, JSON.stringify(usage));
    assert(usage.memoryBytes > 20e6 && usage.memoryBytes < 2e9, JSON.stringify(usage));

    assertEquals(await backend.stop(spec.id), { kind: "stopped" });
    assertEquals(await backend.exited(spec.id), { kind: "stopped" });
    assertEquals(await backend.healthCheck(spec.id), {
      status: "exited",
      exit: { kind: "stopped" },
    });
    assertEquals(await processesOfUid(started.uid), { live: [], zombies: [] });
    assertEquals(await backend.workerResourceUsage(spec.id), {
      cpuPercent: 0,
      memoryBytes: 0,
      processes: 0,
      limits: { memoryBytes: 0, cpuCores: 0, pids: 256 },
    });
  },
);

for (
  const [what, script, exit] of [
    ["an exit code", "exit 7", { kind: "code", code: 7 }],
    ["success", "true", { kind: "code", code: 0 }],
    ["a signal", "kill -SEGV $$; sleep 10", { kind: "signal", signal: "SIGSEGV" }],
    ["a kill", "kill -KILL $$; sleep 10", { kind: "signal", signal: "SIGKILL" }],
  ] as const
) {
  Deno.test(`the end of an app by ${what} is its worker's exit reason`, root, async () => {
    await using host = await openTestBackend();
    const spec = shellSpec(script);
    await host.backend.spawn(spec);
    assertEquals(await host.backend.exited(spec.id), exit);
    assertEquals(host.backend.listManaged()[0]?.exit, exit);
  });
}

Deno.test("the last words of an app that dies at once are in its log", root, async () => {
  await using host = await openTestBackend();
  const specs = Array.from(
    { length: 20 },
    (_, index) => shellSpec(`echo "out ${index}"; echo "err ${index}" >&2; printf "no line end"`),
  );
  await Promise.all(specs.map((spec) => host.backend.spawn(spec)));
  for (const [index, spec] of specs.entries()) {
    await host.backend.exited(spec.id);
    const lines = await wholeLog(host.backend, spec.id);
    const of = (stream: string) =>
      lines.filter((line) => line.stream === stream).map(({ text }) => text);
    assertEquals(of("stdout"), [`out ${index}`, "no line end"]);
    assertEquals(of("stderr"), [`err ${index}`]);
  }
});

Deno.test("stop() asks the app itself, which may take its time", root, async () => {
  await using host = await openTestBackend();
  const spec = shellSpec('trap "echo asked; sleep 0.2; echo done; exit 3" TERM; ' + STAY);
  await host.backend.spawn(spec);
  await lineOf(host.backend, spec.id, /up/);
  assertEquals(await host.backend.stop(spec.id, { graceMs: 15_000 }), { kind: "stopped" });
  const lines = (await wholeLog(host.backend, spec.id)).map(({ text }) => text);
  assertEquals(lines, ["up", "asked", "done"]);
});

Deno.test("stop() lets R finish its handlers", shiny, async () => {
  await using host = await openTestBackend();
  const app =
    'library(shiny); onStop(function() message("handler ran")); shinyApp(fluidPage(), function(input, output) {})';
  const spec = workerSpec({ source: { kind: "files", files: { "app.R": app } } });
  await host.backend.spawn(spec);
  await until(
    async () => (await host.backend.healthCheck(spec.id)).status === "healthy",
    { what: "it answers" },
  );
  await host.backend.stop(spec.id, { graceMs: 15_000 });
  const lines = (await wholeLog(host.backend, spec.id)).map(({ text }) => text);
  assert(lines.includes("handler ran"), lines.join("\n"));
});

Deno.test(
  "stop() kills an app that does not listen, with everything it started",
  root,
  async () => {
    await using host = await openTestBackend();
    const spec = shellSpec('trap "" TERM INT HUP; (trap "" TERM; setsid sleep 1000) & ' + STAY);
    const { uid } = await host.backend.spawn(spec);
    await lineOf(host.backend, spec.id, /up/);
    assertEquals(await host.backend.stop(spec.id, { graceMs: 200 }), { kind: "stopped" });
    assertEquals(await processesOfUid(uid), { live: [], zombies: [] });
  },
);

Deno.test(
  "stop() leaves alone why a worker had ended before, and is safe to call at once twice",
  root,
  async () => {
    await using host = await openTestBackend();
    const [ended, runs] = [shellSpec("exit 4"), shellSpec(STAY)];
    await Promise.all([host.backend.spawn(ended), host.backend.spawn(runs)]);
    await host.backend.exited(ended.id);
    assertEquals(await host.backend.stop(ended.id), { kind: "code", code: 4 });
    assertEquals(
      await Promise.all([
        host.backend.stop(runs.id, { graceMs: 100, reason: { kind: "start_timeout" } }),
        host.backend.stop(runs.id, { graceMs: 100 }),
      ]),
      [{ kind: "start_timeout" }, { kind: "start_timeout" }],
    );
  },
);

Deno.test(
  "a sandbox whose monitor is killed is lost, and nothing of it is left",
  root,
  async () => {
    await using host = await openTestBackend();
    const spec = shellSpec(STAY);
    const { pid, uid } = await host.backend.spawn(spec);
    await lineOf(host.backend, spec.id, /up/);
    Deno.kill(pid, "SIGKILL");
    assertEquals(await host.backend.exited(spec.id), { kind: "lost" });
    assertEquals(await processesOfUid(uid), { live: [], zombies: [] });
  },
);

Deno.test("of two spawns of one id one wins and the other is told so", root, async () => {
  await using host = await openTestBackend();
  const spec = shellSpec(STAY);
  const results = await Promise.allSettled([host.backend.spawn(spec), host.backend.spawn(spec)]);
  assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected"]);
  const error = await assertRejects(() => host.backend.spawn(spec), ConflictError);
  assertEquals(error.message, `cannot use the id ${spec.id}: a worker or a build has it`);
  await host.backend.removeResource(spec.id);
  assertEquals(host.backend.listManaged(), []);
  await host.backend.spawn(spec);
});

Deno.test("what does not exist is refused by name", root, async () => {
  await using host = await openTestBackend();
  const { backend } = host;
  const id = newWorkerId(APP);
  const message = `cannot find worker ${id}`;
  for (
    const action of [
      () => backend.stop(id),
      () => backend.exited(id),
      () => backend.healthCheck(id),
      () => backend.removeResource(id),
      () => backend.workerResourceUsage(id),
      () => backend.updateResources(id, {}),
      () => Array.fromAsync(backend.logs(id)),
      () => Promise.resolve(backend.addr(id)),
    ]
  ) {
    await assertRejects(async () => await action(), NotFoundError, message);
  }
});

Deno.test("limits of a live worker are refused as not supported", root, async () => {
  await using host = await openTestBackend();
  const spec = shellSpec(STAY);
  await host.backend.spawn(spec);
  await assertRejects(
    () => host.backend.updateResources(spec.id, { cpuCores: 1 }),
    NotSupportedError,
    spec.id,
  );
});

Deno.test("spawns that fail give everything back, and say which step failed", root, async () => {
  await using host = await openTestBackend();
  const { backend, config } = host;
  const slots = config.portRangeEnd - config.portRangeStart + 1;
  for (let round = 0; round < slots + 5; round++) {
    const spec = shellSpec("true", {
      mounts: [{ source: "/etc/hostname", target: "/usr/x", readOnly: true }],
    });
    const error = await assertRejects(() => backend.spawn(spec), Error);
    assertMatch(
      error.message,
      /^cannot start worker \S+: start the sandbox: cannot mount at "\/usr\/x"/,
    );
  }
  for (
    const [changes, message] of [
      [
        { source: { kind: "directory", path: "/nonexistent" } },
        "open the app: cannot find the app's folder /nonexistent",
      ],
      [
        { source: { kind: "directory", path: "/etc/passwd" } },
        "open the app: /etc/passwd is not a folder",
      ],
      [
        { source: { kind: "files", files: { "notes.txt": "" } } },
        "choose the command: cannot tell how to run the app",
      ],
      [
        { mounts: [{ source: "/nonexistent", target: "/data", readOnly: true }] },
        "open the mounts: cannot mount /nonexistent at /data",
      ],
      [{ rVersion: "9.9" }, "find R: cannot serve R 9.9"],
      [{ rVersion: "../4" }, 'find R: cannot use "../4" as an R version'],
      [{ cmd: ["/bin/true"], env: { "A B": "" } }, 'cannot set environment variable "A B"'],
      [
        { cmd: ["/bin/true"], env: { TOKEN: "s3cret\0" } },
        "cannot set environment variable TOKEN: its value contains NUL",
      ],
    ] as const
  ) {
    const error = await assertRejects(() => backend.spawn(workerSpec(changes)), Error, message);
    assertEquals(error.message.includes("s3cret"), false);
  }
  assertEquals(backend.listManaged(), []);
  // Every slot can still be used.
  const specs = Array.from({ length: slots }, () => shellSpec(STAY));
  await Promise.all(specs.map((spec) => backend.spawn(spec)));
  const taken = backend.listManaged();
  assertEquals(new Set(taken.map(({ uid }) => uid)).size, slots);
  assertEquals(new Set(taken.map(({ address }) => addressText(address))).size, slots);
  const error = await assertRejects(() => backend.spawn(shellSpec(STAY)), ExhaustedError);
  assertStringIncludes(error.message, "claim a uid");
  await Promise.all(specs.map(({ id }) => backend.stop(id, { graceMs: 0 })));
});

Deno.test("a spawn that is called off leaves nothing behind", root, async () => {
  await using host = await openTestBackend();
  for (let delayMs = 0; delayMs < 40; delayMs += 2) {
    const spec = shellSpec(STAY);
    const calledOff = new AbortController();
    const spawned = host.backend.spawn(spec, { signal: calledOff.signal }).then(
      () => "spawned",
      () => "undone",
    );
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    calledOff.abort();
    const outcome = await spawned;
    assertEquals(host.backend.listManaged().length, outcome === "spawned" ? 1 : 0);
    if (outcome === "spawned") await host.backend.removeResource(spec.id);
  }
  const { workerUidRangeStart: first, workerUidRangeEnd: last } = host.config;
  for (let uid = first; uid <= last; uid++) {
    assertEquals((await processesOfUid(uid as typeof first)).live, []);
  }
});

Deno.test("a port that another program listens on is passed over", root, async () => {
  await using host = await openTestBackend();
  using other = Deno.listen({ hostname: "0.0.0.0", port: host.config.portRangeStart });
  const spec = shellSpec(STAY);
  const { address } = await host.backend.spawn(spec);
  assertEquals(other.addr.port, host.config.portRangeStart);
  assertEquals(addressText(address), `127.0.0.1:${host.config.portRangeStart + 1}`);
});

/** A Perl program that listens on a port of 127.0.0.1 and says so. */
function perlListener(port: number | string, options = ""): string {
  return `use IO::Socket::INET; $| = 1; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", ` +
    `LocalPort => ${port}, Listen => 5, ${options}) or die "cannot listen: $!"; print "listens\\n"; `;
}

Deno.test("a program that does not share its port can listen on it", root, async () => {
  // Not on a port of other tests, which the kernel keeps for a minute for their connections' sake.
  const port = 61_000 + Deno.pid % 4000;
  await using host = await openTestBackend({
    portRangeStart: toPort(port),
    portRangeEnd: toPort(port),
  });
  const spec = workerSpec({ cmd: ["perl", "-e", perlListener("{port}"), "-e", "sleep 1000"] });
  await host.backend.spawn(spec);
  await lineOf(host.backend, spec.id, /listens/);
  assertEquals(await host.backend.healthCheck(spec.id), { status: "healthy" });
});

Deno.test("a stranger that listens on a worker's port does not make it healthy", root, async () => {
  await using host = await openTestBackend();
  const spec = shellSpec(STAY);
  const { address } = await host.backend.spawn(spec);
  assert(address.kind === "tcp");
  assertMatch(
    JSON.stringify(await host.backend.healthCheck(spec.id)),
    /unhealthy.*refused/i,
  );
  // The port is held for the worker, but a program that means to can still share it.
  const stranger = new Deno.Command("/usr/bin/perl", {
    args: ["-e", perlListener(address.port, "ReuseAddr => 1"), "-e", "<STDIN>"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = stranger.stdout.getReader();
  await reader.read();
  const health = await host.backend.healthCheck(spec.id);
  assertEquals(health.status, "unhealthy");
  assertStringIncludes(JSON.stringify(health), "a program of uid 0 that is not the worker listens");
  await stranger.stdin.close();
  await reader.cancel();
  await stranger.status;
});

Deno.test("a uid under which somebody else's process runs is passed over", root, async () => {
  const probe = await openTestBackend();
  const { workerUidRangeStart: uid, workerGid: gid } = probe.config;
  await probe[Symbol.asyncDispose]();
  const squatter = new Deno.Command("setpriv", {
    args: ["--reuid", String(uid), "--regid", String(gid), "--clear-groups", "sleep", "1000"],
  }).spawn();
  try {
    await until(async () => (await processesOfUid(uid)).live.length > 0, {
      what: "the squatter runs",
    });
    await using host = await openTestBackend({ workerUidRangeEnd: toUid(uid + 1) });
    const first = await host.backend.spawn(shellSpec(STAY));
    assertEquals(first.uid, uid + 1);
    await assertRejects(() => host.backend.spawn(shellSpec(STAY)), ExhaustedError);
    assertEquals((await processesOfUid(uid)).live.length, 1, "the squatter is left alone");
  } finally {
    squatter.kill("SIGKILL");
    await squatter.status;
  }
});

Deno.test("closing stops everything, and lets nothing new begin", root, async () => {
  const host = await openTestBackend();
  const specs = Array.from({ length: 5 }, () => shellSpec(STAY));
  const first = specs.slice(0, 3).map((spec) => host.backend.spawn(spec));
  await Promise.all(first);
  const late = Promise.allSettled(specs.slice(3).map((spec) => host.backend.spawn(spec)));
  await host[Symbol.asyncDispose]();
  await late;
  await assertRejects(() => host.backend.spawn(shellSpec(STAY)), Error, "the server is closing");
  for (const { exit } of host.backend.listManaged()) assert(exit !== undefined);
  const { workerUidRangeStart: uid } = host.config;
  for (let i = 0; i < 5; i++) {
    assertEquals((await processesOfUid((uid + i) as typeof uid)).live, []);
  }
});
