/**
 * Chromium, and pages of Shiny apps in it.
 *
 * @module
 */
import { type Browser, chromium, type ConsoleMessage, type Page } from "playwright-core";

/** The browser that Debian's package installs. */
export const CHROMIUM = "/usr/bin/chromium";

/** How long anything on a page may take, in milliseconds: R starts slowly on a busy machine. */
const PATIENCE_MS = 60_000;

/**
 * Starts a browser.
 *
 * @returns The browser; disposing it ends it.
 */
export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      // Its own sandbox refuses to run as root, and is not what is tested here.
      "--no-sandbox",
      "--disable-gpu",
      // Shared memory is small in containers.
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}

/** A page, and what went wrong on it so far. */
export interface WatchedPage extends AsyncDisposable {
  /** The page. */
  readonly page: Page;
  /** Errors of its console and of its scripts, with addresses relative to its own. */
  readonly errors: readonly string[];
}

/**
 * Opens a page in a browser context of its own: it shares no cookie with any other.
 *
 * @param browser Where to.
 * @param url Its address, with a slash at its end.
 * @returns The page, loaded.
 */
export async function openPage(browser: Browser, url: string): Promise<WatchedPage> {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const errors: string[] = [];
  const add = (text: string) => errors.push(text.replaceAll(url, ""));
  page.on("console", (message: ConsoleMessage) => {
    const { url: place } = message.location();
    // Chromium asks every site for one by itself, at the root, which is no part of an app.
    if (place.endsWith("/favicon.ico")) return;
    if (message.type() === "error") add(`${message.text()} (${place})`);
  });
  page.on("pageerror", (error: Error) => add(error.message));
  await page.goto(url);
  return { page, errors, [Symbol.asyncDispose]: () => context.close() };
}

/**
 * Waits until a Shiny app is connected to R and R has nothing to do for the page.
 *
 * @param page The page of the app.
 */
export async function untilIdle(page: Page): Promise<void> {
  // `shiny-busy` comes and goes between the parts of one answer, hence the second look.
  await page.waitForFunction(() => {
    const { Shiny, document, idleSince } = globalThis as unknown as {
      Shiny?: { shinyapp?: { isConnected(): boolean } };
      document: { documentElement: { classList: { contains(name: string): boolean } } };
      idleSince?: number;
    };
    const isIdle = Shiny?.shinyapp?.isConnected() === true &&
      !document.documentElement.classList.contains("shiny-busy");
    const since = isIdle ? idleSince ?? performance.now() : undefined;
    Object.assign(globalThis, { idleSince: since });
    return since !== undefined && performance.now() - since >= 200;
  });
}

/**
 * Reads where a plot's image is; the image itself is in there as data.
 *
 * @param page The page.
 * @param id The id of the plot's output.
 * @param other Waits for an image that is not this one.
 * @returns The source of the image.
 */
export async function plotImage(page: Page, id: string, other = ""): Promise<string> {
  const image = await page.waitForFunction(([selector, before]) => {
    const { document } = globalThis as unknown as {
      document: { querySelector(selector: string): { src: string } | null };
    };
    const source = document.querySelector(selector ?? "")?.src ?? "";
    return source.startsWith("data:image/png;base64,") && source !== before && source;
  }, [`#${id} img`, other]);
  return String(await image.jsonValue());
}
