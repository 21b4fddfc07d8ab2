import { assert, assertEquals } from "#tests/support/assert.ts";
import type { Verdict } from "#src/proxy/http/mod.ts";
import { engine, eventually, forwardTo, get, RawUpstream, test } from "./support.ts";

test("a client that goes away while the decision is awaited aborts it", async () => {
  let aborted = 0;
  let ended = 0;
  let decided: (verdict: Verdict) => void = () => {};
  await using upstream = new RawUpstream(async (peer) => void await peer.rest());
  await using on = engine((_, { signal }) => {
    signal.addEventListener("abort", () => aborted++);
    return new Promise((resolve) => decided = resolve);
  });
  {
    using client = await on.connect();
    await client.send(get());
    await eventually(() => on.server.connections() === 1, "the connection");
    await new Promise((resolve) => setTimeout(resolve, 10));
    assertEquals(aborted, 0);
  }
  await eventually(() => aborted === 1 && on.server.connections() === 0, "the abort");
  decided({
    kind: "forward",
    upstream: upstream.address,
    target: "/",
    headers: [],
    onEnd: () => ended++,
  });
  await eventually(() => ended === 1, "the end of a late decision");
  assertEquals(upstream.connections, 0);
});

test("a late response is cancelled", async () => {
  let decided: (verdict: Verdict) => void = () => {};
  let cancelled = false;
  await using on = engine(() => new Promise((resolve) => decided = resolve));
  {
    using client = await on.connect();
    await client.send(get());
    await eventually(() => on.server.connections() === 1, "the connection");
  }
  await eventually(() => on.server.connections() === 0, "the end");
  decided({
    kind: "respond",
    response: new Response(new ReadableStream({ cancel: () => void (cancelled = true) })),
  });
  await eventually(() => cancelled, "the cancellation");
});

test("a signal that is asked for after the abort is aborted", async () => {
  let options: { signal: AbortSignal } | undefined;
  await using on = engine((_, given) => {
    options = given;
    return new Promise(() => {});
  });
  {
    using client = await on.connect();
    await client.send(get());
    await eventually(() => options !== undefined, "the decision");
  }
  await eventually(() => on.server.connections() === 0, "the end");
  assertEquals(options?.signal.aborted, true);
});

test("a client that has gone on with pipelined bytes is still missed when it leaves", async () => {
  let aborted = false;
  await using on = engine((_, { signal }) => {
    signal.addEventListener("abort", () => aborted = true);
    return new Promise(() => {});
  });
  {
    using client = await on.connect();
    await client.send(get() + get() + get());
  }
  await eventually(() => aborted, "the abort");
});

for (
  const [when, request, answer] of [
    ["before the answer", get(), ""],
    ["within the answer", get(), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"],
    ["within its own body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", ""],
    [
      "while waiting for a 100",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
      "",
    ],
  ] as const
) {
  test(`a client that goes away ${when} ends the upstream's connection`, async () => {
    let over = false;
    await using upstream = new RawUpstream(async (peer) => {
      await peer.until("\r\n\r\n");
      await peer.send(answer);
      await peer.rest();
      over = true;
    });
    let ended = 0;
    let errors = 0;
    await using on = engine(forwardTo(upstream.address, {
      onEnd: () => ended++,
      onUpstreamError: () => {
        errors++;
        return new Response("?");
      },
    }));
    {
      using client = await on.connect();
      await client.send(request);
      await eventually(() => upstream.connections === 1, "the forwarding");
      if (answer !== "") await client.until("abc");
    }
    await eventually(() => over && ended === 1, "the end of both");
    assertEquals(errors, 0);
    assertEquals(on.log.records.filter(({ level }) => level !== "debug"), []);
  });
}

test("an onEnd that throws is logged and hurts nobody", async () => {
  await using upstream = new RawUpstream(async (peer) => {
    for (;;) {
      await peer.message();
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  });
  await using on = engine(forwardTo(upstream.address, {
    onEnd: () => {
      throw new Error("accounting bug");
    },
  }));
  using client = await on.connect();
  for (let time = 0; time < 2; time++) {
    await client.send(get());
    assertEquals((await client.message()).status, 200);
  }
  assert(on.log.records.some(({ fields }) => fields["reason"] === "accounting bug"));
});
