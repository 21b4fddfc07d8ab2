import { assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";
import { EXAMPLES, VISITS } from "./example_apps.ts";
import { AppClient } from "./support/app_client.ts";
import { CHROMIUM, openBrowser, openPage, untilIdle } from "./support/browser.ts";
import { openEcho } from "./support/echo_socket.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { asOrdinaryUser } from "./support/ordinary_user.ts";
import { copyApp, Probe, PROBE_COMMAND, PROBE_ON_SOCKET } from "./support/probe_app.ts";
import { type ServeOptions, ServeProcess } from "./support/server.ts";

const PLUMBER = "/usr/lib/R/site-library/plumber";
const options = needs({ root: true, files: [...SERVER_FILES, CHROMIUM, EXAMPLES, PLUMBER] });
const SOCKET = /^unix:\/proc\/\d+\/root\/run\/blockyard\/app\.sock$/;
const PORT = /^\d+$/;

/** Apps of each network; none is the server's. */
async function bothNetworks(folder: TempFolder): Promise<ServeOptions> {
  const path = await copyApp(folder, "probe");
  return {
    process: { network: "none" },
    apps: {
      hello: { path: `${EXAMPLES}/01_hello` },
      api: { path: await copyApp(folder, "plumber") },
      shut: { path, cmd: PROBE_ON_SOCKET },
      open: { path, cmd: PROBE_COMMAND, network: "host" },
    },
  };
}

for (
  const [who, more] of [
    ["root", () => Promise.resolve({})],
    ["an ordinary user", asOrdinaryUser],
  ] as const
) {
  Deno.test(`apps of both networks are served side by side by ${who}`, options, async () => {
    await using folder = await tempFolder();
    const serving = { ...await bothNetworks(folder), ...await more(folder) };
    await using server = await ServeProcess.start(folder, serving);
    {
      await using browser = await openBrowser();
      await using opened = await openPage(browser, `${server.url}/app/hello/`);
      await untilIdle(opened.page);
      await VISITS["01_hello"]?.(opened.page, folder);
    }

    const api = new AppClient(server.url, "api");
    assertEquals(await api.text("sum?a=1.5&b=2"), '{"sum":3.5}');
    const headers = { "Content-Type": "application/octet-stream" };
    const body = new Uint8Array(2_000_000);
    assertEquals(await api.text("size", { method: "POST", body, headers }), '{"size":2000000}');

    const { port } = new URL(server.url);
    for (const [app, reached] of [["shut", "FALSE"], ["open", "TRUE"]] as const) {
      const probe = new Probe(server.url, app);
      const connect = `socketConnection("127.0.0.1", ${port}, timeout = 5)`;
      assertEquals(
        await probe.run(`cat(tryCatch({close(${connect}); TRUE}, condition = function(e) FALSE))`),
        reached,
        app,
      );
      await using echo = await openEcho(server.url, app, probe.headers);
      for (const size of [0, 126, 65_536, 1_000_000]) {
        const text = "x".repeat(size);
        assertEquals(await echo.exchange(text) === text, true, `${size} characters`);
      }
    }

    const started = server.records.filter(({ msg }) => msg === "worker started");
    for (const { app, address, port } of started) {
      if (app === "open") assertEquals([typeof port, address], ["number", undefined]);
      else assertMatch(String(address), SOCKET);
    }
    assertEquals(new Set(started.map(({ app }) => app)).size, 4);

    server.kill("SIGTERM");
    assertEquals((await server.ended()).code, 0);
    const text = server.stderr;
    assertEquals(text.includes("does not answer"), false, text);
  });

  Deno.test(
    `a server of ${who} that is killed leaves no worker without a network`,
    options,
    async () => {
      await using folder = await tempFolder();
      const serving = { ...await bothNetworks(folder), ...await more(folder) };
      {
        await using server = await ServeProcess.start(folder, serving);
        await new AppClient(server.url, "hello").text();
        server.kill("SIGKILL");
        await server.ended();
        await until(() => processesOfUids(server.ranges.uids).length === 0, {
          what: () => `still there: ${JSON.stringify(processesOfUids(server.ranges.uids))}`,
          withinMs: 10_000,
        });
      }
      // The socket's folder was the sandbox's, and nothing of it was ever on the host.
      const mounts = await Deno.readTextFile("/proc/self/mountinfo");
      assertEquals(/^(?:\S+ ){4}\/run\/blockyard /m.test(mounts), false, mounts);
      await using server = await ServeProcess.start(folder, serving);
      assertStringIncludes(await new AppClient(server.url, "hello").text(), "Hello Shiny");
    },
  );
}

Deno.test("the API tells a worker without a network by its socket", options, async () => {
  await using folder = await tempFolder();
  await using server = await ServeProcess.start(folder, await bothNetworks(folder));
  await new AppClient(server.url, "shut").text();
  const token = await Deno.readTextFile(`${folder.path}/data/admin-token`);
  const answer = await fetch(`${server.url}/api/v1/workers`, {
    headers: { Authorization: `Bearer ${token.trim()}` },
  });
  const { workers } = await answer.json();
  assertEquals(workers.length, 1);
  assertMatch(workers[0].address, SOCKET);
});

for (
  const { title, isBesideFile = false, env, expected } of [
    { title: "the demo without a file has no network", expected: SOCKET },
    {
      title: "the demo has the network that the environment gives it",
      env: { BLOCKYARD_PROCESS_NETWORK: "host" },
      expected: PORT,
    },
    {
      title: "the demo beside a file has the network of the file",
      isBesideFile: true,
      expected: PORT,
    },
  ]
) {
  Deno.test(title, options, async () => {
    await using folder = await tempFolder();
    const file = ["--config", await folder.write("config.yaml", "apps: {}\n")];
    await using server = await ServeProcess.start(folder, {
      args: ["--demo", ...isBesideFile ? file : []],
      env: { ...env, BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data` },
    });
    assertStringIncludes(await new AppClient(server.url, "demo").text(), "blockyard demo");
    const { address, port } = await server.record("worker started");
    assertMatch(String(address ?? port), expected);
  });
}
