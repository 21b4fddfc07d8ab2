import type { Browser } from "playwright-core";
import { assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { EXAMPLES, type Visit, VISITS } from "./example_apps.ts";
import { startBareApp } from "./support/bare_app.ts";
import { CHROMIUM, openBrowser, openPage, untilIdle } from "./support/browser.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { ServeProcess } from "./support/server.ts";

/** How many apps are tried at a time. */
const AT_A_TIME = 2;

/** Steps that run at the same time must leave the sanitizers to the test around them. */
const concurrent = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

const names = Object.keys(VISITS).sort();

const options = needs({ files: [...SERVER_FILES, CHROMIUM, EXAMPLES] });

Deno.test("the list of example apps is complete", options, () => {
  assertEquals(Array.from(Deno.readDirSync(EXAMPLES), ({ name }) => name).sort(), names);
});

Deno.test(
  "Chromium uses the example apps of shiny as it does without a host",
  options,
  async (t) => {
    await using folder = await tempFolder();
    const apps = Object.fromEntries(names.map((name) => [name, { path: `${EXAMPLES}/${name}` }]));
    await using server = await ServeProcess.start(folder, { apps });
    await using browser = await openBrowser();

    const waiting = Object.entries(VISITS);
    const workOff = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [name, visit] = next;
        await t.step({
          name,
          ...concurrent,
          async fn() {
            const hosted = await tryOut(`${server.url}/app/${name}/`, { browser, visit, folder });
            await using bare = await startBareApp(`${EXAMPLES}/${name}`);
            const expected = await tryOut(bare.url, { browser, visit, folder });
            assertEquals(hosted.filter((error) => !expected.includes(error)), []);
          },
        });
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, workOff));
  },
);

/** Visits an app and returns the errors of its page. */
async function tryOut(
  url: string,
  { browser, visit, folder }: { browser: Browser; visit: Visit; folder: TempFolder },
): Promise<string[]> {
  await using opened = await openPage(browser, url);
  await untilIdle(opened.page);
  await visit(opened.page, folder);
  await untilIdle(opened.page);
  return [...opened.errors];
}
