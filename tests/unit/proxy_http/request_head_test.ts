import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { completeLimits } from "#src/proxy/http/limits.ts";
import { HeadScanner, latin1 } from "#src/proxy/http/head_scanner.ts";
import { MessageError } from "#src/proxy/http/message_error.ts";
import { type ParsedRequest, parseRequestHead } from "#src/proxy/http/request_head.ts";
import { engine, test } from "./support.ts";

const limits = completeLimits({ headBytes: 2048, targetBytes: 200, headerCount: 20 });

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Scans in pieces and parses. */
function parse(text: string, pieces: number[] = []): ParsedRequest {
  const scanner = new HeadScanner(limits.headBytes);
  const all = bytes(text);
  for (const end of [...pieces, all.length]) {
    const length = scanner.scan(all, { start: 0, end });
    if (length !== -1) {
      return parseRequestHead(latin1(all.subarray(0, length), scanner), {
        remoteAddress: "127.0.0.1",
        limits,
      });
    }
  }
  throw new Error("the head is not whole");
}

const H = "Host: h\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** What a client may send to confuse two readers of the same bytes, and what it gets. */
const REFUSED: readonly (readonly [what: string, head: string, status: number])[] = [
  ["length and chunked", `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\n${CHUNKED}\r\n`, 400],
  ["chunked and length", `POST / HTTP/1.1\r\n${H}${CHUNKED}Content-Length: 4\r\n\r\n`, 400],
  [
    "two different lengths",
    `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nContent-Length: 5\r\n\r\n`,
    400,
  ],
  [
    "two equal lengths",
    `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nContent-Length: 4\r\n\r\n`,
    400,
  ],
  ["a list of lengths", `POST / HTTP/1.1\r\n${H}Content-Length: 4, 4\r\n\r\n`, 400],
  ["a signed length", `POST / HTTP/1.1\r\n${H}Content-Length: +4\r\n\r\n`, 400],
  ["a negative length", `POST / HTTP/1.1\r\n${H}Content-Length: -4\r\n\r\n`, 400],
  ["a hexadecimal length", `POST / HTTP/1.1\r\n${H}Content-Length: 0x4\r\n\r\n`, 400],
  ["a fractional length", `POST / HTTP/1.1\r\n${H}Content-Length: 4.0\r\n\r\n`, 400],
  ["an empty length", `POST / HTTP/1.1\r\n${H}Content-Length:\r\n\r\n`, 400],
  [
    "a length beyond 2^53",
    `POST / HTTP/1.1\r\n${H}Content-Length: 99999999999999999999\r\n\r\n`,
    400,
  ],
  ["a length with a space inside", `POST / HTTP/1.1\r\n${H}Content-Length: 1 2\r\n\r\n`, 400],
  ["an unknown coding", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n`, 501],
  ["gzip before chunked", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n`, 501],
  ["identity", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: identity\r\n\r\n`, 501],
  ["chunked twice", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked, chunked\r\n\r\n`, 400],
  ["chunked in two fields", `POST / HTTP/1.1\r\n${H}${CHUNKED}${CHUNKED}\r\n`, 400],
  ["chunked not last", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked, gzip\r\n\r\n`, 400],
  ["an empty coding", `POST / HTTP/1.1\r\n${H}Transfer-Encoding:\r\n\r\n`, 400],
  ["a quoted coding", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: "chunked"\r\n\r\n`, 400],
  [
    "chunked behind a vertical tab",
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: \x0bchunked\r\n\r\n`,
    400,
  ],
  [
    "chunked with a high byte",
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\xa0\r\n\r\n`,
    400,
  ],
  ["chunked in 1.0", `POST / HTTP/1.0\r\n${H}${CHUNKED}\r\n`, 400],
  ["a folded line", `GET / HTTP/1.1\r\n${H}X: a\r\n b\r\n\r\n`, 400],
  ["a line that begins with a tab", `GET / HTTP/1.1\r\n${H}\tX: a\r\n\r\n`, 400],
  ["white space first of all lines", `GET / HTTP/1.1\r\n Host: h\r\n\r\n`, 400],
  ["a space before the colon", `GET / HTTP/1.1\r\n${H}Content-Length : 4\r\n\r\n`, 400],
  ["a tab before the colon", `GET / HTTP/1.1\r\n${H}Transfer-Encoding\t: chunked\r\n\r\n`, 400],
  ["a name with a space", `GET / HTTP/1.1\r\n${H}X Y: a\r\n\r\n`, 400],
  ["an empty name", `GET / HTTP/1.1\r\n${H}: a\r\n\r\n`, 400],
  ["a line without a colon", `GET / HTTP/1.1\r\n${H}nothing\r\n\r\n`, 400],
  ["NUL in a value", `GET / HTTP/1.1\r\n${H}X: a\0b\r\n\r\n`, 400],
  ["NUL in a name", `GET / HTTP/1.1\r\n${H}X\0: a\r\n\r\n`, 400],
  ["a bare CR in a value", `GET / HTTP/1.1\r\n${H}X: a\rY: b\r\n\r\n`, 400],
  ["a CR before CRLF", `GET / HTTP/1.1\r\n${H}X: a\r\r\n\r\n`, 400],
  ["a bare LF at a line's end", `GET / HTTP/1.1\r\n${H}X: a\nY: b\r\n\r\n`, 400],
  ["bare LFs only", `GET / HTTP/1.1\nHost: h\n\n`, 400],
  ["an escape character", `GET / HTTP/1.1\r\n${H}X: \x1b[0m\r\n\r\n`, 400],
  ["DEL", `GET / HTTP/1.1\r\n${H}X: \x7f\r\n\r\n`, 400],
  ["no Host", `GET / HTTP/1.1\r\nX: a\r\n\r\n`, 400],
  ["two Hosts", `GET / HTTP/1.1\r\n${H}${H}\r\n`, 400],
  ["two Hosts in 1.0", `GET / HTTP/1.0\r\n${H}Host: i\r\n\r\n`, 400],
  ["a Host with a path", `GET / HTTP/1.1\r\nHost: h/x\r\n\r\n`, 400],
  ["a Host with user information", `GET / HTTP/1.1\r\nHost: u@h\r\n\r\n`, 400],
  ["a Host with a space", `GET / HTTP/1.1\r\nHost: a b\r\n\r\n`, 400],
  ["a method that is no token", `G(T / HTTP/1.1\r\n${H}\r\n`, 400],
  ["an empty method", ` / HTTP/1.1\r\n${H}\r\n`, 400],
  ["two spaces before the target", `GET  / HTTP/1.1\r\n${H}\r\n`, 400],
  ["a space at the line's end", `GET / HTTP/1.1 \r\n${H}\r\n`, 400],
  ["a tab for a space", `GET\t/ HTTP/1.1\r\n${H}\r\n`, 400],
  ["no version", `GET /\r\n${H}\r\n`, 400],
  ["a lower-case protocol", `GET / http/1.1\r\n${H}\r\n`, 400],
  ["a version of three digits", `GET / HTTP/1.10\r\n${H}\r\n`, 400],
  ["version 2.0", `PRI * HTTP/2.0\r\n${H}\r\n`, 505],
  ["version 0.9", `GET / HTTP/0.9\r\n${H}\r\n`, 505],
  ["version 1.2", `GET / HTTP/1.2\r\n${H}\r\n`, 505],
  ["CONNECT", `CONNECT h:443 HTTP/1.1\r\n${H}\r\n`, 400],
  ["an asterisk", `OPTIONS * HTTP/1.1\r\n${H}\r\n`, 400],
  ["a relative target", `GET x HTTP/1.1\r\n${H}\r\n`, 400],
  ["another scheme", `GET https://h/ HTTP/1.1\r\n${H}\r\n`, 400],
  ["an authority with user information", `GET http://u@h/ HTTP/1.1\r\n${H}\r\n`, 400],
  ["a fragment", `GET /#x HTTP/1.1\r\n${H}\r\n`, 400],
  ["a high byte in the target", `GET /\xe9 HTTP/1.1\r\n${H}\r\n`, 400],
  ["a long target", `GET /${"x".repeat(200)} HTTP/1.1\r\n${H}\r\n`, 414],
  ["a very long first line", `GET /${"x".repeat(5000)} HTTP/1.1\r\n${H}\r\n`, 414],
  ["a long head", `GET / HTTP/1.1\r\n${H}X: ${"x".repeat(5000)}\r\n\r\n`, 431],
  ["many fields", `GET / HTTP/1.1\r\n${H}${"X: a\r\n".repeat(20)}\r\n`, 431],
  ["another expectation", `GET / HTTP/1.1\r\n${H}Expect: 200-ok\r\n\r\n`, 417],
  [
    "a WebSocket handshake with a body",
    `GET / HTTP/1.1\r\n${H}Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\n`,
    400,
  ],
  ["two empty lines first", `\r\n\r\n\r\nGET / HTTP/1.1\r\n${H}\r\n`, 400],
];

