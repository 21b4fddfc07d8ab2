/**
 * The pages by name, in the words of someone who wanted to use an app.
 *
 * @module
 */
import { type AppName, formatDuration } from "#src/core/mod.ts";
import type { HeaderList } from "./headers.ts";
import { renderPage } from "./page.ts";
import { appPath } from "./route.ts";
import type { BusyError, StartError } from "./start_error.ts";

/**
 * An app did not start. A start that took too long or was stopped may work the next time (503); one
 * that failed is the app's fault (502).
 *
 * @param error What went wrong.
 * @param headers The headers of the request.
 * @returns The answer, with the last lines that the app wrote.
 */
export function startFailedPage(error: StartError, headers: HeaderList): Response {
  const { app, explanation, lines, retryAfterMs } = error;
  const mayWork = error.isTimeout ||
    (typeof error.reason === "object" && error.reason.kind === "stopped");
  return renderPage({
    status: mayWork ? 503 : 502,
    title: `The app ${app} could not be started`,
    paragraphs: [
      `The reason: ${explanation}.`,
      retryAfterMs > 0
        ? `It will be tried again for a request that comes in ${formatDuration(retryAfterMs)}.`
        : "Reload the page to try again.",
    ],
    output: { label: "The last lines that it wrote:", lines: lines.map(({ text }) => text) },
    ...(retryAfterMs > 0 || mayWork ? { retryAfterMs } : {}),
  }, headers);
}

/**
 * There is no place for a new session (503).
 *
 * @param app The app that was asked for.
 * @param error Why not.
 * @param headers The headers of the request.
 * @returns The answer, with `Retry-After`.
 */
export function busyPage(app: AppName, error: BusyError, headers: HeaderList): Response {
  return renderPage({
    status: 503,
    title: `The app ${app} is busy`,
    paragraphs: [`There is no place now: ${error.message}.`, "Please try again in a moment."],
    retryAfterMs: error.retryAfterMs,
  }, headers);
}

/**
 * The worker of a session cannot be reached (502).
 *
 * @param app The app that was asked for.
 * @param headers The headers of the request.
 * @returns The answer.
 */
export function unreachablePage(app: AppName, headers: HeaderList): Response {
  return renderPage({
    status: 502,
    title: `The app ${app} does not answer`,
    paragraphs: [
      "It ended or broke the connection before it had answered.",
      "Reload the page to start again; what was entered before may be lost.",
    ],
  }, headers);
}

/**
 * Nothing is served here (404).
 *
 * @param headers The headers of the request.
 * @returns The answer. It does not repeat the path, which anybody can have written.
 */
export function notFoundPage(headers: HeaderList): Response {
  return renderPage({
    status: 404,
    title: "There is nothing here",
    paragraphs: ["No app and no page has this address."],
  }, headers);
}

/**
 * The list of apps (200).
 *
 * @param apps The apps in the order to show.
 * @param headers The headers of the request.
 * @returns The answer. Its links are relative, so that they hold behind a proxy's prefix.
 */
export function indexPage(apps: readonly AppName[], headers: HeaderList): Response {
  return renderPage({
    status: 200,
    title: "Apps",
    paragraphs: apps.length === 0 ? ["No app is configured."] : [],
    links: apps.map((app) => ({ href: `${appPath(app).slice(1)}/`, text: app })),
  }, headers);
}
