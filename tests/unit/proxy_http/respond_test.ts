import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { engine, eventually, get, test } from "./support.ts";

function responding(make: (target: string) => Response) {
  return engine(({ target }) => ({ kind: "respond", response: make(target) }));
}

test("every kind of body is sent, and the connection goes on", async () => {
  const kinds: Record<string, () => Response> = {
    "/text": () => new Response("plain \u20ac"),
    "/bytes": () => new Response(new Uint8Array([104, 105])),
    "/null": () => new Response(null),
    "/empty": () => new Response(""),
    "/json": () => Response.json({ a: 1 }),
    "/stream": () => new Response(ReadableStream.from(["a", "", "bc"].map(encode))),
    "/blob": () => new Response(new Blob(["bl", "ob"])),
  };
  const wanted: Record<string, string> = {
    "/text": "plain \xe2\x82\xac",
    "/bytes": "hi",
    "/null": "",
    "/empty": "",
    "/json": '{"a":1}',
    "/stream": "abc",
    "/blob": "blob",
  };
  await using on = responding((target) => kinds[target]?.() ?? new Response("?"));
  using client = await on.connect();
  for (const target of Object.keys(kinds)) {
    await client.send(get(target));
    assertEquals((await client.message()).body, wanted[target], target);
  }
});

test("a body that is all there has a Content-Length, a stream is chunked", async () => {
  await using on = responding((target) =>
    target === "/text" ? new Response("four") : new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(encode("a"));
          await new Promise((resolve) => setTimeout(resolve, 5));
          controller.enqueue(encode("b"));
          controller.close();
        },
      }),
    )
  );
  using client = await on.connect();
  await client.send(get("/text"));
  assertEquals((await client.message()).get("content-length"), "4");
  await client.send(get("/stream"));
  const streamed = await client.message();
  assertEquals([streamed.get("transfer-encoding"), streamed.body], ["chunked", "ab"]);
});

test("status, phrase and headers are sent as they are, hop-by-hop ones are not", async () => {
  await using on = responding(() => {
    const headers = new Headers([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["connection", "upgrade"],
      ["transfer-encoding", "gzip"],
      ["date", "today"],
    ]);
    return new Response("x", { status: 418, statusText: "Teapot", headers });
  });
  using client = await on.connect();
  await client.send(get());
  const answer = await client.message();
  assertEquals(answer.first, "HTTP/1.1 418 Teapot");
  assertEquals(
    [...answer.headers].sort(),
    [
      ["content-length", "1"],
      ["content-type", "text/plain;charset=UTF-8"],
      ["date", "today"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ],
  );
});

test("an answer without a Date gets one, and the usual phrase", async () => {
  await using on = responding(() => new Response(null, { status: 404 }));
  using client = await on.connect();
  await client.send(get());
  const answer = await client.message();
  assertEquals(answer.first, "HTTP/1.1 404 Not Found");
  assert(!Number.isNaN(Date.parse(answer.get("date") ?? "")));
});

test("HEAD gets the head alone, 204 and 304 too", async () => {
  let cancelled = 0;
  await using on = responding((target) =>
    target === "/head"
      ? new Response(new ReadableStream({ cancel: () => void cancelled++ }), {
        headers: { "content-length": "5" },
      })
      : new Response(null, { status: Number(target.slice(1)) })
  );
  using client = await on.connect();
  await client.send("HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n");
  assertEquals((await client.message({ bodyless: true })).get("content-length"), "5");
  assertEquals(cancelled, 1);
  for (const status of [204, 304]) {
    await client.send(get(`/${status}`));
    const answer = await client.message();
    assertEquals([answer.status, answer.get("content-length")], [status, undefined]);
  }
});

test("a 1.0 client gets a stream that ends with the connection", async () => {
  await using on = responding(() =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          controller.enqueue(encode("x"));
          controller.close();
        },
      }),
      { headers: { "x-kind": "stream" } },
    )
  );
  using client = await on.connect();
  await client.send("GET / HTTP/1.0\r\n\r\n");
  const answer = await client.rest();
  assertStringIncludes(answer, "Connection: close\r\n");
  assert(!answer.includes("chunked") && answer.endsWith("\r\n\r\nx"));
});

