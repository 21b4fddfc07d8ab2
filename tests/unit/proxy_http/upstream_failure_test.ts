import { assert, assertEquals } from "#tests/support/assert.ts";
import { answering, engine, eventually, forwardTo, get, RawUpstream, test } from "./support.ts";

async function closedPort(): Promise<number> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await Promise.resolve();
  return port;
}

test("an upstream that nobody listens on is answered by onUpstreamError", async () => {
  const port = await closedPort();
  let ended = 0;
  let message = "";
  await using on = engine(forwardTo({ kind: "tcp", hostname: "127.0.0.1", port }, {
    onUpstreamError: (error) => {
      message = error.message;
      return new Response("starting over", { status: 503, headers: { "retry-after": "1" } });
    },
    onEnd: () => ended++,
  }));
  using client = await on.connect();
  for (let time = 1; time <= 2; time++) {
    await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    const answer = await client.message();
    assertEquals([answer.status, answer.body], [503, "starting over"]);
    assertEquals(answer.get("retry-after"), "1");
    assertEquals(ended, time);
  }
  assertEquals(message, `cannot connect to 127.0.0.1:${port}`);
  assertEquals(on.log.records[0]?.level, "warn");
});

test("an upstream that ends without an answer becomes a plain 502", async () => {
  for (const begin of ["", "HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\nX: 1\r\n"]) {
    await using upstream = new RawUpstream(async (peer) => {
      await peer.message();
      await peer.send(begin);
    });
    await using on = engine(forwardTo(upstream.address));
    using client = await on.connect();
    await client.send(get());
    assertEquals((await client.message()).status, 502, begin);
    await client.send(get());
    assertEquals((await client.message()).status, 502, begin);
  }
});

test("an onUpstreamError that throws becomes a plain 502", async () => {
  const port = await closedPort();
  await using on = engine(forwardTo({ kind: "tcp", hostname: "127.0.0.1", port }, {
    onUpstreamError: () => {
      throw new Error("broken page");
    },
  }));
  using client = await on.connect();
  await client.send(get());
  assertEquals((await client.message()).status, 502);
  assert(on.log.records.some(({ fields }) => fields["reason"] === "broken page"));
});

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const CUT: readonly (readonly [what: string, begin: string, rest: string])[] = [
  ["a length that is not reached", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ""],
  ["no last chunk", `${CHUNKED}3\r\nabc\r\n`, ""],
  ["half a chunk", `${CHUNKED}9\r\nabc`, "de"],
  ["a broken chunk", `${CHUNKED}3\r\nabc\r\n`, "xyz\r\n"],
];

for (const [what, begin, rest] of CUT) {
  test(`an answer with ${what} ends the client's connection without a clean end`, async () => {
    let proceed = () => {};
    const proceeding = new Promise<void>((resolve) => proceed = resolve);
    await using upstream = new RawUpstream(async (peer) => {
      await peer.message();
      await peer.send(begin);
      await proceeding;
      await peer.send(rest);
    });
    let ended = 0;
    await using on = engine(forwardTo(upstream.address, { onEnd: () => ended++ }));
    using client = await on.connect();
    await client.send(get());
    await client.until("abc");
    proceed();
    assert(!(await client.rest()).endsWith("0\r\n\r\n"));
    await eventually(() => ended === 1, "the end");
    assert(on.log.records.some(({ message }) => message === "an upstream's answer broke off"));
  });
}

test("an answer that is broken before anything of it was sent becomes a 502", async () => {
  await using upstream = answering(`${CHUNKED}3\r\nabc\r\nxyz\r\n`);
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  for (let time = 0; time < 2; time++) {
    await client.send(get());
    assertEquals((await client.message()).status, 502);
  }
});

test("bytes behind an answer are not taken for the next one", async () => {
  await using upstream = answering(
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
  );
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  for (let time = 0; time < 3; time++) {
    await client.send(get());
    assertEquals((await client.message()).body, "ok");
  }
  assertEquals(upstream.connections, 3);
});
