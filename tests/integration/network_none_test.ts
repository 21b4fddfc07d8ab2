/** Real workers without a network: what they reach, who reaches them, what is left of them. */
import type { Backend, WorkerSpec } from "#src/backend/mod.ts";
import { newWorkerId, toPort, type WorkerId } from "#src/core/mod.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import {
  APP,
  lineOf,
  openTestBackend,
  shellSpec,
  workerSpec,
} from "#tests/support/host_backend.ts";
import { openFiles, processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/perl"] });
const parallel = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R"] });
const none = { network: "none" } as const;

/** Perl that listens on the socket `$p`, and answers every connection with the word. */
const serve = (word: string) =>
  "use IO::Socket::UNIX; $| = 1; $SIG{PIPE} = q(IGNORE); my $p = $ARGV[0]; " +
  'my $l = IO::Socket::UNIX->new(Type => SOCK_STREAM(), Local => $p, Listen => 5) or die "no: $!"; ' +
  `print "listens\\n"; while (my $c = $l->accept) { print {$c} "${word}"; close $c; `;

/** A worker that answers at its socket; `step` is Perl that follows every answer. */
function perlSpec(step = "", changes: Partial<WorkerSpec> = {}): WorkerSpec {
  return workerSpec({
    ...none,
    cmd: ["perl", "-e", `${serve("worker")} ${step} }`, "{socket}"],
    ...changes,
  });
}

async function ready(backend: Backend, id: WorkerId): Promise<string> {
  let last = "";
  await until(async () => {
    const health = await backend.healthCheck(id);
    last = JSON.stringify(health);
    return health.status === "healthy";
  }, { what: () => `it answers: ${last}` });
  return connectPathOf(backend, id);
}

function connectPathOf(backend: Backend, id: WorkerId): string {
  const address = backend.addr(id);
  assert(address.kind === "unix");
  return address.connectPath;
}

async function wordAt(path: string): Promise<string> {
  const connection = await Deno.connect({ transport: "unix", path });
  return await new Response(connection.readable).text();
}

/** Runs a script in a worker to its end and gives its output. */
async function run(
  backend: Backend,
  script: string,
  changes: Partial<WorkerSpec>,
): Promise<string> {
  const spec = shellSpec(`exec 2>&1\n${script}`, changes);
  await backend.spawn(spec);
  await backend.exited(spec.id);
  const lines = await Array.fromAsync(backend.logs(spec.id));
  return lines.map(({ text }) => text).join("\n");
}

Deno.test(
  "a worker without a network is reached at its socket, and has no port",
  root,
  async () => {
    // One port, which no worker without a network takes from the one that needs it.
    const port = toPort(61_000 + Deno.pid % 4000);
    await using host = await openTestBackend({ portRangeStart: port, portRangeEnd: port });
    const { backend } = host;
    const specs = [perlSpec(), perlSpec()];
    for (const spec of specs) {
      const { address, pid } = await backend.spawn(spec);
      assert(address.kind === "unix");
      assertMatch(address.path, /^\/proc\/\d+\/root\/run\/blockyard\/app\.sock$/);
      await lineOf(backend, spec.id, /listens/);
      await assertRejects(() => wordAt(address.connectPath), Deno.errors.ConnectionRefused);
      assertEquals(await wordAt(await ready(backend, spec.id)), "worker");
      const own = await Deno.readLink(`/proc/${pid}/ns/net`);
      assertEquals(own, await Deno.readLink("/proc/self/ns/net"), "the monitor stays outside");
      const logged = host.log.records.find(({ fields }) => fields?.["worker"] === spec.id);
      assertEquals([logged?.fields?.["address"], logged?.fields?.["port"]], [
        `unix:${address.path}`,
        undefined,
      ]);
    }
    assertEquals(backend.listManaged().map(({ state }) => state), ["ready", "ready"]);
    const other = shellSpec("sleep 1000");
    const { address } = await backend.spawn(other);
    assertEquals(address.kind === "tcp" && address.port, port);
  },
);

Deno.test(
  "a worker without a network has loopback to itself, and reaches neither the host's nor others",
  root,
  async () => {
    await using host = await openTestBackend();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const abstract = `blockyard-test-${crypto.randomUUID()}`;
    await using server = new Deno.Command("/usr/bin/perl", {
      args: [
        "-e",
        'use Socket; $| = 1; socket(my $s, AF_UNIX, SOCK_STREAM, 0); bind($s, pack_sockaddr_un("\\0$ARGV[0]")) ' +
        'or die; listen($s, 5); print "up"; <STDIN>',
        abstract,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const output = server.stdout.getReader();
    await output.read();
    const connect = 'use Socket; $s = ""; ' +
      "socket($s, PF_INET, SOCK_STREAM, 0); " +
      `print connect($s, pack_sockaddr_in(${listener.addr.port}, inet_aton("127.0.0.1"))) ? "tcp open" : "tcp $!", "\\n"; ` +
      "socket($s, AF_UNIX, SOCK_STREAM, 0); " +
      `print connect($s, pack_sockaddr_un("\\0${abstract}")) ? "abstract open" : "abstract $!", "\\n"; ` +
      "socket($s, PF_INET, SOCK_DGRAM, 0); " +
      'print connect($s, pack_sockaddr_in(53, inet_aton("192.0.2.1"))) ? "route" : "route $!", "\\n";';
    const script = `perl -e '${connect}'; cut -d: -f1 /proc/net/dev | tail -n +3; ` +
      "cat /proc/net/unix | grep -c blockyard-test";

    const outside = await run(host.backend, script, { network: "host" });
    assertMatch(outside, /^tcp open$/m);
    // Where the kernel has Landlock's scopes, they refuse what is seen there all the same.
    assertMatch(outside, /^abstract (?:open|Operation not permitted)$/m);
    const inside = await run(host.backend, script, none);
    assertMatch(inside, /^tcp Connection refused$/m);
    assertMatch(inside, /^abstract Connection refused$/m);
    assertMatch(inside, /^route Network is unreachable$/m);
    assertEquals(inside.split("\n").slice(3).map((line) => line.trim()), ["lo", "0"]);

    (await listener.accept()).close();
    await server.stdin.close();
    await output.cancel();
    await server.status;
  },
);

Deno.test("R finds its own processes over loopback without a network", parallel, async () => {
  await using host = await openTestBackend();
  const code = "cluster <- parallel::makePSOCKcluster(2); " +
    "cat(sum(unlist(parallel::clusterApply(cluster, 1:2, function(x) x * 10))), fill = TRUE); " +
    "parallel::stopCluster(cluster)";
  assertStringIncludes(await run(host.backend, `Rscript -e '${code}'`, none), "30");
});

Deno.test("the folder of the socket is small, private and all that is there", root, async () => {
  await using host = await openTestBackend();
  const script = "ls -A /run /run/blockyard; stat -c '%n %a %u' /run/blockyard; " +
    "head -c 1m /dev/zero > /run/blockyard/big; stat -c 'big %s' /run/blockyard/big; " +
    "touch /run/x; mv /run/blockyard /run/other";
  const inside = await run(host.backend, script, none);
  const uid = host.config.workerUidRangeStart;
  assertMatch(inside, new RegExp(`^/run/blockyard 700 ${uid.toString().slice(0, 6)}`, "m"));
  assertMatch(inside, /^big 65536$/m);
  assertMatch(inside, /touch: .*Read-only file system/);
  assertMatch(inside, /mv: .*(?:Read-only|busy)/);
  // What it wrote is in its sandbox and nowhere on the host.
  await assertRejects(() => Deno.lstat("/run/blockyard/big"), Deno.errors.NotFound);
  const onHost = await run(host.backend, "ls -A /run", { network: "host" });
  assertNotMatch(onHost, /blockyard/);
});

Deno.test(
  "neither another worker nor its user on the host comes near the socket",
  root,
  async () => {
    await using host = await openTestBackend();
    const { backend } = host;
    const spec = perlSpec();
    const { address, gid } = await backend.spawn(spec);
    await ready(backend, spec.id);
    assert(address.kind === "unix");
    const connect =
      `use Socket; socket($s, AF_UNIX, SOCK_STREAM, 0); print connect($s, pack_sockaddr_un("${address.path}")) ` +
      '? "open" : "$!";';
    const asUser = async (...prefix: string[]) => {
      const [program = "", ...args] = [...prefix, "perl", "-e", connect];
      const { stdout } = await new Deno.Command(program, { args }).output();
      return new TextDecoder().decode(stdout);
    };
    assertEquals(await asUser("env"), "open");
    const other = host.config.workerUidRangeEnd;
    assertEquals(
      await asUser("setpriv", `--reuid=${other}`, `--regid=${gid}`, "--clear-groups"),
      "Permission denied",
    );
    for (const network of ["host", "none"] as const) {
      const inside = await run(backend, `perl -e '${connect}'`, { network });
      assertEquals(inside, "No such file or directory");
    }
  },
);

Deno.test(
  "a worker that puts a link to a socket of the host in place of its own leads nobody there",
  root,
  async () => {
    await using folder = await tempFolder();
    const target = `${folder.path}/of-the-host.sock`;
    using victim = Deno.listen({ transport: "unix", path: target });
    let reached = 0;
    const accepting = (async () => {
      for await (const connection of victim) {
        reached++;
        connection.close();
      }
    })();
    await using host = await openTestBackend();
    const { backend } = host;
    const swap = `rename($p, "$p.old"); symlink("${target}", $p); print "swapped\\n";`;
    const swaps = perlSpec(swap);
    const begins = shellSpec(`ln -s ${target} {socket}; echo linked; sleep 1000`, none);
    await Promise.all([backend.spawn(swaps), backend.spawn(begins)]);

    // The look at the socket is the first connection, which makes it swap.
    const path = await ready(backend, swaps.id);
    await lineOf(backend, swaps.id, /swapped/);
    assertEquals(await wordAt(path), "worker");
    assertEquals((await backend.healthCheck(swaps.id)).status, "healthy");
    assertEquals(await wordAt(path), "worker");

    await lineOf(backend, begins.id, /linked/);
    assertEquals(await backend.healthCheck(begins.id), {
      status: "unhealthy",
      reason: "/run/blockyard/app.sock is no socket",
    });
    await assertRejects(
      () => wordAt(connectPathOf(backend, begins.id)),
      Deno.errors.ConnectionRefused,
    );
    assertEquals(reached, 0);
    // The link is there, and would lead there whoever goes by the path.
    const { path: followed } = backend.addr(swaps.id) as { path: string };
    await wordAt(followed);
    await until(() => reached === 1, { what: "the link leads to the host's socket" });
    victim.close();
    await accepting;
  },
);

Deno.test("a worker that opens its socket anew is found again", root, async () => {
  await using host = await openTestBackend();
  const { backend } = host;
  const again = `close $l; unlink $p; ${serve("again")} }`;
  const spec = perlSpec(`if ($n++ == 1) { ${again} }`);
  await backend.spawn(spec);
  const path = await ready(backend, spec.id);
  assertEquals(await wordAt(path), "worker");
  await lineOf(backend, spec.id, /listens/);
  await until(async () => {
    await backend.healthCheck(spec.id);
    return await wordAt(path).catch(() => "") === "again";
  }, { what: "the new socket answers" });
  assertEquals(connectPathOf(backend, spec.id), path);
});

Deno.test("nothing is left of a worker's socket when the worker was removed", root, async () => {
  const isMounted = async () =>
    /^(?:\S+ ){4}\/run\/blockyard /m.test(await Deno.readTextFile("/proc/self/mountinfo"));
  const held = () =>
    [...openFiles(Deno.pid).values()].filter((path) => path.endsWith("/app.sock")).length;
  await using host = await openTestBackend();
  const { backend } = host;
  const spec = perlSpec('open(my $f, ">", "/run/blockyard/left"); mkdir "/run/blockyard/d";');
  const { uid } = await backend.spawn(spec);
  await ready(backend, spec.id);
  assertEquals([held() > 0, await isMounted()], [true, false]);
  await backend.stop(spec.id);
  assertEquals((await backend.healthCheck(spec.id)).status, "exited");
  await backend.removeResource(spec.id);
  assertEquals([held(), await isMounted()], [0, false]);
  assertEquals(processesOfUids({ start: uid, end: uid }), []);

  // What is kept until then is let go at the end, too.
  const last = perlSpec();
  await backend.spawn(last);
  await ready(backend, last.id);
  await backend.close({ graceMs: 0 });
  assertEquals(held(), 0);
  assertEquals(backend.listManaged().map(({ address }) => address.kind), ["unix"]);
});

Deno.test("a build keeps the host's network", root, async () => {
  await using host = await openTestBackend({ network: "none" });
  const { log } = await host.backend.build({
    id: newWorkerId(APP),
    app: APP,
    cmd: ["/usr/bin/readlink", "/proc/self/ns/net"],
    rVersion: "",
    env: {},
    mounts: [],
    timeoutMs: 20_000,
  });
  assertEquals(log.map(({ text }) => text), [await Deno.readLink("/proc/self/ns/net")]);
});

Deno.test(
  "a worker whose socket cannot be taken hold of never runs its program",
  root,
  async () => {
    await using folder = await tempFolder();
    await folder.folder("out", 0o777);
    await using host = await openTestBackend({ bwrapPath: await withoutFolder(folder.path) });
    const spec = shellSpec("touch /out/ran", {
      ...none,
      mounts: [{ source: `${folder.path}/out`, target: "/out", readOnly: false }],
    });
    const error = await assertRejects(() => host.backend.spawn(spec), Error, "start the sandbox");
    assertStringIncludes(error.message, "run/blockyard");
    assertEquals(Array.from(Deno.readDirSync(`${folder.path}/out`)), []);
    assertEquals(host.backend.listManaged(), []);
    const { workerUidRangeStart: start, workerUidRangeEnd: end } = host.config;
    assertEquals(processesOfUids({ start, end }), []);
    // On the host's network it runs.
    await host.backend.spawn({ ...spec, network: "host" });
    await host.backend.exited(spec.id);
    assertEquals(Array.from(Deno.readDirSync(`${folder.path}/out`), ({ name }) => name), ["ran"]);
  },
);

/** A bwrap that makes the folder of the socket elsewhere. */
async function withoutFolder(folder: string): Promise<string> {
  const path = `${folder}/bwrap`;
  await Deno.writeTextFile(
    path,
    "#!/usr/bin/perl\n" +
      'my @fds = grep { $ARGV[$_ - 1] eq "--args" } 1 .. $#ARGV;\n' +
      'open(my $in, "<&=", $ARGV[$fds[0]]) or die; local $/; my $all = <$in>;\n' +
      "$all =~ s{/run/blockyard}{/run/elsewhere}g;\n" +
      'open(my $out, "+>", undef) or die; print {$out} $all; $out->flush; seek($out, 0, 0);\n' +
      "use Fcntl; fcntl($out, F_SETFD, 0); $ARGV[$fds[0]] = fileno($out);\n" +
      'exec("/usr/bin/bwrap", @ARGV);\n',
  );
  await Deno.chmod(path, 0o755);
  return path;
}
