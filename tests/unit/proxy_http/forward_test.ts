import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { silentLogger } from "#src/core/mod.ts";
import { serveHttp } from "#src/proxy/http/mod.ts";
import {
  answering,
  engine,
  eventually,
  forwardTo,
  get,
  type Message,
  Peer,
  RawUpstream,
  test,
} from "./support.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

test("the upstream gets the verdict's target and headers, and the engine's own framing", async () => {
  let seen: Message | undefined;
  await using upstream = new RawUpstream(async (peer) => {
    seen = await peer.message();
    await peer.send(OK);
    await peer.more();
  });
  await using on = engine(() => ({
    kind: "forward",
    upstream: upstream.address,
    target: "/mapped?x",
    headers: [
      ["Host", "w"],
      ["X-A", "\xe9"],
      ["Connection", "x-a"],
      ["Keep-Alive", "1"],
      ["Transfer-Encoding", "gzip"],
      ["content-length", "99"],
      ["Upgrade", "h2c"],
      ["Proxy-Foo", "stays"],
    ],
  }));
  using client = await on.connect();
  await client.send("POST /asked HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  assertEquals((await client.message()).body, "ok");
  assertEquals(seen?.first, "POST /mapped?x HTTP/1.1");
  assertEquals(seen?.body, "abc");
  assertEquals(seen?.headers, [
    ["host", "w"],
    ["x-a", "\xe9"],
    ["proxy-foo", "stays"],
    ["content-length", "3"],
  ]);
});

test("an answer's hop-by-hop headers stay behind, and the others are mapped", async () => {
  await using upstream = answering(
    "HTTP/1.1 201 Made\r\nConnection: X-Drop, keep-alive\r\nX-Drop: 1\r\nKeep-Alive: 5\r\n" +
      "Upgrade: h2c\r\nProxy-Authenticate: x\r\nTrailer: y\r\nSet-Cookie: a=1\r\n" +
      "Set-Cookie: b=2\r\nDate: today\r\nContent-Length: 2\r\n\r\nok",
  );
  const statuses: number[] = [];
  await using on = engine(forwardTo(upstream.address, {
    mapResponseHeaders: (headers, status) => {
      statuses.push(status);
      return [...headers, ["X-More", "1"], ["Connection", "close"], ["Content-Length", "9"]];
    },
  }));
  using client = await on.connect();
  await client.send(get());
  const answer = await client.message();
  assertEquals(answer.first, "HTTP/1.1 201 Made");
  assertEquals(answer.headers, [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["date", "today"],
    ["x-more", "1"],
    ["content-length", "2"],
  ]);
  assertEquals(answer.body, "ok");
  assertEquals(statuses, [201]);
});

test("an upgrade other than WebSocket is not passed on", async () => {
  let seen: Message | undefined;
  await using upstream = new RawUpstream(async (peer) => {
    seen = await peer.message();
    await peer.send(OK);
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(
    get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n"),
  );
  assertEquals((await client.message()).status, 200);
  assertEquals(seen?.headers, [["host", "h"]]);
});

test("a client cannot make the engine drop a header that the router adds", async () => {
  let seen: Message | undefined;
  await using upstream = new RawUpstream(async (peer) => {
    seen = await peer.message();
    await peer.send(OK);
  });
  await using on = engine(({ target, headers }) => ({
    kind: "forward",
    upstream: upstream.address,
    target,
    headers: [...headers, ["X-Forwarded-For", "1.2.3.4"]],
  }));
  using client = await on.connect();
  await client.send(get("/", "Connection: X-Forwarded-For\r\nX-Forwarded-For: spoofed\r\n"));
  await client.message();
  assertEquals(seen?.get("x-forwarded-for"), "1.2.3.4");
});

test("pipelined requests are answered in order on one connection", async () => {
  await using upstream = new RawUpstream(async (peer) => {
    for (;;) {
      const { first } = await peer.message();
      await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${first.length}\r\n\r\n${first}`);
    }
  });
  await using on = engine(async (head, options) => {
    if (head.target === "/1") await new Promise((resolve) => setTimeout(resolve, 20));
    if (head.target === "/2") return { kind: "respond", response: new Response("here") };
    return forwardTo(upstream.address)(head, options);
  });
  using client = await on.connect();
  await client.send(
    get("/1") + get("/2") +
      "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
      "HEAD /2 HTTP/1.1\r\nHost: h\r\n\r\n" + get("/4", "Connection: close\r\n"),
  );
  assertEquals((await client.message()).body, "GET /1 HTTP/1.1");
  assertEquals((await client.message()).body, "here");
  assertEquals((await client.message()).body, "POST /3 HTTP/1.1");
  assertEquals((await client.message({ bodyless: true })).status, 200);
  const last = await client.message();
  assertEquals(last.body, "GET /4 HTTP/1.1");
  assertEquals(last.get("connection"), "close");
  assertEquals(await client.rest(), "");
  assertEquals(on.server.connections(), 0);
});

test("HEAD, 204 and 304 have no body, whatever their heads say", async () => {
  for (
    const [request, response, length] of [
      ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "5"],
      ["HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", undefined],
      ["GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", undefined],
      ["GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "5"],
    ] as const
  ) {
    await using upstream = answering(response);
    await using on = engine(forwardTo(upstream.address));
    using client = await on.connect();
    for (let time = 0; time < 2; time++) {
      await client.send(`${request} / HTTP/1.1\r\nHost: h\r\n\r\n`);
      const answer = await client.message({ bodyless: true });
      assertEquals(answer.get("content-length"), length, response);
      assertEquals(answer.get("transfer-encoding"), undefined, response);
    }
    assertEquals(client.text, "");
    assertEquals(upstream.connections, 1);
  }
});

test("a chunked answer is framed anew, without extensions and trailers", async () => {
  await using upstream = answering(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "3;ext=1\r\nabc\r\n04\r\ndefg\r\n0\r\nSecret: 1\r\n\r\n",
  );
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  for (let time = 0; time < 2; time++) {
    await client.send(get());
    assertStringIncludes(await client.until("\r\n\r\n"), "Transfer-Encoding: chunked\r\n");
    assertEquals(await client.until("0\r\n\r\n"), "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
  }
  assertEquals(upstream.connections, 1);
});

test("an answer that lasts until the upstream closes is chunked for the client", async () => {
  await using upstream = new RawUpstream(async (peer) => {
    await peer.message();
    await peer.send("HTTP/1.1 200 OK\r\n\r\nhel");
    await peer.send("lo");
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  for (let time = 0; time < 2; time++) {
    await client.send(get());
    assertEquals((await client.message()).body, "hello");
  }
});

test("a 1.0 client gets no chunked coding: the end of the connection is the end", async () => {
  await using upstream = answering(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  );
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const answer = await client.rest();
  assertStringIncludes(answer, "\r\nConnection: close\r\n");
  assert(!answer.includes("Transfer-Encoding"));
  assert(answer.endsWith("\r\n\r\nabc"));
});

test("a 1.0 client that asks for it keeps its connection when the length is known", async () => {
  await using upstream = answering(OK);
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  for (let time = 0; time < 2; time++) {
    await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assertEquals((await client.message()).get("connection"), "keep-alive");
  }
});

test("a chunked request is framed anew towards the upstream", async () => {
  let seen = "";
  await using upstream = new RawUpstream(async (peer) => {
    seen = await peer.until("0\r\n\r\n");
    await peer.send(OK);
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "003;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: evil\r\n\r\n",
  );
  assertEquals((await client.message()).status, 200);
  assertEquals(
    seen,
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
  );
});

test("a broken chunked request is refused, and the upstream never sees its end", async () => {
  let seen = "";
  await using upstream = new RawUpstream(async (peer) => {
    seen = await peer.rest();
  });
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }));
  using client = await on.connect();
  await client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  await client.send("zz\r\n");
  assertEquals((await client.message()).status, 400);
  assertEquals(await client.rest(), "");
  assert(!seen.includes("0\r\n\r\n"));
  assertEquals(ended, 1);
});

test("an answer that comes before the request's body is over is passed on at once", async () => {
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc");
  const answer = await client.message();
  assertEquals([answer.status, answer.body], [413, "no"]);
  assertEquals(answer.get("connection"), "close");
  assertEquals(await client.rest(), "");
});

test("an upstream that answers and stops reading is heard all the same", async () => {
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    await peer.conn.closeWrite();
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  const sending = client.send(
    `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n${"x".repeat(300_000)}`,
  ).catch(() => {});
  assertEquals((await client.message()).status, 413);
  await sending;
});

test("two-way streaming works: each piece of a body can be answered before the next", async () => {
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let piece = 0; piece < 3; piece++) {
      const text = await peer.exactly(6);
      await peer.send(text);
    }
    await peer.send("0\r\n\r\n");
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  await client.until("\r\n\r\n");
  for (const letter of ["a", "b", "c"]) {
    await client.send(`1\r\n${letter}\r\n`);
    assertEquals(await client.exactly(6), `1\r\n${letter}\r\n`);
  }
  assertEquals(await client.until("0\r\n\r\n"), "0\r\n\r\n");
});

test("interim answers end at the engine, and the real one is passed on", async () => {
  await using upstream = answering(
    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK,
  );
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(get());
  assertEquals((await client.message()).status, 200);
});

test("a verdict that cannot be sent is answered with 500 and logged", async () => {
  await using upstream = answering(OK);
  const bad: Record<string, Partial<{ target: string; headers: [string, string][] }>> = {
    "/line": { headers: [["X", "a\r\nY: b"]] },
    "/name": { headers: [["X Y", "a"]] },
    "/wide": { headers: [["X", "\u20ac"]] },
    "/target": { target: "/a b" },
  };
  let ended = 0;
  await using on = engine((head, options) =>
    forwardTo(upstream.address, { ...bad[head.target], onEnd: () => ended++ })(head, options)
  );
  using client = await on.connect();
  for (const target of Object.keys(bad)) {
    await client.send(get(target));
    assertEquals((await client.message()).status, 500, target);
  }
  assertEquals(ended, 4);
  assertEquals(on.log.records.map(({ level }) => level), ["error", "error", "error", "error"]);
  assertEquals(upstream.connections, 0);
});

test("headers that the mapping breaks end in a 500, not in a split answer", async () => {
  await using upstream = answering(OK);
  await using on = engine(forwardTo(upstream.address, {
    mapResponseHeaders: () => [["X", "a\r\n\r\nHTTP/1.1 200 OK"]],
  }));
  using client = await on.connect();
  await client.send(get());
  assertEquals((await client.message()).status, 500);
});

test("neither side's kernel holds small packets back", async () => {
  const undelayed: string[] = [];
  const spied = (conn: Deno.TcpConn, side: string): Deno.TcpConn => {
    const setNoDelay = conn.setNoDelay.bind(conn);
    conn.setNoDelay = (on) => {
      if (on !== false) undelayed.push(side);
      setNoDelay(on);
    };
    return conn;
  };
  await using upstream = answering(OK);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accept = listener.accept.bind(listener);
  listener.accept = async () => spied(await accept(), "client");
  const server = serveHttp(listener, { decide: forwardTo(upstream.address), log: silentLogger });
  const connect = Deno.connect;
  try {
    using client = await Peer.connect(listener.addr.port);
    Deno.connect = (async (options: Deno.ConnectOptions) =>
      spied(await connect(options), "upstream")) as typeof Deno.connect;
    await client.send(get());
    assertEquals((await client.message()).body, "ok");
  } finally {
    Deno.connect = connect;
    await server.shutdown({ graceMs: 0 });
  }
  assertEquals(undelayed, ["client", "upstream"]);
});

test("the end of each exchange is reported once", async () => {
  await using upstream = answering(OK);
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }));
  using client = await on.connect();
  for (let time = 1; time <= 5; time++) {
    await client.send(get());
    await client.message();
    await eventually(() => ended >= time, "the end of the exchange");
    assertEquals(ended, time);
  }
});
