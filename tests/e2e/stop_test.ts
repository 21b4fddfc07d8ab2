import { assert, assertEquals } from "#tests/support/assert.ts";
import { descendantsOf, processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { EXAMPLES } from "./example_apps.ts";
import { AppClient } from "./support/app_client.ts";
import { SERVER_FILES } from "./support/executable.ts";
import type { OwnRanges } from "./support/ranges.ts";
import { copyApp } from "./support/probe_app.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ files: SERVER_FILES });
const asRoot = needs({ root: true, files: SERVER_FILES });

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(
    `${signal} ends the server with 0, and nothing of its workers is left`,
    asRoot,
    async () => {
      await using folder = await tempFolder();
      const apps = {
        hello: { path: `${EXAMPLES}/01_hello` },
        text: { path: `${EXAMPLES}/02_text` },
      };
      await using server = await ServeProcess.start(folder, { apps });
      await new AppClient(server.url, "hello").text();
      const starting = new AppClient(server.url, "text").fetch();
      await server.record("worker started", { fields: { app: "text" } });
      assert(processesOfUids(server.ranges.uids).length >= 2, "the workers do not run");

      server.kill(signal);
      const { code, signal: by } = await server.ended();
      assertEquals([code, by], [0, null]);
      assertNothingLeft(server.ranges);
      await server.record("stopped");
      const answer = await starting;
      await answer.body?.cancel();
      assertEquals(answer.status, 503);
    },
  );
}

Deno.test(
  "Ctrl-C, which reaches every process of the terminal, lets an app run its onStop",
  options,
  async () => {
    await using folder = await tempFolder();
    const out = await folder.folder("out", 0o777);
    const path = await copyApp(folder, "on_stop");
    const mounts = [{ source: out, target: "/out", read_only: false }];
    await using server = await ServeProcess.start(folder, { apps: { tidy: { path, mounts } } });
    await new AppClient(server.url, "tidy").text();
    const below = descendantsOf(server.pid);

    // The server leads a process group, as it does when a shell starts it.
    Deno.kill(-server.pid, "SIGINT");
    assertEquals((await server.ended()).code, 0);
    assertEquals(await Deno.readTextFile(`${out}/stopped`), "the handler has run\n");
    const { exit } = await server.record("worker exited", { fields: { app: "tidy" } });
    assertEquals(exit, { kind: "stopped" });
    assertEquals(below.filter(({ pid }) => isThere(pid)), []);
  },
);

Deno.test("an app that ignores every request to end does not keep the server", asRoot, async () => {
  await using folder = await tempFolder();
  await folder.folder("stubborn");
  const script = "trap '' INT TERM HUP; exec perl -MIO::Socket::INET -e '" +
    "$s = IO::Socket::INET->new(LocalAddr => q({host}), LocalPort => {port}, Listen => 5, ReuseAddr => 1); " +
    "while ($c = $s->accept) { <$c>; print $c qq(HTTP/1.0 200 OK\\r\\n\\r\\nhere); close $c }'";
  const cmd = ["sh", "-c", script];
  await using server = await ServeProcess.start(folder, {
    apps: { stubborn: { path: `${folder.path}/stubborn`, cmd } },
    env: { BLOCKYARD_SERVER_SHUTDOWN_TIMEOUT: "1s" },
  });
  assertEquals(await new AppClient(server.url, "stubborn").text(), "here");

  server.kill("SIGTERM");
  assertEquals((await server.ended()).code, 0);
  assertNothingLeft(server.ranges);
});

/** Fails when a process of a worker runs, or a port of one cannot be had. */
function assertNothingLeft({ uids, ports }: OwnRanges): void {
  assertEquals(processesOfUids(uids), []);
  for (let port = ports.start; port <= ports.end; port++) {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  }
}

function isThere(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}
