import type { Page } from "playwright-core";
import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import type { TempFolder } from "#tests/support/temp_folder.ts";
import { plotImage, untilIdle } from "./support/browser.ts";

/** Where Debian's package has them. */
export const EXAMPLES = "/usr/lib/R/site-library/shiny/examples";

/** Uses an example app as a visitor would, and fails where it does not do what it is made for. */
export type Visit = (page: Page, folder: TempFolder) => Promise<void>;

/** The example apps by the names of their folders. */
export const VISITS: Readonly<Record<string, Visit>> = {
  "01_hello": async (page) => {
    const first = await plotImage(page, "distPlot");
    await untilIdle(page);
    const bins = await page.locator(".irs-single").innerText();
    const handle = await page.locator(".irs-handle.single").boundingBox();
    assertNotEquals(handle, null);
    const { x = 0, y = 0, width = 0, height = 0 } = handle ?? {};
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 - 40, y + height / 2, { steps: 4 });
    await page.mouse.up();
    assertNotEquals(await page.locator(".irs-single").innerText(), bins);
    await plotImage(page, "distPlot", first);
  },

  "02_text": async (page) => {
    await page.locator("#view tbody tr").nth(9).waitFor();
    assertStringIncludes(await page.locator("#summary").innerText(), "Median");
    assertEquals(await page.locator("#view tbody tr").count(), 10);
    await page.fill("#obs", "3");
    await page.waitForFunction(`document.querySelectorAll("#view tbody tr").length === 3`);
  },

  "03_reactivity": async (page) => {
    await page.locator("#view tbody tr").first().waitFor();
    assertEquals(await page.locator("h3 #caption").innerText(), "Data Summary");
    await page.fill("input#caption", "Something else");
    await page.locator("h3 #caption", { hasText: "Something else" }).waitFor();
  },

  "04_mpg": async (page) => {
    const first = await plotImage(page, "mpgPlot");
    assertEquals(await page.locator("#caption").innerText(), "mpg ~ cyl");
    await untilIdle(page);
    await page.uncheck("#outliers");
    await plotImage(page, "mpgPlot", first);
  },

  "05_sliders": async (page) => {
    await page.locator("#values tbody tr").nth(4).waitFor();
    assertMatch(await page.locator("#values").innerText(), /Integer\s+500/);
  },

  "06_tabsets": async (page) => {
    await plotImage(page, "plot");
    await page.click("text=Summary");
    await page.locator("#summary", { hasText: "Median" }).waitFor();
    await page.click("a[data-value=Table]");
    await page.locator("#table tbody tr").nth(499).waitFor();
  },

  "07_widgets": async (page) => {
    await page.locator("#view tbody tr").nth(9).waitFor();
    await page.fill("#obs", "4");
    await page.click("#update");
    await page.waitForFunction(`document.querySelectorAll("#view tbody tr").length === 4`);
  },

  "08_html": async (page) => {
    const first = await plotImage(page, "plot");
    await untilIdle(page);
    assertStringIncludes(await page.locator("#summary").innerText(), "Median");
    await page.selectOption("[name=dist]", "unif");
    await plotImage(page, "plot", first);
  },

  "09_upload": async (page, folder) => {
    const file = await folder.write("people.csv", "name,age\nGrace,45\nAlan,41\n");
    await page.setInputFiles("#file1", file);
    await page.locator("#contents tbody tr").nth(1).waitFor();
    const cells = await page.locator("#contents th, #contents td").allInnerTexts();
    assertEquals(cells, ["name", "age", "Grace", "45", "Alan", "41"]);
  },

  "10_download": async (page) => {
    await page.locator("#table tbody tr").first().waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.click("#downloadData"),
    ]);
    assertEquals(download.suggestedFilename(), "rock.csv");
    const { stdout } = await new Deno.Command("Rscript", {
      args: ["-e", "write.csv(rock, stdout(), row.names = FALSE)"],
    }).output();
    const text = await Deno.readTextFile(await download.path());
    assertEquals(text, new TextDecoder().decode(stdout));
    assertMatch(text, /^"area","peri","shape","perm"\n4990,/);
  },

  "11_timer": async (page) => {
    const time = page.locator("#currentTime");
    await time.filter({ hasText: /The current time is/ }).waitFor();
    const before = await time.innerText();
    await page.waitForFunction(
      `document.querySelector("#currentTime").innerText !== ${JSON.stringify(before)}`,
    );
  },
};
