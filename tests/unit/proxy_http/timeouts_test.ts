import { assert, assertEquals } from "#tests/support/assert.ts";
import { Deadlines, NEVER } from "#src/proxy/http/deadlines.ts";
import { engine, eventually, forwardTo, get, ManualClock, RawUpstream, test } from "./support.ts";

const LIMITS = { headMs: 10_000, keepAliveMs: 30_000, stallMs: 20_000, lingerMs: 5_000 };

test("a deadline passes at its time or up to two ticks later, never earlier", async () => {
  const clock = new ManualClock();
  const over = new AbortController();
  const deadlines = new Deadlines(clock, 100);
  const running = deadlines.run(over.signal);
  await clock.advance(250);
  const wanted = [deadlines.after(1000), deadlines.after(0), deadlines.after(NEVER)];
  const passed: (number | undefined)[] = [undefined, undefined, undefined];
  const watching = {
    expire(now: number) {
      wanted.forEach((deadline, at) => {
        if (now >= deadline) passed[at] ??= clock.now();
      });
    },
  };
  deadlines.watch(watching);
  await clock.advance(2000);
  assertEquals(passed, [1300, 300, undefined]);
  deadlines.unwatch(watching);
  over.abort();
  await running;
});

function served(clock: ManualClock) {
  return engine(() => ({ kind: "respond", response: new Response("ok") }), {
    clock,
    limits: LIMITS,
  });
}

test("a head that comes too slowly ends the connection, however steadily it comes", async () => {
  const clock = new ManualClock();
  await using on = served(clock);
  using client = await on.connect();
  await eventually(() => on.server.connections() === 1, "the connection");
  for (const letter of "GET / HTTP") {
    await client.send(letter);
    await clock.advance(900);
  }
  assertEquals(on.server.connections(), 1);
  await clock.advance(6_000);
  assertEquals(await client.rest(), "");
  assertEquals(on.server.connections(), 0);
});

test("a connection that never says anything ends after the time for a head", async () => {
  const clock = new ManualClock();
  await using on = served(clock);
  using client = await on.connect();
  await eventually(() => on.server.connections() === 1, "the connection");
  await clock.advance(9_000);
  assertEquals(on.server.connections(), 1);
  await clock.advance(2_000);
  assertEquals(await client.rest(), "");
});

test("an idle connection ends after the keep-alive time", async () => {
  const clock = new ManualClock();
  await using on = served(clock);
  using client = await on.connect();
  await client.send(get());
  await client.message();
  await clock.advance(29_000);
  assertEquals(on.server.connections(), 1);
  await clock.advance(2_000);
  assertEquals(await client.rest(), "");
});

test("a request that is being decided or answered slowly has all the time it needs", async () => {
  const clock = new ManualClock();
  let asked = false;
  let proceed = () => {};
  const proceeding = new Promise<void>((resolve) => proceed = resolve);
  await using upstream = new RawUpstream(async (peer) => {
    await peer.message();
    asked = true;
    await proceeding;
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address), { clock, limits: LIMITS });
  using client = await on.connect();
  await client.send(get());
  await eventually(() => asked, "the request at the upstream");
  await clock.advance(120_000);
  proceed();
  assertEquals((await client.message()).body, "ok");
});

test("a body that stops coming ends the exchange", async () => {
  const clock = new ManualClock();
  let over = false;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("abc");
    await peer.rest();
    over = true;
  });
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }), {
    clock,
    limits: LIMITS,
  });
  using client = await on.connect();
  await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
  await eventually(() => upstream.connections === 1, "the forwarding");
  await clock.advance(19_000);
  assertEquals(ended, 0);
  await clock.advance(5_000);
  await eventually(() => over && ended === 1, "the end");
  assertEquals(await client.rest(), "");
});

test("a client that takes nothing of its answer is closed, and the upstream with it", async () => {
  const clock = new ManualClock();
  let sent = 0;
  let over = false;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.message();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    try {
      for (; sent < 100_000_000; sent += 65536) await peer.send(new Uint8Array(65536));
    } finally {
      over = true;
    }
  });
  let ended = 0;
  await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }), {
    clock,
    limits: LIMITS,
  });
  using client = await on.connect();
  await client.send(get());
  await client.until("\r\n\r\n");
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert(sent < 100_000_000);
  await clock.advance(19_000);
  assertEquals(ended, 0);
  await clock.advance(5_000);
  await eventually(() => over && ended === 1, "the end");
});

test("a refused client that keeps sending is closed after the lingering time", async () => {
  const clock = new ManualClock();
  await using on = served(clock);
  using client = await on.connect();
  await client.send("bad\r\n\r\n");
  assertEquals((await client.message()).status, 400);
  assertEquals(await client.rest(), "");
  await client.send("more");
  await clock.advance(4_000);
  assertEquals(on.server.connections(), 1);
  await clock.advance(3_000);
  await eventually(() => on.server.connections() === 0, "the end");
});
