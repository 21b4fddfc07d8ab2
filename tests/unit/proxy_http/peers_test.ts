/** Programs that others wrote on both sides: Deno's and Node's servers, fetch, WebSocket. */
import { createServer } from "node:http";
import { assert, assertEquals } from "#tests/support/assert.ts";
import type { Upstream } from "#src/proxy/http/mod.ts";
import { engine, eventually, forwardTo, test } from "./support.ts";

interface Program extends AsyncDisposable {
  readonly address: Upstream;
}

function denoServe(handler: Deno.ServeHandler): Program {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  return {
    address: { kind: "tcp", hostname: "127.0.0.1", port: server.addr.port },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function nodeServe(handler: Parameters<typeof createServer>[1]): Promise<Program> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert(address !== null && typeof address === "object");
  return {
    address: { kind: "tcp", hostname: "127.0.0.1", port: address.port },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const echo: Deno.ServeHandler = async (request) => {
  const url = new URL(request.url);
  if (url.pathname === "/stream") return new Response(request.body);
  const body = await request.text();
  return new Response(`${request.method} ${url.pathname}${url.search} ${body.length}`, {
    headers: { "x-seen": request.headers.get("x-asked") ?? "" },
  });
};

async function exerciseWithFetch(program: Program): Promise<void> {
  await using on = engine(forwardTo(program.address));
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 2 });
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${on.port}${path}`, { ...init, client });
  for (const method of ["GET", "DELETE", "OPTIONS"]) {
    const answer = await ask("/a%20b?x=1", { method, headers: { "x-asked": "yes" } });
    assertEquals(await answer.text(), `${method} /a%20b?x=1 0`);
    assertEquals(answer.headers.get("x-seen"), "yes");
  }
  for (const size of [1, 70_000, 3_000_000]) {
    for (const method of ["POST", "PUT"]) {
      const answer = await ask("/", { method, body: "x".repeat(size) });
      assertEquals(await answer.text(), `${method} / ${size}`);
    }
  }
  const streamed = await ask("/", {
    method: "POST",
    body: ReadableStream.from(
      (function* () {
        for (let index = 0; index < 50; index++) yield new Uint8Array(10_000);
      })(),
    ),
  });
  assertEquals(await streamed.text(), "POST / 500000");
  const head = await ask("/", { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
}

test("fetch reaches Deno.serve through the engine", async () => {
  await using program = denoServe(echo);
  await exerciseWithFetch(program);
});

test("fetch reaches node:http through the engine", async () => {
  await using program = await nodeServe((request, response) => {
    let length = 0;
    request.on("data", (piece: Uint8Array) => length += piece.length);
    request.on("end", () => {
      response.setHeader("x-seen", request.headers["x-asked"] ?? "");
      response.end(`${request.method} ${request.url} ${length}`);
    });
  });
  await exerciseWithFetch(program);
});

test("a body that the upstream echoes comes back whole", async () => {
  await using program = denoServe(echo);
  await using on = engine(forwardTo(program.address));
  using client = Deno.createHttpClient({});
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  const answer = await fetch(`http://127.0.0.1:${on.port}/stream`, {
    method: "POST",
    body,
    client,
  });
  assertEquals(new Uint8Array(await answer.arrayBuffer()), body);
});

function openSocket(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error("the WebSocket did not open"));
  });
}

test("a real WebSocket client and server talk through the tunnel and part in good order", async () => {
  const closes: number[] = [];
  await using program = denoServe((request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    socket.onclose = ({ code }) => void closes.push(code);
    return response;
  });
  let ended = 0;
  await using on = engine(forwardTo(program.address, { onEnd: () => ended++ }));
  const socket = await openSocket(on.port);
  const received: (string | number)[] = [];
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 1_000_000];
  const all = new Promise<void>((resolve) => {
    socket.onmessage = ({ data }) => {
      received.push(typeof data === "string" ? data : data.byteLength);
      if (received.length === sizes.length + 1) resolve();
    };
  });
  socket.send("text \u20ac");
  for (const size of sizes) socket.send(new Uint8Array(size));
  await all;
  assertEquals(received, ["text \u20ac", ...sizes]);
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
  });
  socket.close(4001, "done");
  assertEquals(await closed, 4001);
  await eventually(() => ended === 1 && closes.length === 1, "the end of the tunnel");
  assertEquals(closes, [4001]);
});

test("a WebSocket that the server closes is closed for the client", async () => {
  await using program = denoServe((request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.close(4002, "over");
    return response;
  });
  await using on = engine(forwardTo(program.address));
  const socket = await openSocket(on.port);
  const code = await new Promise<number>((resolve) => {
    socket.onclose = (event) => resolve(event.code);
  });
  assertEquals(code, 4002);
  await eventually(() => on.server.connections() === 0, "the end of the tunnel");
});