for (const [what, head, status] of REFUSED) {
  test(`a request with ${what} is refused with ${status}`, () => {
    const error = assertThrows(() => parse(head), MessageError);
    assertEquals(error.status, status);
  });
}

test("a refusal does not depend on where the bytes are cut", () => {
  for (const [what, head, status] of REFUSED) {
    for (let cut = 1; cut < Math.min(head.length, 200); cut++) {
      const error = assertThrows(() => parse(head, [cut]), MessageError);
      assertEquals(error.status, status, `${what}, cut at ${cut}`);
    }
  }
});

test("every refused request gets its status over a socket, and the connection ends", async () => {
  let decided = 0;
  await using on = engine(() => {
    decided++;
    return { kind: "respond", response: new Response("served") };
  }, { limits: { headBytes: 2048, targetBytes: 200, headerCount: 20 } });
  for (const [what, head, status] of REFUSED) {
    using client = await on.connect();
    // What follows would be served if the engine went on after a refusal.
    await client.conn.write(bytes(`${head}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`));
    const answer = await client.message();
    assertEquals(answer.status, status, what);
    assertEquals(answer.get("connection"), "close", what);
    assertEquals(await client.rest(), "", what);
  }
  assertEquals(decided, 0);
});

test("a plain request is read with its fields in order", () => {
  const { head, body, keepAlive } = parse(
    `GET /a%20b?x=[1]|"2" HTTP/1.1\r\nHost: example.org:80\r\nX-One:  1 \t\r\nx-one: \xe9\r\nEmpty:\r\n\r\n`,
  );
  assertEquals(head, {
    method: "GET",
    target: `/a%20b?x=[1]|"2"`,
    version: "1.1",
    headers: [["Host", "example.org:80"], ["X-One", "1"], ["x-one", "\xe9"], ["Empty", ""]],
    isWebSocket: false,
    remoteAddress: "127.0.0.1",
  });
  assertEquals(body, { kind: "none" });
  assertEquals(keepAlive, true);
});

