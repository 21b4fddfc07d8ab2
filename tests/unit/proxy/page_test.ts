import type { HeaderList } from "#src/proxy/headers.ts";
import { type Page, renderPage } from "#src/proxy/page.ts";
import { assert, assertEquals, assertExists, assertStringIncludes } from "#tests/support/assert.ts";
import { strict } from "./harness.ts";

const browser: HeaderList = [["Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"]];
const escape = String.fromCharCode(27);

const page: Page = {
  status: 418,
  title: `<b>"Tea" & 'pot'</b>`,
  paragraphs: ["<script>alert(1)</script>"],
  links: [{ href: 'x/"><i>', text: "<i>" }],
  output: {
    label: "Output <1>:",
    lines: ["<img src=x>", `${escape}[31mred${escape}[0m\tend\u0007`],
  },
};

Deno.test("every text of a page is escaped", strict, async () => {
  const html = await renderPage(page, browser).text();
  for (const raw of ["<b>", "<script", "<i>", "<img", "<1>"]) {
    assertEquals(html.includes(raw), false, raw);
  }
  assertStringIncludes(html, "&lt;b&gt;&quot;Tea&quot; &amp; &#39;pot&#39;&lt;/b&gt;");
  assertStringIncludes(html, 'href="x/&quot;&gt;&lt;i&gt;"');
});

Deno.test("output of a worker cannot steer a terminal", strict, async () => {
  for (const headers of [browser, []]) {
    const text = await renderPage(page, headers).text();
    assertStringIncludes(text, "red\tend\ufffd");
    assertEquals(text.includes(escape), false);
  }
});

Deno.test("a page loads nothing from anywhere", strict, async () => {
  const html = await renderPage({ ...page, output: { label: "", lines: ["-"] } }, browser).text();
  for (
    const loading of ["<link", "<script", "<img", " src=", "url(", "@import", "http:", "https:"]
  ) {
    assertEquals(html.includes(loading), false, loading);
  }
});

Deno.test("the policy allows the page's own style and nothing else", strict, async () => {
  const response = renderPage(page, browser);
  const policy = response.headers.get("Content-Security-Policy") ?? "";
  const style = /<style>([^]*)<\/style>/.exec(await response.text())?.[1];
  assertExists(style);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
  assertEquals(policy.split("; "), [
    "default-src 'none'",
    `style-src 'sha256-${new Uint8Array(digest).toBase64()}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ]);
});

Deno.test("a page is not stored and not sniffed, as HTML and as text", strict, () => {
  for (const headers of [browser, []]) {
    const response = renderPage(page, headers);
    assertEquals(response.status, 418);
    assertEquals(response.headers.get("Cache-Control"), "no-store");
    assertEquals(response.headers.get("X-Content-Type-Options"), "nosniff");
  }
});

Deno.test("only who accepts text/html gets HTML", strict, async () => {
  const cases: [accept: HeaderList, isHtml: boolean][] = [
    [browser, true],
    [[["accept", "application/json"], ["ACCEPT", "Text/HTML;q=0.1"]], true],
    [[], false],
    [[["Accept", "*/*"]], false],
    [[["Accept", "text/*"]], false],
    [[["Accept", "text/html;q=0, text/plain"]], false],
    [[["Accept", "text/html; level=1; q=0.000"]], false],
    [[["Accept", "application/text/html"]], false],
  ];
  for (const [accept, isHtml] of cases) {
    const response = renderPage(page, accept);
    const text = await response.text();
    assertEquals(text.startsWith("<!DOCTYPE html>"), isHtml, JSON.stringify(accept));
    assertEquals(
      response.headers.get("Content-Type"),
      `text/${isHtml ? "html" : "plain"}; charset=utf-8`,
    );
  }
});

Deno.test("the text of a page has everything that the HTML has", strict, async () => {
  const text = await renderPage({ ...page, title: "Title" }, []).text();
  assertEquals(text.split("\n"), [
    "Title",
    "<script>alert(1)</script>",
    '<i>: x/"><i>',
    "",
    "Output <1>:",
    "<img src=x>",
    "red\tend\ufffd",
    "",
  ]);
});

Deno.test("Retry-After is in whole seconds, one at least", strict, () => {
  const after = (retryAfterMs: number) =>
    renderPage({ ...page, retryAfterMs }, []).headers.get("Retry-After");
  assertEquals([after(0), after(1), after(1000), after(1001)], ["1", "1", "1", "2"]);
  assertEquals(renderPage(page, []).headers.has("Retry-After"), false);
});

Deno.test("a page can be read by machines that read pages aloud", strict, async () => {
  const html = await renderPage(page, browser).text();
  assert(html.includes('<html lang="en">') && html.includes("<main>"));
  assertEquals(html.match(/<h1>/g)?.length, 1);
  assertStringIncludes(html, '<p id="output">');
  assertStringIncludes(html, 'aria-labelledby="output"');
  assertStringIncludes(html, "prefers-color-scheme: dark");
});
