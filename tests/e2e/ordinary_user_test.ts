import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { EXAMPLES, VISITS } from "./example_apps.ts";
import { AppClient } from "./support/app_client.ts";
import { CHROMIUM, openBrowser, openPage, untilIdle } from "./support/browser.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { assertConfined } from "./support/kernel_view.ts";
import { asOrdinaryUser } from "./support/ordinary_user.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ root: true, files: [...SERVER_FILES, CHROMIUM, EXAMPLES] });

Deno.test(
  "started by an ordinary user, apps work in the same sandbox under that user",
  options,
  async () => {
    await using folder = await tempFolder();
    const { user, ...asUser } = await asOrdinaryUser(folder);
    await using server = await ServeProcess.start(folder, {
      apps: { hello: { path: `${EXAMPLES}/01_hello` } },
      ...asUser,
    });
    await using browser = await openBrowser();
    await using opened = await openPage(browser, `${server.url}/app/hello/`);
    await untilIdle(opened.page);
    await VISITS["01_hello"]?.(opened.page, folder);
    await new AppClient(server.url, "hello").text();

    assertEquals(server.records.filter(({ msg }) => msg === "worker started").length, 2);
    const { r, uid } = await server.rOf("hello");
    assertEquals(uid, user);
    assertConfined(r.pid, { uid: user, gid: user, server: server.pid });

    const missing = server.records.filter(({ msg }) => msg === "isolation is incomplete")
      .map((record) => String(record.missing));
    assertEquals(new Set(missing).size, missing.length, "a missing layer was named twice");
    const text = missing.join("\n");
    assertStringIncludes(text, "workers run under the server's own user id");
    assertStringIncludes(text, "the number of a worker's processes is not limited");
    assert(!text.includes("the server's groups"), text);

    server.kill("SIGTERM");
    assertEquals((await server.ended()).code, 0);
    assertEquals(processesOfUids({ start: user, end: user }), []);
  },
);

Deno.test("started by root, no layer that root can give is missing", options, async () => {
  await using folder = await tempFolder();
  await using server = await ServeProcess.start(folder);
  const missing = server.records.filter(({ msg }) => msg === "isolation is incomplete");
  assertEquals(missing.filter((record) => String(record.missing).startsWith("not root")), []);
});