test("absolute form becomes origin form, and its authority replaces Host", () => {
  for (
    const [target, wanted] of [
      ["http://real:81/x?y", "/x?y"],
      ["HTTP://real:81", "/"],
      ["http://real:81?q", "/?q"],
    ] as const
  ) {
    const { head } = parse(`GET ${target} HTTP/1.1\r\nHost: other\r\nX: 1\r\n\r\n`);
    assertEquals(head.target, wanted);
    assertEquals(head.headers, [["Host", "real:81"], ["X", "1"]]);
  }
});

test("hop-by-hop fields and those that Connection names do not reach the router", () => {
  const { head } = parse(
    `GET / HTTP/1.1\r\n${H}Connection: keep-alive, X-Drop\r\nConnection: x-too\r\nX-Drop: 1\r\n` +
      `X-Too: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\nProxy-Connection: close\r\n` +
      `Proxy-Authorization: x\r\nUpgrade: h2c\r\nX-Stay: 1\r\n\r\n`,
  );
  assertEquals(head.headers, [["Host", "h"], ["X-Stay", "1"]]);
  assertEquals(head.isWebSocket, false);
});

test("Connection cannot name Host away", () => {
  const { head } = parse(`GET / HTTP/1.1\r\n${H}Connection: host\r\n\r\n`);
  assertEquals(head.headers, [["Host", "h"]]);
});

test("a WebSocket handshake is seen whatever the case and the other options", () => {
  const { head } = parse(
    `GET / HTTP/1.1\r\n${H}Connection: Keep-Alive, UPGRADE\r\nUpgrade: WebSocket\r\n\r\n`,
  );
  assertEquals(head.isWebSocket, true);
  const post = parse(
    `POST / HTTP/1.1\r\n${H}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  assertEquals(post.head.isWebSocket, false);
});

test("keep-alive is the rule in 1.1 and the exception in 1.0", () => {
  for (
    const [head, wanted] of [
      [`GET / HTTP/1.1\r\n${H}\r\n`, true],
      [`GET / HTTP/1.1\r\n${H}Connection: Close\r\n\r\n`, false],
      ["GET / HTTP/1.0\r\n\r\n", false],
      ["GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true],
      ["GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false],
    ] as const
  ) assertEquals(parse(head).keepAlive, wanted, head);
});

test("framing and expectation are told by the head", () => {
  const length = parse(
    `POST / HTTP/1.1\r\n${H}Content-Length: 007\r\nExpect: 100-Continue\r\n\r\n`,
  );
  assertEquals(length.body, { kind: "length", bytes: 7 });
  assertEquals(length.expectsContinue, true);
  const chunked = parse(`POST / HTTP/1.1\r\n${H}Transfer-Encoding: Chunked\r\n\r\n`);
  assertEquals(chunked.body, { kind: "chunked" });
  const none = parse(`POST / HTTP/1.1\r\n${H}Content-Length: 0\r\nExpect: 100-continue\r\n\r\n`);
  assertEquals(none.expectsContinue, false);
});

test("one empty line before a request is tolerated, whole or in pieces", async () => {
  await using on = engine(() => ({ kind: "respond", response: new Response("ok") }));
  using client = await on.connect();
  await client.send("\r");
  await client.send(`\nGET / HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n`);
  assertEquals((await client.message()).body, "ok");
  assertEquals((await client.message()).body, "ok");
});
