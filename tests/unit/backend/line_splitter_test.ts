import {
  CUT_MARKER,
  CUT_MARKER_BYTES,
  LineSplitter,
  type SplitLine,
} from "#src/backend/line_splitter.ts";
import { assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const utf8 = (text: string) => new TextEncoder().encode(text);

/** Splits chunks; also checks that every length is that of the text. */
function split(chunks: readonly (string | Uint8Array)[], maxLineBytes = 1000): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(maxLineBytes, ({ text, byteLength }) => {
    assertEquals(byteLength, utf8(text).length, `length of ${JSON.stringify(text)}`);
    lines.push(text);
  });
  for (const chunk of chunks) splitter.push(typeof chunk === "string" ? utf8(chunk) : chunk);
  splitter.end();
  return lines;
}

/** Splits the same bytes whole, byte by byte, and at every single place; all must agree. */
function splitAnyhow(bytes: string | Uint8Array, maxLineBytes = 1000): string[] {
  const all = typeof bytes === "string" ? utf8(bytes) : bytes;
  const whole = split([all], maxLineBytes);
  assertEquals(split([...all].map((byte) => Uint8Array.of(byte)), maxLineBytes), whole);
  for (let at = 0; at <= all.length; at++) {
    assertEquals(split([all.subarray(0, at), all.subarray(at)], maxLineBytes), whole);
  }
  return whole;
}

Deno.test("LineSplitter ends lines at LF and CRLF, and keeps empty ones", strict, () => {
  assertEquals(splitAnyhow("one\ntwo\r\n\n\r\nthree\n"), ["one", "two", "", "", "three"]);
});

Deno.test("LineSplitter keeps a last line without a line end, but makes up none", strict, () => {
  assertEquals(splitAnyhow("one\nlast"), ["one", "last"]);
  assertEquals(splitAnyhow("one\n"), ["one"]);
  assertEquals(splitAnyhow("last\r"), ["last"]);
  assertEquals(splitAnyhow(""), []);
});

Deno.test("LineSplitter keeps the last state of a progress bar", strict, () => {
  assertEquals(splitAnyhow("\r 10%\r 50%\r100%\ndone\n"), ["100%", "done"]);
  assertEquals(splitAnyhow("10%\r\r20%\r\r\nnext"), ["20%", "next"]);
  assertEquals(splitAnyhow("10%\r20%\r"), ["20%"]);
});

Deno.test("LineSplitter puts characters together that chunks cut through", strict, () => {
  assertEquals(splitAnyhow("a€\u{1F600}é\nß"), ["a€\u{1F600}é", "ß"]);
});

Deno.test("LineSplitter replaces bytes that are no UTF-8, line by line", strict, () => {
  const bytes = Uint8Array.of(0x61, 0xff, 0x62, 0x0a, 0xe2, 0x82, 0x0a, 0x63, 0xc3);
  assertEquals(splitAnyhow(bytes), ["a\ufffdb", "\ufffd", "c\ufffd"]);
});

Deno.test("LineSplitter keeps NUL, escape sequences and a byte order mark", strict, () => {
  assertEquals(splitAnyhow("a\0b\n\x1b[31mred\x1b[0m\n\ufeffc\n"), [
    "a\0b",
    "\x1b[31mred\x1b[0m",
    "\ufeffc",
  ]);
});

Deno.test(
  "LineSplitter cuts a line that is longer than the limit, and only that one",
  strict,
  () => {
    assertEquals(splitAnyhow("12345678\n123456789\n1234567\n", 8), [
      "12345678",
      `12345678${CUT_MARKER}`,
      "1234567",
    ]);
    assertEquals(splitAnyhow("123456789", 8), [`12345678${CUT_MARKER}`]);
  },
);

Deno.test("LineSplitter cuts between characters, never through one", strict, () => {
  assertEquals(splitAnyhow("1234567€9\n", 8), [`1234567${CUT_MARKER}`]);
  assertEquals(splitAnyhow("12345\u{1F600}9\n", 8), [`12345${CUT_MARKER}`]);
  assertEquals(splitAnyhow("12345€\nnext\n", 8), ["12345€", "next"]);
});

Deno.test("LineSplitter counts replaced bytes as what they become", strict, () => {
  const bytes = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0a, 0x61, 0x0a);
  assertEquals(splitAnyhow(bytes, 8), [`\ufffd\ufffd${CUT_MARKER}`, "a"]);
});

Deno.test("LineSplitter begins anew at a CR after a line that was too long", strict, () => {
  assertEquals(splitAnyhow("0123456789\rshort\n", 8), ["short"]);
});

Deno.test("LineSplitter takes a line of 64 MiB in many pieces", strict, () => {
  const lines: SplitLine[] = [];
  const splitter = new LineSplitter(10, (line) => lines.push(line));
  const chunk = new Uint8Array(1024 ** 2).fill(0x78);
  for (let i = 0; i < 64; i++) splitter.push(chunk);
  assertEquals(lines, []);
  splitter.push(utf8("\nnext\n"));
  assertEquals(lines, [
    { text: `xxxxxxxxxx${CUT_MARKER}`, byteLength: 10 + CUT_MARKER_BYTES },
    { text: "next", byteLength: 4 },
  ]);
});
