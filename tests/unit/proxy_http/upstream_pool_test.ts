import { assert, assertEquals, assertRejects } from "#tests/support/assert.ts";
import { Deadlines } from "#src/proxy/http/deadlines.ts";
import { DEFAULT_LIMITS } from "#src/proxy/http/limits.ts";
import { UpstreamPool } from "#src/proxy/http/upstream_pool.ts";
import {
  engine,
  eventually,
  forwardTo,
  get,
  ManualClock,
  type Peer,
  RawUpstream,
  test,
} from "./support.ts";

function ok(text: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

/** Answers with the number of the connection. */
function numbered(after?: (peer: Peer, index: number, request: number) => Promise<boolean>) {
  return new RawUpstream(async (peer, index) => {
    for (let request = 0;; request++) {
      await peer.message();
      await peer.send(ok(`${index}`));
      if (await after?.(peer, index, request)) return;
    }
  });
}

test("a connection is used again by another client", async () => {
  await using upstream = numbered();
  await using on = engine(forwardTo(upstream.address));
  for (let time = 0; time < 3; time++) {
    using client = await on.connect();
    await client.send(get());
    assertEquals((await client.message()).body, "0");
  }
});

test("a connection that the upstream has closed is not used again", async () => {
  await using upstream = numbered(() => Promise.resolve(true));
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  for (let time = 0; time < 3; time++) {
    await client.send(get());
    assertEquals((await client.message()).body, `${time}`);
  }
});

test("a connection with Connection: close, or of HTTP/1.0, is not kept", async () => {
  for (const head of ["HTTP/1.1 200 OK\r\nConnection: close", "HTTP/1.0 200 OK"]) {
    await using upstream = new RawUpstream(async (peer) => {
      for (;;) {
        await peer.message();
        await peer.send(`${head}\r\nContent-Length: 1\r\n\r\nx`);
      }
    });
    await using on = engine(forwardTo(upstream.address));
    using client = await on.connect();
    for (let time = 0; time < 2; time++) {
      await client.send(get());
      await client.message();
    }
    assertEquals(upstream.connections, 2, head);
  }
});

test("a repeatable request that dies on a used connection is sent again on a fresh one", async () => {
  // The first connection takes a second request and ends without a word.
  await using upstream = new RawUpstream(async (peer, index) => {
    await peer.message();
    await peer.send(ok(`${index}`));
    if (index === 0) await peer.until("\r\n\r\n");
    else await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(get());
  assertEquals((await client.message()).body, "0");
  await client.send(get());
  assertEquals((await client.message()).body, "1");
});

test("it is sent again once only", async () => {
  await using upstream = new RawUpstream(async (peer, index) => {
    await peer.message();
    if (index === 0) {
      await peer.send(ok("0"));
      await peer.until("\r\n\r\n");
    }
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(get());
  await client.message();
  await client.send(get());
  assertEquals((await client.message()).status, 502);
  assertEquals(upstream.connections, 2);
});

test("it is not sent again once a byte of an answer has come", async () => {
  await using upstream = new RawUpstream(async (peer, index) => {
    await peer.message();
    await peer.send(ok(`${index}`));
    await peer.until("\r\n\r\n");
    await peer.send("H");
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(get());
  await client.message();
  await client.send(get());
  assertEquals((await client.message()).status, 502);
  assertEquals(upstream.connections, 1);
});

test("what must not be sent twice goes out on a fresh connection", async () => {
  await using upstream = numbered();
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(get());
  assertEquals((await client.message()).body, "0");
  await client.send("POST / HTTP/1.1\r\nHost: h\r\n\r\n");
  assertEquals((await client.message()).body, "1");
  await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
  assertEquals((await client.message()).body, "2");
});

test("no more idle connections are kept than the limit says", async () => {
  await using upstream = numbered();
  await using on = engine(forwardTo(upstream.address), { limits: { idlePerUpstream: 1 } });
  const ask = async () => {
    using one = await on.connect();
    using two = await on.connect();
    await Promise.all([one.send(get()), two.send(get())]);
    await Promise.all([one.message(), two.message()]);
  };
  await ask();
  await ask();
  assertEquals(upstream.connections, 3);
});

test("an idle connection is closed after its time", async () => {
  const clock = new ManualClock();
  let over = 0;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.message();
    await peer.send(ok("x"));
    await peer.rest();
    over++;
  });
  await using on = engine(forwardTo(upstream.address), {
    clock,
    limits: { upstreamIdleMs: 1000, keepAliveMs: 100_000 },
  });
  using client = await on.connect();
  await client.send(get());
  await client.message();
  await clock.advance(900);
  assertEquals(over, 0);
  await clock.advance(1000);
  await eventually(() => over === 1, "the upstream sees the end");
});

test("something unasked-for on an idle connection ends it", async () => {
  let over = 0;
  await using upstream = new RawUpstream(async (peer, index) => {
    await peer.message();
    await peer.send(ok(`${index}`));
    if (index === 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await peer.send(ok("poison"));
    }
    await peer.rest();
    over++;
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(get());
  assertEquals((await client.message()).body, "0");
  await eventually(() => over === 1, "the end of the first connection");
  await client.send(get());
  assertEquals((await client.message()).body, "1");
});

test("forgetUpstream closes idle connections, and those in use when they are done", async () => {
  let over = 0;
  let release = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  await using upstream = new RawUpstream(async (peer, index) => {
    await peer.message();
    if (index === 1) await held;
    await peer.send(ok(`${index}`));
    await peer.rest();
    over++;
  });
  await using on = engine(forwardTo(upstream.address));
  using idle = await on.connect();
  await idle.send(get());
  await idle.message();
  using busy = await on.connect();
  await busy.send("POST / HTTP/1.1\r\nHost: h\r\n\r\n");
  await eventually(() => upstream.connections === 2, "the second connection");

  on.server.forgetUpstream({ ...upstream.address });
  await eventually(() => over === 1, "the end of the idle connection");
  release();
  assertEquals((await busy.message()).body, "1");
  await eventually(() => over === 2, "the end of the other one");
  await idle.send(get());
  assertEquals((await idle.message()).body, "2");
});

test("forgetting an upstream that nobody knows does nothing", async () => {
  await using on = engine(() => ({ kind: "respond", response: new Response("ok") }));
  on.server.forgetUpstream({ kind: "tcp", hostname: "127.0.0.1", port: 1 });
});

test("a connection that is being made when its upstream is forgotten is not used", async () => {
  await using upstream = new RawUpstream(async (peer) => void await peer.rest());
  const deadlines = new Deadlines(new ManualClock(), 100);
  const pool = new UpstreamPool(deadlines, DEFAULT_LIMITS);
  const never = new AbortController();
  const dialing = pool.dial(upstream.address, { signal: never.signal });
  pool.forget(upstream.address);
  await assertRejects(() => dialing, Error, "the upstream is gone");

  const later = pool.dial(upstream.address, { signal: never.signal });
  pool.close();
  await assertRejects(() => later, Error, "the upstream is gone");
});

test("connecting is given up on demand, and after its time", async () => {
  const clock = new ManualClock();
  const pool = new UpstreamPool(new Deadlines(clock, 100), DEFAULT_LIMITS);
  const connect = Deno.connect;
  // Stands for a host that drops packets, which loopback has none of.
  Deno.connect = ((options: Deno.ConnectOptions) =>
    new Promise<Deno.TcpConn>((_, reject) => {
      options.signal?.addEventListener("abort", () => reject(options.signal?.reason));
    })) as typeof Deno.connect;
  try {
    const address = { kind: "tcp", hostname: "127.0.0.1", port: 1 } as const;
    const slow = pool.dial(address, { signal: new AbortController().signal });
    const refused = assertRejects(() => slow, Error, "no answer within 5000 ms");
    await clock.advance(6_000);
    await refused;
    const impatient = new AbortController();
    const stopped = pool.dial(address, { signal: impatient.signal });
    impatient.abort();
    await assertRejects(() => stopped, Error, "cannot connect to 127.0.0.1:1");
  } finally {
    Deno.connect = connect;
  }
});

test("a unix socket where too many wait is tried again, until the time is up", async () => {
  const clock = new ManualClock();
  const pool = new UpstreamPool(new Deadlines(clock, 100), DEFAULT_LIMITS);
  const { connect } = Deno;
  const never = new AbortController();
  const reached = Promise.withResolvers<Deno.UnixConn>();
  let tries = 0;
  let refuseFirst = 3;
  // As the kernel answers when the listener's backlog is full.
  Deno.connect = (() => {
    if (tries++ < refuseFirst) return Promise.reject(new Deno.errors.WouldBlock("EAGAIN"));
    return reached.promise;
  }) as unknown as typeof Deno.connect;
  try {
    const upstream = { kind: "unix", path: "/a", connectPath: "/x" } as const;
    reached.resolve({ close() {} } as Deno.UnixConn);
    const dialing = pool.dial(upstream, { signal: never.signal });
    await clock.advance(1000);
    (await dialing).wire.close();
    assertEquals(tries, 4);

    refuseFirst = Infinity;
    const late = assertRejects(
      () => pool.dial(upstream, { signal: never.signal }),
      Error,
      "no answer within 5000 ms",
    );
    await clock.advance(6000);
    await late;
    assert(tries > 100, `${tries}`);
  } finally {
    Deno.connect = connect;
  }
});
