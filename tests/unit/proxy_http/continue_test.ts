import { assert, assertEquals } from "#tests/support/assert.ts";
import {
  engine,
  eventually,
  forwardTo,
  ManualClock,
  type Message,
  RawUpstream,
  test,
} from "./support.ts";

const HEAD = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

test("the upstream's 100 reaches a client that waits for it", async () => {
  let seen = "";
  await using upstream = new RawUpstream(async (peer) => {
    seen = await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 100 Continue\r\nX: dropped\r\n\r\n");
    await peer.exactly(3);
    await peer.send(OK);
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(HEAD);
  assertEquals(await client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  assert(seen.includes("Expect: 100-continue\r\n"));
  await client.send("abc");
  assertEquals((await client.message()).body, "ok");
});

test("an upstream that refuses is heard before the body is sent", async () => {
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(HEAD);
  const answer = await client.message();
  assertEquals(answer.first, "HTTP/1.1 417 No");
  assertEquals(answer.get("connection"), "close");
});

test("an upstream that says nothing does not keep the client waiting for ever", async () => {
  const clock = new ManualClock();
  let seen: Message | undefined;
  let begun = false;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.more();
    begun = true;
    seen = await peer.message();
    await peer.send(OK);
  });
  await using on = engine(forwardTo(upstream.address), { clock });
  using client = await on.connect();
  await client.send(HEAD);
  await eventually(() => begun, "the request at the upstream");
  await clock.advance(1000);
  assertEquals(await client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await client.send("abc");
  assertEquals((await client.message()).status, 200);
  assertEquals(seen?.body, "abc");
});

test("a client that sends its body unasked gets no 100", async () => {
  await using upstream = new RawUpstream(async (peer) => {
    await peer.message();
    await peer.send(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(`${HEAD}abc`);
  assertEquals((await client.message()).status, 200);
});

test("an answer made here comes without a 100 and ends the connection", async () => {
  await using on = engine(() => ({ kind: "respond", response: new Response("no") }));
  using client = await on.connect();
  await client.send(HEAD);
  const answer = await client.message();
  assertEquals([answer.status, answer.get("connection")], [200, "close"]);
  assertEquals(await client.rest(), "");
});

test("in HTTP/1.0 the expectation is ignored", async () => {
  let seen: Message | undefined;
  await using upstream = new RawUpstream(async (peer) => {
    seen = await peer.message();
    await peer.send(OK);
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(`${HEAD.replace("1.1", "1.0")}abc`);
  assertEquals((await client.message()).status, 200);
  assertEquals(seen?.get("expect"), undefined);
});
