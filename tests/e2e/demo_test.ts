import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { CHROMIUM, openBrowser, openPage, plotImage, untilIdle } from "./support/browser.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ files: [...SERVER_FILES, CHROMIUM] });

Deno.test(
  "serve --demo needs no file, prints an address, and a browser shows its app there",
  options,
  async () => {
    await using folder = await tempFolder();
    const env = { BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data` };
    await using server = await ServeProcess.start(folder, { args: ["--demo"], env });
    await using browser = await openBrowser();
    await using index = await openPage(browser, `${server.url}/`);
    await index.page.click("text=demo");
    const { page } = index;
    await untilIdle(page);

    assertEquals(server.stdout, `The demo app is at ${page.url()}\n`);
    assertEquals(await page.locator("h1").innerText(), "It runs");
    const first = await plotImage(page, "plot");
    await page.click("#shape + .selectize-control");
    await page.click(".selectize-dropdown-content >> text=uniform");
    await plotImage(page, "plot", first);
    const facts = await page.locator("#facts").innerText();
    assertMatch(facts, /user\s+worker/);
    assertMatch(facts, /host name\s+worker/);
  },
);

Deno.test(
  "serve --demo serves also where nobody can be told the address",
  needs({ files: [...SERVER_FILES, "/dev/full"] }),
  async () => {
    await using folder = await tempFolder();
    await using server = await ServeProcess.start(folder, {
      args: ["--demo"],
      prefix: ["sh", "-c", 'exec "$@" >/dev/full', "sh"],
    });
    const { level } = await server.record("cannot tell where the demo app is");
    assertEquals(level, "warn");
    const { status, body } = await fetch(`${server.url}/healthz`);
    await body?.cancel();
    assertEquals(status, 200);
    server.kill("SIGTERM");
    assertEquals((await server.ended()).code, 0);
  },
);
