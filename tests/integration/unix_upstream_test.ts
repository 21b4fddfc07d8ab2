/** Upstreams that listen on a unix socket, and are reached by another path than they are called. */
import { Deadlines } from "#src/proxy/http/deadlines.ts";
import { DEFAULT_LIMITS } from "#src/proxy/http/limits.ts";
import type { Upstream } from "#src/proxy/http/mod.ts";
import { UpstreamPool } from "#src/proxy/http/upstream_pool.ts";
import { assertEquals, assertMatch, assertRejects } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { engine, forwardTo, get, ManualClock, test } from "#tests/unit/proxy_http/support.ts";

interface Program extends AsyncDisposable {
  readonly address: Upstream;
}

const NAME = "/not/where/it/is";
const never = new AbortController().signal;

async function serveUnix(handler: Deno.ServeHandler<Deno.UnixAddr>): Promise<Program> {
  const folder = await tempFolder();
  const path = `${folder.path}/app.sock`;
  const server = Deno.serve({ path, onListen() {} }, handler);
  return {
    address: { kind: "unix", path: NAME, connectPath: path },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("requests and bodies go to a unix socket and back, the headers as for a port", async () => {
  await using program = await serveUnix(async (request) => {
    const { length } = await request.text();
    const { headers, method } = request;
    return new Response(`${method} ${length} ${headers.get("host")} ${headers.get("origin")}`);
  });
  await using on = engine(forwardTo(program.address));
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 2 });
  for (const [method, size] of [["GET", 0], ["POST", 1], ["PUT", 3_000_000]] as const) {
    const answer = await fetch(`http://127.0.0.1:${on.port}/`, {
      client,
      method,
      headers: { origin: "http://page.example" },
      ...(size > 0 && { body: "x".repeat(size) }),
    });
    assertEquals(
      await answer.text(),
      `${method} ${size} 127.0.0.1:${on.port} http://page.example`,
    );
  }
});

test("an answer comes from a unix socket piece by piece", async () => {
  const goOn = Promise.withResolvers<void>();
  await using program = await serveUnix(() =>
    new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("first"));
          await goOn.promise;
          controller.enqueue(new TextEncoder().encode("second"));
          controller.close();
        },
      }),
    )
  );
  await using on = engine(forwardTo(program.address));
  using client = await on.connect();
  await client.send(get());
  await client.until("first");
  goOn.resolve();
  await client.until("second");
});

test("a WebSocket goes through to a unix socket and back", async () => {
  await using program = await serveUnix((request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  await using on = engine(forwardTo(program.address));
  const socket = new WebSocket(`ws://127.0.0.1:${on.port}/`);
  const said: unknown[] = [];
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.onopen = () => socket.send("x".repeat(100_000));
  socket.onmessage = ({ data }) => {
    said.push(data.length);
    if (said.length === 1) socket.send("again");
    else socket.close();
  };
  await closed;
  assertEquals(said, [100_000, 5]);
});

test("a unix socket that nobody listens on is named as it is called", async () => {
  await using folder = await tempFolder();
  const connectPath = `${folder.path}/none`;
  const upstream = { kind: "unix", path: NAME, connectPath } as const;
  const pool = new UpstreamPool(new Deadlines(new ManualClock(), 100), DEFAULT_LIMITS);
  await assertRejects(
    () => pool.dial(upstream, { signal: never }),
    Error,
    `cannot connect to unix:${NAME}`,
  );
  await using on = engine(forwardTo(upstream));
  using client = await on.connect();
  await client.send(get());
  assertEquals((await client.message()).status, 502);
  assertMatch(JSON.stringify(on.log.records), /"upstream":"unix:\/not\/where\/it\/is"/);
});

test("a connection to an upstream that was forgotten meanwhile is not used", async () => {
  await using program = await serveUnix(() => new Response("x"));
  const pool = new UpstreamPool(new Deadlines(new ManualClock(), 100), DEFAULT_LIMITS);
  const dialing = pool.dial(program.address, { signal: never });
  pool.forget(program.address);
  await assertRejects(() => dialing, Error, "the upstream is gone");
});