test("a small body that nobody read is dropped, and the connection goes on", async () => {
  await using on = responding((target) => new Response(target));
  using client = await on.connect();
  await client.send("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
  assertEquals((await client.message()).body, "/1");
  await client.send("defPOST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  assertEquals((await client.message()).body, "/2");
  await client.send(`3\r\nabc\r\n0\r\n\r\n${get("/3")}`);
  assertEquals((await client.message()).body, "/3");
});

test("a large body that nobody read ends the connection, and the answer arrives", async () => {
  await using on = responding(() => new Response("too large", { status: 413 }));
  using client = await on.connect();
  const sending = client.send(
    `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n${"x".repeat(900_000)}`,
  ).catch(() => {});
  const answer = await client.message();
  assertEquals([answer.status, answer.get("connection")], [413, "close"]);
  await sending;
  await client.conn.closeWrite();
  assertEquals(await client.rest(), "");
});

test("a chunked body beyond the limit ends the connection", async () => {
  await using on = engine(() => ({ kind: "respond", response: new Response("ok") }), {
    limits: { drainBytes: 100 },
  });
  using client = await on.connect();
  await client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  assertEquals((await client.message()).body, "ok");
  await client.send(`200\r\n${"x".repeat(0x200)}\r\n`);
  await client.conn.closeWrite();
  assertEquals(await client.rest(), "");
});

test("a stream that fails ends the connection without a clean end", async () => {
  await using on = responding(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(encode("begin")),
        async pull() {
          await new Promise((resolve) => setTimeout(resolve, 5));
          throw new Error("source broke");
        },
      }, { highWaterMark: 2 }),
    )
  );
  using client = await on.connect();
  await client.send(get());
  const answer = await client.rest();
  assertStringIncludes(answer, "begin");
  assert(!answer.endsWith("0\r\n\r\n"));
  assert(on.log.records.some(({ fields }) => fields["reason"] === "source broke"));
});

test("a body that differs from its Content-Length is cut, not stretched", async () => {
  await using on = responding((target) =>
    new Response(ReadableStream.from([encode("abc"), encode("def")]), {
      headers: { "content-length": target === "/short" ? "9" : "4" },
    })
  );
  for (const [target, wanted] of [["/short", "abcdef"], ["/long", "abc"]] as const) {
    using client = await on.connect();
    await client.send(get(target));
    assert((await client.rest()).endsWith(`\r\n\r\n${wanted}`), target);
  }
});

test("a response that cannot be sent becomes a plain 500", async () => {
  const used = new Response("x");
  await used.text();
  await using on = responding((target) => {
    if (target === "/used") return used;
    if (target === "/odd") return new Response(ReadableStream.from(["text"]) as ReadableStream);
    return Response.error();
  });
  for (const target of ["/used", "/odd", "/error"]) {
    using client = await on.connect();
    await client.send(get(target));
    assertEquals((await client.message()).status, 500, target);
  }
  assertEquals(on.log.records.length, 3);
});

test("a decision that throws or rejects is a plain 500 and is logged", async () => {
  await using on = engine(({ target }) => {
    if (target === "/throws") throw new Error("router bug");
    return Promise.reject(new Error("router bug"));
  });
  using client = await on.connect();
  for (const target of ["/throws", "/rejects"]) {
    await client.send(get(target));
    assertEquals((await client.message()).status, 500);
  }
  assertEquals(on.log.records.map(({ level, fields }) => [level, fields["reason"]]), [
    ["error", "router bug"],
    ["error", "router bug"],
  ]);
});

test("a stream is held back by a slow reader, and cancelled when the reader goes away", async () => {
  let pulled = 0;
  let cancelled = false;
  await using on = responding(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          pulled++;
          controller.enqueue(new Uint8Array(64 * 1024));
        },
        cancel() {
          cancelled = true;
        },
      }),
    )
  );
  {
    using client = await on.connect();
    await client.send(get());
    await client.until("\r\n\r\n");
    let before = -1;
    while (before !== pulled) {
      before = pulled;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await eventually(() => cancelled, "the cancellation");
  assertEquals(on.server.connections(), 0);
});

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
