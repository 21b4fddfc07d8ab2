import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import {
  engine,
  eventually,
  forwardTo,
  get,
  ManualClock,
  Peer,
  RawUpstream,
  test,
} from "./support.ts";

const ok = () => ({ kind: "respond" as const, response: new Response("ok") });

/** An upstream whose answer waits for `proceed`. */
function held(answer: string): RawUpstream & { proceed(): void; asked(): boolean } {
  let proceed = () => {};
  let asked = false;
  const proceeding = new Promise<void>((resolve) => proceed = resolve);
  const upstream = new RawUpstream(async (peer) => {
    await peer.message();
    asked = true;
    await proceeding;
    await peer.send(answer);
    await peer.rest();
  });
  return Object.assign(upstream, { proceed: () => proceed(), asked: () => asked });
}

test("idle connections are closed at once, and no new ones are accepted", async () => {
  await using on = engine(ok);
  using used = await on.connect();
  await used.send(get());
  await used.message();
  using fresh = await on.connect();
  await eventually(() => on.server.connections() === 2, "both connections");
  await on.server.shutdown({ graceMs: 60_000 });
  assertEquals([await used.rest(), await fresh.rest()], ["", ""]);
  await on.server.finished;
  await assertRejects(() => Peer.connect(on.port), Deno.errors.ConnectionRefused);
});

test("an exchange may finish, and its answer says that the connection ends", async () => {
  await using upstream = held("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(get());
  await eventually(upstream.asked, "the request at the upstream");
  const stopping = on.server.shutdown({ graceMs: 60_000 });
  upstream.proceed();
  const answer = await client.message();
  assertEquals([answer.body, answer.get("connection")], ["ok", "close"]);
  assertEquals(await client.rest(), "");
  await stopping;
  assertEquals(on.server.connections(), 0);
});

test("what is left after the grace period is closed", async () => {
  const clock = new ManualClock();
  await using upstream = held("");
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }), { clock });
  using client = await on.connect();
  await client.send(get());
  await eventually(upstream.asked, "the request at the upstream");
  let done = false;
  const stopping = on.server.shutdown({ graceMs: 5_000 }).then(() => done = true);
  await clock.advance(4_000);
  assertEquals([done, ended], [false, 0]);
  await clock.advance(2_000);
  await stopping;
  assertEquals(ended, 1);
  assertEquals(await client.rest(), "");
  upstream.proceed();
});

test("a second shutdown shortens the first", async () => {
  await using on = engine(() => new Promise(() => {}));
  using client = await on.connect();
  await client.send(get());
  await eventually(() => on.server.connections() === 1, "the connection");
  await new Promise((resolve) => setTimeout(resolve, 10));
  const first = on.server.shutdown({ graceMs: 3_600_000 });
  await on.server.shutdown({ graceMs: 0 });
  await first;
  assertEquals(await client.rest(), "");
});

test("a tunnel runs on during the grace period and is closed after it", async () => {
  const clock = new ManualClock();
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
    while (await peer.more()) await peer.send(peer.take(peer.text.length));
  });
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }), { clock });
  using client = await on.connect();
  await client.send(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  await client.until("\r\n\r\n");
  const stopping = on.server.shutdown({ graceMs: 5_000 });
  await client.send("echo");
  assertEquals(await client.exactly(4), "echo");
  await clock.advance(6_000);
  await stopping;
  assertEquals(ended, 1);
  assertEquals(await client.rest(), "");
});

test("a listener that its owner closes ends the server when the connections are done", async () => {
  const listenerClosed = engine(ok);
  await using on = listenerClosed;
  using client = await on.connect();
  await client.send(get("/", "Connection: close\r\n"));
  assertEquals((await client.message()).body, "ok");
  await on.server.shutdown({ graceMs: 0 });
  await on.server.finished;
});

test("connections beyond the limit wait for their turn", async () => {
  await using on = engine(ok, { limits: { maxConnections: 1 } });
  const first = await on.connect();
  await first.send(get());
  await first.message();
  using second = await on.connect();
  await second.send(get());
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(on.server.connections(), 1);
  first[Symbol.dispose]();
  assertEquals((await second.message()).body, "ok");
});
