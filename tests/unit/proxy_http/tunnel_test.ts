import { assert, assertEquals } from "#tests/support/assert.ts";
import {
  answering,
  engine,
  eventually,
  forwardTo,
  get,
  ManualClock,
  type Message,
  RawUpstream,
  test,
} from "./support.ts";

const ASK = get(
  "/ws",
  "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n" +
    "Sec-WebSocket-Version: 13\r\n",
);
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n" +
  "Sec-WebSocket-Accept: a\r\n\r\n";

test("a handshake is passed on, and what came with the heads is not lost", async () => {
  let seen: Message | undefined;
  let early = "";
  await using upstream = new RawUpstream(async (peer) => {
    seen = await peer.message();
    await peer.send(`${SWITCH}first from upstream`);
    early = await peer.exactly(17);
    await peer.send(" then more");
    await peer.rest();
  });
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, {
    mapResponseHeaders: (headers) => [...headers, ["X-Mapped", "1"]],
    onEnd: () => ended++,
  }));
  {
    using client = await on.connect();
    await client.send(`${ASK}first from client`);
    const answer = await client.message({ bodyless: true });
    assertEquals(answer.status, 101);
    assertEquals(answer.headers, [
      ["connection", "Upgrade"],
      ["upgrade", "websocket"],
      ["sec-websocket-accept", "a"],
      ["x-mapped", "1"],
    ]);
    assertEquals(await client.exactly(29), "first from upstream then more");
    assertEquals(early, "first from client");
    assertEquals(seen?.headers, [
      ["host", "h"],
      ["sec-websocket-key", "k"],
      ["sec-websocket-version", "13"],
      ["connection", "Upgrade"],
      ["upgrade", "websocket"],
    ]);
    assertEquals(ended, 0);
    assertEquals(on.server.connections(), 1);
  }
  await eventually(() => ended === 1, "the end of the tunnel");
});

test("an answer other than 101 is relayed, and the connection goes on", async () => {
  await using upstream = answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  for (let time = 0; time < 2; time++) {
    await client.send(ASK);
    const answer = await client.message();
    assertEquals([answer.status, answer.body], [403, "no"]);
  }
});

test("a 101 that does not switch to WebSocket becomes a 502", async () => {
  await using upstream = answering(
    "HTTP/1.1 101 Odd\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
  );
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(ASK);
  assertEquals((await client.message()).status, 502);
});

test("the end of one direction is passed on, and the other goes on", async () => {
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send(SWITCH);
    const all = await peer.rest();
    await peer.send(`got ${all}`);
  });
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }));
  using client = await on.connect();
  await client.send(ASK);
  await client.until("\r\n\r\n");
  await client.send("last words");
  await client.conn.closeWrite();
  assertEquals(await client.rest(), "got last words");
  await eventually(() => ended === 1, "the end of the tunnel");
});

test("the end of the upstream's direction is passed on, too", async () => {
  let heard = "";
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send(`${SWITCH}bye`);
    await peer.conn.closeWrite();
    heard = await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(ASK);
  await client.until("\r\n\r\n");
  assertEquals(await client.rest(), "bye");
  await client.send("still here");
  await client.conn.closeWrite();
  await eventually(() => heard === "still here", "the client's last words");
});

test("a half that stays open in silence is closed after its time", async () => {
  const clock = new ManualClock();
  const silent = Promise.withResolvers<void>();
  let over = false;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send(SWITCH);
    await peer.rest();
    over = true;
    await silent.promise;
  });
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }), {
    clock,
    limits: { halfClosedMs: 10_000 },
  });
  using client = await on.connect();
  await client.send(ASK);
  await client.until("\r\n\r\n");
  await client.conn.closeWrite();
  await eventually(() => over, "the end at the upstream");
  await clock.advance(9_000);
  assertEquals(ended, 0);
  await clock.advance(2_000);
  try {
    await eventually(() => ended === 1, "the end of the tunnel");
  } finally {
    silent.resolve();
  }
});

test("a tunnel holds back the side that is faster", async () => {
  const total = 16 * 1024 * 1024;
  let sent = 0;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send(SWITCH);
    const block = new Uint8Array(64 * 1024);
    while (sent < total) {
      await peer.send(block);
      sent += block.length;
    }
    await peer.conn.closeWrite();
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(ASK);
  await client.until("\r\n\r\n");
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert(sent < total, "everything was taken although nobody reads");
  let received = client.text.length;
  const buffer = new Uint8Array(256 * 1024);
  for (;;) {
    const count = await client.conn.read(buffer);
    if (count === null) break;
    received += count;
  }
  assertEquals(received, total);
});

test("a client that breaks off ends the tunnel for the upstream", async () => {
  let over = false;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send(SWITCH);
    await peer.rest();
    over = true;
  });
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }));
  {
    using client = await on.connect();
    await client.send(ASK);
    await client.until("\r\n\r\n");
  }
  await eventually(() => over && ended === 1, "both ends");
  assertEquals(on.server.connections(), 0);
});
