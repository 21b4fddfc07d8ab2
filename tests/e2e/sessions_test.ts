import type { Page } from "playwright-core";
import { assertEquals, assertMatch, assertNotEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { CHROMIUM, openBrowser, openPage, untilIdle } from "./support/browser.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { copyApp } from "./support/probe_app.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ files: [...SERVER_FILES, CHROMIUM] });

Deno.test(
  "every browser has a worker of its own, and a reload leads back to it",
  options,
  async () => {
    await using folder = await tempFolder();
    const apps = { token: { path: await copyApp(folder, "token"), max_sessions_per_worker: 1 } };
    await using server = await ServeProcess.start(folder, { apps });
    await using browser = await openBrowser();
    const url = `${server.url}/app/token/`;
    await using first = await openPage(browser, url);
    await using second = await openPage(browser, url);

    const token = await tokenOf(first.page);
    assertMatch(token, /^[a-z0-9]{20}$/);
    assertNotEquals(await tokenOf(second.page), token);
    const workers = server.records.filter(({ msg }) => msg === "worker started");
    assertEquals(workers.length, 2);
    assertEquals(new Set(workers.map(({ port }) => port)).size, 2);

    await first.page.reload();
    assertEquals(await tokenOf(first.page), token);
    await greet(first.page, "Ada");
    assertEquals(server.records.filter(({ msg }) => msg === "worker started").length, 2);
  },
);

Deno.test("two tabs of one browser share its worker", options, async () => {
  await using folder = await tempFolder();
  const apps = { token: { path: await copyApp(folder, "token"), max_sessions_per_worker: 1 } };
  await using server = await ServeProcess.start(folder, { apps });
  await using browser = await openBrowser();
  await using first = await openPage(browser, `${server.url}/app/token/`);
  const tab = await first.page.context().newPage();
  await tab.goto(`${server.url}/app/token/`);

  assertEquals(await tokenOf(tab), await tokenOf(first.page));
  await Promise.all([greet(first.page, "Ada"), greet(tab, "Grace")]);
});

Deno.test(
  "when R is killed, a reload brings another worker and a page that works",
  options,
  async () => {
    await using folder = await tempFolder();
    const apps = { token: { path: await copyApp(folder, "token") } };
    await using server = await ServeProcess.start(folder, { apps });
    await using browser = await openBrowser();
    await using opened = await openPage(browser, `${server.url}/app/token/`);
    const { page } = opened;
    const token = await tokenOf(page);

    const { r, worker } = await server.rOf("token");
    Deno.kill(r.pid, "SIGKILL");
    await page.locator("#shiny-disconnected-overlay").waitFor();
    const { exit } = await server.record("worker ended by itself", { fields: { worker } });
    assertEquals(exit, { kind: "signal", signal: "SIGKILL" });

    await page.reload();
    assertNotEquals(await tokenOf(page), token);
    await greet(page, "Ada");
    assertNotEquals((await server.rOf("token")).worker, worker);
  },
);

/** Reads what the page's worker has drawn when it started. */
async function tokenOf(page: Page): Promise<string> {
  await untilIdle(page);
  return await page.locator("#token").innerText();
}

/** Has R answer something that only this page asked. */
async function greet(page: Page, name: string): Promise<void> {
  await page.fill("#name", name);
  await page.locator("#greeting", { hasText: `Hello, ${name}!` }).waitFor();
}
