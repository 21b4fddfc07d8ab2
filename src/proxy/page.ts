/**
 * Renders the few pages that the server itself answers with: without scripts, fonts or anything
 * else from elsewhere, as HTML for browsers and as text for programs.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { headerElements, type HeaderList } from "./headers.ts";

/** What a page says. All texts are plain; the rendering escapes them. */
export interface Page {
  /** The status of the answer. */
  readonly status: number;
  /** What it is about, in a line. */
  readonly title: string;
  /** What there is to say. */
  readonly paragraphs: readonly string[];
  /** Where to go from here. `href` is relative to the page. */
  readonly links?: readonly { readonly href: string; readonly text: string }[];
  /** Output of a worker, with a label that says what it is. */
  readonly output?: { readonly label: string; readonly lines: readonly string[] };
  /** When it is worth trying again, in milliseconds. */
  readonly retryAfterMs?: number;
}

const STYLE = `
:root { color-scheme: light dark; --text: #1c2024; --back: #fff; --soft: #f2f4f6; --link: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e8eb; --back: #16191c; --soft: #23282d; --link: #7ab8f5; }
}
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: 3rem 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
a { color: var(--link); }
pre { padding: 1rem; background: var(--soft); overflow: auto; font-size: .85rem; }
`;

/**
 * Nothing may be loaded but the style above, told by its hash. Embedding stays allowed: an app that
 * is shown in a frame has to be able to show its failures there.
 */
const SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${
  createHash("sha256").update(STYLE).digest("base64")
}'; base-uri 'none'; form-action 'none'`;

/** Colours and cursor movements that programs write for terminals (ECMA-48, 5.4). */
const TERMINAL_SEQUENCE = new RegExp(String.fromCharCode(27) + "\\[[0-?]*[ -/]*[@-~]", "g");

/**
 * Makes the answer to a request out of a page.
 *
 * @param page What to say.
 * @param headers The headers of the request; `Accept` decides between HTML and plain text.
 * @returns The answer, not to be stored by anybody.
 */
export function renderPage(page: Page, headers: HeaderList): Response {
  const html = acceptsHtml(headers);
  const response = new Response(html ? toHtml(page) : toText(page), {
    status: page.status,
    headers: {
      "Content-Type": html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8",
      "Content-Security-Policy": SECURITY_POLICY,
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
    },
  });
  if (page.retryAfterMs !== undefined) {
    const seconds = Math.max(1, Math.ceil(page.retryAfterMs / 1000));
    response.headers.set("Retry-After", String(seconds));
  }
  return response;
}

function toHtml(page: Page): string {
  const title = escapeHtml(page.title);
  const parts = page.paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`);
  if (page.links !== undefined && page.links.length > 0) {
    const items = page.links.map(({ href, text }) =>
      `<li><a href="${escapeHtml(href)}">${escapeHtml(text)}</a></li>`
    );
    parts.push(`<ul>${items.join("")}</ul>`);
  }
  if (page.output !== undefined && page.output.lines.length > 0) {
    const label = escapeHtml(page.output.label);
    const lines = page.output.lines.map((line) => escapeHtml(cleanLine(line))).join("\n");
    // Reachable by keyboard, because it may have to be scrolled; a first line break is not shown.
    parts.push(
      `<p id="output">${label}</p>`,
      `<pre tabindex="0" role="region" aria-labelledby="output">\n${lines}</pre>`,
    );
  }
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${parts.join("\n")}
</main>
</body>
</html>
`;
}

function toText(page: Page): string {
  const lines = [page.title, ...page.paragraphs];
  for (const { href, text } of page.links ?? []) lines.push(`${text}: ${href}`);
  if (page.output !== undefined && page.output.lines.length > 0) {
    lines.push("", page.output.label, ...page.output.lines.map(cleanLine));
  }
  return lines.join("\n") + "\n";
}

/** Output of an app can carry anything; on a reader's terminal it must stay text. */
function cleanLine(line: string): string {
  return line.replaceAll(TERMINAL_SEQUENCE, "")
    .replaceAll(/\p{Cc}/gu, (control) => control === "\t" ? control : "\ufffd");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

function acceptsHtml(headers: HeaderList): boolean {
  return headerElements(headers, "accept").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === "text/html" &&
      !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}
