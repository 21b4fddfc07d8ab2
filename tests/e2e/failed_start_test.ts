import {
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { processesOfUids } from "#tests/support/host_processes.ts";
import { CHROMIUM, openBrowser } from "./support/browser.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ files: [...SERVER_FILES, CHROMIUM] });

const BROKEN_APP = `message("reading the data")
stop("no such data")
`;

Deno.test(
  "an app that stops while it starts has its reason and its last words shown",
  options,
  async () => {
    await using folder = await tempFolder();
    await folder.write("broken/app.R", BROKEN_APP);
    await using server = await ServeProcess.start(folder, {
      apps: { broken: { path: `${folder.path}/broken` } },
    });
    await using browser = await openBrowser();
    const page = await browser.newPage();

    const response = await page.goto(`${server.url}/app/broken/`, { timeout: 60_000 });
    assertEquals(response?.status(), 502);
    const text = await page.locator("main").innerText();
    assertStringIncludes(text, "The app broken could not be started");
    assertStringIncludes(text, "it ended with exit code 1 before it answered");
    const output = await page.locator("pre").innerText();
    assertStringIncludes(output, "reading the data");
    assertStringIncludes(output, "no such data");
  },
);

Deno.test(
  "an app that never listens is ended after its time, and its visitor told",
  options,
  async () => {
    await using folder = await tempFolder();
    await folder.folder("silent");
    const cmd = ["sh", "-c", "echo warming up; exec sleep 1000"];
    await using server = await ServeProcess.start(folder, {
      apps: { silent: { path: `${folder.path}/silent`, cmd } },
      proxy: { worker_start_timeout: "1500ms" },
    });

    const response = await fetch(`${server.url}/app/silent/`, { headers: { Accept: "text/html" } });
    assertEquals(response.status, 503);
    assertGreater(Number(response.headers.get("Retry-After")), 0);
    const text = await response.text();
    assertMatch(text, /it did not answer within \d+(?:\.\d)? s\./);
    assertStringIncludes(text, "warming up");
    const failed = await server.record("cannot start a worker");
    const { port } = await server.record("worker started");
    assertMatch(String(failed["lastCheck"]), new RegExp(`^cannot check 127\\.0\\.0\\.1:${port}: `));
    assertEquals(text.includes(String(port)), false, "visitors learn no ports");
    const { exit } = await server.record("worker exited", { fields: { app: "silent" } });
    assertEquals(exit, { kind: "start_timeout" });
    assertEquals(processesOfUids(server.ranges.uids), []);
  },
);

Deno.test(
  "an app that nobody configured is not found, and one that works is not harmed by others",
  options,
  async () => {
    await using folder = await tempFolder();
    await folder.write("broken/app.R", BROKEN_APP);
    await folder.folder("works");
    const listen = 'httpuv::runServer("127.0.0.1", {port}, list(call = function(request) ' +
      'list(status = 200L, headers = list(), body = "it works")))';
    await using server = await ServeProcess.start(folder, {
      apps: {
        broken: { path: `${folder.path}/broken` },
        works: { path: `${folder.path}/works`, cmd: ["Rscript", "-e", listen] },
      },
    });
    const get = async (path: string) => {
      const response = await fetch(server.url + path);
      return [response.status, await response.text()] as const;
    };

    const [broken, works, unknown] = await Promise.all([
      get("/app/broken/"),
      get("/app/works/"),
      get("/app/unknown/"),
    ]);
    assertEquals(broken[0], 502);
    assertEquals(works, [200, "it works"]);
    assertEquals(unknown[0], 404);
    assertEquals(await get("/healthz"), [200, "ok\n"]);
  },
);
