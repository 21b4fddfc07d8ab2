import { assert, assertEquals, assertThrows } from "#tests/support/assert.ts";
import { ChunkDecoder } from "#src/proxy/http/chunk_decoder.ts";
import { MessageError } from "#src/proxy/http/message_error.ts";
import { test } from "./support.ts";

/** Decodes in pieces that end at the given places; what follows the body is `rest`. */
function decode(text: string, cuts: readonly number[] = []): { data: string; rest?: string } {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const decoder = new ChunkDecoder();
  let data = "";
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    for (;;) {
      const piece = decoder.next(bytes, { start, end });
      start = piece.end;
      if (piece.end === piece.start) break;
      data += text.slice(piece.start, piece.end);
    }
    if (decoder.done) return { data, rest: text.slice(start) };
  }
  return { data };
}

test("chunks, extensions and trailers are taken off wherever the bytes are cut", () => {
  const text = `5\r\nhello\r\n001A;a=b;c="d\xe9"\r\nabcdefghijklmnopqrstuvwxyz\r\n` +
    "0;x\r\nTrailer: 1\r\nOther: 2\r\n\r\nGET / HTTP/1.1\r\n";
  const wanted = { data: "helloabcdefghijklmnopqrstuvwxyz", rest: "GET / HTTP/1.1\r\n" };
  assertEquals(decode(text), wanted);
  for (let cut = 1; cut < text.length; cut++) assertEquals(decode(text, [cut]), wanted);
  assertEquals(decode(text, Array.from(text, (_, at) => at)), wanted);
});

test("a body that goes on is not taken as whole", () => {
  assertEquals(decode("5\r\nhel"), { data: "hel" });
  assertEquals(decode("0\r\nX: 1\r\n"), { data: "" });
});

const BROKEN: readonly (readonly [what: string, text: string])[] = [
  ["no size", "\r\nhello\r\n0\r\n\r\n"],
  ["a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a negative size", "-5\r\nhello\r\n0\r\n\r\n"],
  ["a size with a plus", "+5\r\nhello\r\n0\r\n\r\n"],
  ["a space before the size", " 5\r\nhello\r\n0\r\n\r\n"],
  ["a space behind the size", "5 \r\nhello\r\n0\r\n\r\n"],
  ["a size beyond 2^53", "fffffffffffffff\r\n"],
  ["an extension without a size", ";a\r\nhello\r\n"],
  ["a bare LF behind the size", "5\nhello\r\n0\r\n\r\n"],
  ["a bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n"],
  ["a bare CR behind the size", "5\rhello\r\n0\r\n\r\n"],
  ["something for the LF behind the size", "5\rXhello\r\n0\r\n\r\n"],
  ["something for the LF behind an extension", "5;a\rXhello\r\n0\r\n\r\n"],
  ["something for the CR behind the data", "5\r\nhelloX\n0\r\n\r\n"],
  ["something for the LF behind the data", "5\r\nhello\rX0\r\n\r\n"],
  ["something for the LF of a trailer", "0\r\nA: b\rX\r\n"],
  ["something for the last LF", "0\r\n\rX"],
  ["data longer than its size", "5\r\nhello!\r\n0\r\n\r\n"],
  ["a bare LF behind the data", "5\r\nhello\n0\r\n\r\n"],
  ["NUL in an extension", "5;\0\r\nhello\r\n0\r\n\r\n"],
  ["a bare LF in the trailers", "0\r\nA: b\n\r\n"],
  ["a bare LF at the end", "0\r\n\n"],
  ["a control character in a trailer", "0\r\nA: \x01\r\n\r\n"],
  ["a very long extension", `5;${"a".repeat(2000)}\r\nhello\r\n0\r\n\r\n`],
  ["very long trailers", `0\r\n${"A: b\r\n".repeat(3000)}\r\n`],
];

for (const [what, text] of BROKEN) {
  test(`a chunked body with ${what} is refused`, () => {
    assertEquals(assertThrows(() => decode(text), MessageError).status, 400);
    const single = Array.from(text, (_, at) => at);
    assertEquals(assertThrows(() => decode(text, single), MessageError).status, 400);
  });
}

test("the size is counted exactly at its largest", () => {
  const decoder = new ChunkDecoder();
  const line = new TextEncoder().encode("fffffffffffff\r\nx");
  const piece = decoder.next(line, { start: 0, end: line.length });
  assertEquals(piece.end - piece.start, 1);
  assert(!decoder.done);
});
