import { assert, assertEquals } from "#tests/support/assert.ts";
import type { Decide, HandleVerdict } from "#src/proxy/http/mod.ts";
import { engine, eventually, get, ManualClock, test } from "./support.ts";

/** Has every request answered by one function. */
function handled(handle: HandleVerdict["handle"]): Decide {
  return () => ({ kind: "handle", handle });
}

/** Answers with the body that it got. */
const echo = handled(async (body) => new Response(body ? await new Response(body).text() : "none"));

const post = (length: number, headers = "") =>
  `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n${headers}\r\n`;

test("a function gets the body without its framing, and the connection goes on", async () => {
  await using on = engine(echo);
  using client = await on.connect();
  await client.send(`${post(5)}hello`);
  assertEquals((await client.message()).body, "hello");
  await client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  await client.send("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
  assertEquals((await client.message()).body, "abcde");
  await client.send(get());
  assertEquals((await client.message()).body, "none");
  await client.send(post(0));
  assertEquals((await client.message()).body, "none");
  assertEquals(on.log.records, []);
});

test("a body that comes in pieces, larger than every buffer, comes whole", async () => {
  const text = Array.from({ length: 40_000 }, (_, index) => `line ${index}\n`).join("");
  await using on = engine(echo);
  using client = await on.connect();
  const answer = client.message();
  await client.send(post(text.length));
  for (let at = 0; at < text.length; at += 65_537) await client.send(text.slice(at, at + 65_537));
  const { body } = await answer;
  assertEquals(body.length, text.length);
  assert(body === text);
});

test("no more of a body is read than the function asks for", async () => {
  const asked = Promise.withResolvers<void>();
  let first = "";
  await using on = engine(handled(async (body) => {
    const reader = body?.getReader();
    first = new TextDecoder().decode((await reader?.read())?.value);
    await asked.promise;
    return new Response((await reader?.read())?.value);
  }));
  using client = await on.connect();
  await client.send(`${post(10)}12345`);
  await eventually(() => first === "12345", "the first piece");
  await client.send("67890");
  asked.resolve();
  assertEquals((await client.message()).body, "67890");
});

test("a client that waits to be asked for the body is asked by the first read", async () => {
  await using on = engine(echo);
  using client = await on.connect();
  await client.send(post(2, "Expect: 100-continue\r\n"));
  assertEquals(await client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await client.send("ok");
  assertEquals((await client.message()).body, "ok");
});

test("a client that is refused is not asked for the body", async () => {
  await using on = engine(handled(() => Promise.resolve(new Response("no", { status: 401 }))));
  using client = await on.connect();
  await client.send(post(1_000_000, "Expect: 100-continue\r\n"));
  const answer = await client.message();
  assertEquals([answer.status, answer.get("connection")], [401, "close"]);
});

test("what a function leaves of a small body is dropped, and the connection goes on", async () => {
  await using on = engine(handled(() => Promise.resolve(new Response("early"))));
  using client = await on.connect();
  await client.send(post(4));
  assertEquals((await client.message()).body, "early");
  await client.send("rest");
  await client.send(get());
  assertEquals((await client.message()).body, "early");
});

test("a broken framing fails the body, and the connection ends", async () => {
  let problem = "";
  await using on = engine(handled(async (body) => {
    await new Response(body).text().catch((error) => problem = String(error.message));
    return new Response("it is broken", { status: 400 });
  }));
  using client = await on.connect();
  await client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
  assertEquals((await client.message()).body, "it is broken");
  assertEquals(await client.rest(), "");
  assert(problem !== "");
});

test("a client that goes away in the midst of a body fails it, and gets no answer", async () => {
  let problem: unknown;
  await using on = engine(handled(async (body) => {
    await new Response(body).text().catch((error) => problem = error);
    throw new Error("nobody is there");
  }));
  {
    using client = await on.connect();
    await client.send(`${post(10)}123`);
    await eventually(() => on.server.connections() === 1, "the connection");
  }
  await eventually(() => on.server.connections() === 0, "the end");
  assert(problem instanceof Error);
});

test("a client that goes away while the function works aborts its signal", async () => {
  let aborted = false;
  await using on = engine(handled((_, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        aborted = true;
        resolve(new Response("late"));
      });
    })
  ));
  {
    using client = await on.connect();
    await client.send(get());
    await eventually(() => on.server.connections() === 1, "the connection");
  }
  await eventually(() => aborted && on.server.connections() === 0, "the abort");
  assertEquals(on.log.records, []);
});

test("a function that fails is answered with a plain 500, and logged", async () => {
  await using on = engine(handled(() => Promise.reject(new Error("out of order"))));
  using client = await on.connect();
  await client.send(get("/api/x"));
  const answer = await client.message();
  assertEquals([answer.status, answer.body], [500, "Internal Server Error\n"]);
  assertEquals(on.log.records.map(({ level, message, fields }) => ({ level, message, fields })), [{
    level: "error",
    message: "handling a request failed",
    fields: { method: "GET", target: "/api/x", reason: "out of order" },
  }]);
});

test("a body that stalls is given up", async () => {
  const clock = new ManualClock();
  let problem: unknown;
  await using on = engine(
    handled(async (body) => {
      await new Response(body).text().catch((error) => problem = error);
      return new Response(null, { status: 204 });
    }),
    { clock, limits: { stallMs: 1000 } },
  );
  using client = await on.connect();
  await client.send(`${post(10)}123`);
  await eventually(() => on.server.connections() === 1, "the connection");
  for (let turn = 0; turn < 20 && problem === undefined; turn++) await clock.advance(250);
  assert(problem instanceof Error);
  assertEquals(await client.rest(), "");
});
