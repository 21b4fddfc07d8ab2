import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { descendantsOf, processStatus } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { copyApp, Probe, PROBE_COMMAND } from "./support/probe_app.ts";
import { type ServeOptions, ServeProcess } from "./support/server.ts";

const options = needs({ files: SERVER_FILES });
const asRoot = needs({ root: true, files: SERVER_FILES });

Deno.test(
  "an app sees its own files, and none of another app, of the server or of the host",
  options,
  async () => {
    await using folder = await tempFolder();
    const other = await folder.write("other/data.csv", "belongs to another app");
    const { server, probe } = await serveProbe(folder, {
      apps: { other: { path: `${folder.path}/other` } },
    });
    await using _ = server;
    await folder.write("data/anything", "belongs to the server");

    assertEquals(await probe.run(`cat(list.files("/app"))`), "probe.R");
    const config = `${folder.path}/blockyard.yaml`;
    const hidden = [other, config, `${folder.path}/data/anything`, "/etc/shadow", "/etc/hostname"];
    for (const path of [...hidden, folder.path, "/root", "/home", "/var/log", "/var/lib/dpkg"]) {
      assert(await exists(path), `${path} is not even on the host`);
      assertEquals(await probe.run(`cat(file.exists("${path}"))`), "FALSE", path);
    }
    const root = await probe.run(`cat(list.files("/", all.files = TRUE, no.. = TRUE))`);
    assertEquals(
      root.split(" ").filter((name) =>
        !/^(?:app|bin|dev|etc|lib.*|proc|run|sbin|tmp|usr|var)$/.test(name)
      ),
      [],
    );
  },
);

Deno.test("an app can write to its temporary folders and nowhere else", options, async () => {
  await using folder = await tempFolder();
  const { server, probe } = await serveProbe(folder);
  await using _ = server;

  const tried = ["/tmp", "/dev/shm", "/", "/app", "/etc", "/usr", "/run", "/dev", "/proc", "/var"];
  const writable = await probe.shell(
    `for folder in ${tried.join(" ")}; do touch $folder/mine && echo $folder; done 2>/dev/null`,
  );
  assertEquals(writable.split("\n").filter((line) => line.startsWith("/")), ["/tmp", "/dev/shm"]);
});

Deno.test("an app reaches no unix socket of the host", asRoot, async () => {
  await using folder = await tempFolder();
  const socket = `/run/blockyard-test-${crypto.randomUUID()}.sock`;
  using _listener = Deno.listen({ transport: "unix", path: socket });
  await Deno.chmod(socket, 0o666);
  const { server, probe } = await serveProbe(folder);
  await using _ = server;

  assert(await exists(socket), `${socket} is not even on the host`);
  assertEquals(await probe.run(`cat(file.exists("${socket}"))`), "FALSE");
  assertEquals(
    await probe.run(`cat(dir.exists("/run"), list.files("/run", all.files = TRUE, no.. = TRUE))`),
    "TRUE ",
  );
});

Deno.test("an app sees only its own processes", options, async () => {
  await using folder = await tempFolder();
  const { server, probe } = await serveProbe(folder);
  await using _ = server;

  const seen = await probe.run(`cat(list.files("/proc", pattern = "^[0-9]+$"))`);
  // bwrap is the first process of the namespace and R the second.
  assertEquals(seen, "1 2");
  const { r } = await server.rOf("probe");
  assertMatch(processStatus(r.pid).NSpid ?? "", /^\d+ 2$/);
  assertEquals(await probe.run(`cat(tools::pskill(${server.pid}, 0), Sys.getpid())`), "FALSE 2");
});

Deno.test("the server's environment stays with the server", options, async () => {
  await using folder = await tempFolder();
  const secret = crypto.randomUUID();
  const { server, probe } = await serveProbe(folder, { env: { TOKEN_OF_SERVER: secret } });
  await using _ = server;

  const own = await Deno.readTextFile(`/proc/${server.pid}/environ`);
  assertStringIncludes(own, `TOKEN_OF_SERVER=${secret}`);
  const names = await probe.run(`cat(names(Sys.getenv()))`);
  assertEquals(names.split(" ").filter((name) => /^(?:TOKEN|BLOCKYARD|DENO)/.test(name)), []);
  const environs = await probe.shell(`cat /proc/[0-9]*/environ | tr "\\0" "\\n"; echo; echo read`);
  assertStringIncludes(environs, "read");
  assert(!environs.includes(secret), environs);
  // The launcher, too, that is still privileged when it starts.
  const below = descendantsOf(server.pid);
  assertGreater(below.length, 2);
  for (const { pid } of below) {
    assert(!(await Deno.readTextFile(`/proc/${pid}/environ`)).includes(secret));
  }
});

Deno.test(
  "the environment of an app reaches the app, and no command line and no log",
  options,
  async () => {
    await using folder = await tempFolder();
    const secret = crypto.randomUUID();
    await using looking = lookForInCommandLines(secret);
    const { server, probe } = await serveProbe(folder, { probe: { env: { API_KEY: secret } } });
    await using _ = server;

    assertEquals(await probe.run(`cat(Sys.getenv("API_KEY"))`), secret);
    assertEquals(looking.found, []);
    assertGreater(looking.rounds, 0);
    server.kill("SIGTERM");
    await server.ended();
    assertStringIncludes(server.stderr, "worker exited");
    assert(!server.stderr.includes(secret), server.stderr);
  },
);

/** Serves the probe app beside others. */
async function serveProbe(
  folder: TempFolder,
  { probe = {}, ...options }: ServeOptions & { probe?: Record<string, unknown> } = {},
): Promise<{ server: ServeProcess; probe: Probe }> {
  const path = await copyApp(folder, "probe");
  const apps = { ...options.apps, probe: { path, cmd: PROBE_COMMAND, ...probe } };
  const server = await ServeProcess.start(folder, { ...options, apps });
  return { server, probe: new Probe(server.url, "probe") };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Looks at all command lines of the host until it is disposed, for a word that must be in none. */
function lookForInCommandLines(
  word: string,
): AsyncDisposable & { readonly found: string[]; readonly rounds: number } {
  const state = { found: [] as string[], rounds: 0 };
  let isOver = false;
  const looking = (async () => {
    while (!isOver) {
      for (const { name } of Deno.readDirSync("/proc")) {
        if (!/^\d+$/.test(name)) continue;
        const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
        if (line.includes(word)) state.found.push(line);
      }
      state.rounds++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      isOver = true;
      await looking;
    },
  });
}
