import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { completeLimits } from "#src/proxy/http/limits.ts";
import { MessageError } from "#src/proxy/http/message_error.ts";
import { type ParsedResponse, parseResponseHead } from "#src/proxy/http/response_head.ts";
import { answering, engine, forwardTo, get, test } from "./support.ts";

const limits = completeLimits({ headBytes: 2048, headerCount: 20 });

function parse(text: string, method = "GET"): ParsedResponse {
  return parseResponseHead(text, { method, limits });
}

test("the framing follows method, status and fields", () => {
  for (
    const [head, method, wanted] of [
      ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", { kind: "length", bytes: 5 }],
      ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", { kind: "chunked" }],
      ["HTTP/1.1 200 OK\r\n\r\n", "GET", { kind: "close" }],
      ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", { kind: "none" }],
      ["HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "GET", { kind: "none" }],
      ["HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", { kind: "none" }],
      [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
        "GET",
        { kind: "length", bytes: 5 },
      ],
    ] as const
  ) assertEquals(parse(head, method).body, wanted, head);
});

test("status, reason and end-to-end fields are read", () => {
  const response = parse(
    "HTTP/1.0 404\r\nConnection: x-drop\r\nX-Drop: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
  );
  assertEquals(response.status, 404);
  assertEquals(response.reason, "");
  assertEquals(response.keepAlive, false);
  assertEquals(response.headers, [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]);
});

const UNUSABLE: readonly (readonly [what: string, head: string])[] = [
  ["no status", "HTTP/1.1\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
  ["a status above 599", "HTTP/1.1 600 Odd\r\n\r\n"],
  ["another protocol", "ICY 200 OK\r\n\r\n"],
  ["another version", "HTTP/2.0 200 OK\r\n\r\n"],
  ["a bare LF", "HTTP/1.1 200 OK\nX: a\r\n\r\n"],
  ["a bare CR", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n"],
  ["NUL in a value", "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"],
  ["a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"],
  ["a space before the colon", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n"],
  ["both framings", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["differing lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
  ["a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"],
  ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
  ["chunked in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["many fields", `HTTP/1.1 200 OK\r\n${"X: a\r\n".repeat(21)}\r\n`],
  ["a long head", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(5000)}\r\n\r\n`],
  [
    "a switch nobody asked for",
    "HTTP/1.1 101 Sure\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  ],
  ["too many interim answers", `${"HTTP/1.1 103 Early\r\n\r\n".repeat(20)}HTTP/1.1 200 OK\r\n\r\n`],
];

for (const [what, response] of UNUSABLE) {
  test(`an answer with ${what} becomes a 502, and the client can go on`, async () => {
    await using upstream = answering(response);
    await using on = engine(forwardTo(upstream.address), {
      limits: { headBytes: 2048, headerCount: 20 },
    });
    using client = await on.connect();
    for (let time = 0; time < 2; time++) {
      await client.send(get());
      assertEquals((await client.message()).status, 502);
    }
  });
}

test("a head that a scanner passes is still refused when its status line is odd", () => {
  assertThrows(() => parse("HTTP/1.1  200 OK\r\n\r\n"), MessageError, "status line");
});
