import { assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { copyApp, Probe, PROBE_COMMAND } from "./support/probe_app.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ files: SERVER_FILES });

/** Around the sizes at which a frame's length takes more bytes (RFC 6455, 5.2), and a large one. */
const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 3_000_000];

/** How long an answer may take, in milliseconds. */
const PATIENCE_MS = 30_000;

Deno.test(
  "WebSocket messages of every size pass both ways, as text and as bytes",
  options,
  async () => {
    await using folder = await tempFolder();
    const path = await copyApp(folder, "probe");
    await using server = await ServeProcess.start(folder, {
      apps: { probe: { path, cmd: PROBE_COMMAND } },
    });
    await using echo = await openSocket(server.url);
    for (const size of SIZES) {
      const text = "0123456789".repeat(Math.ceil(size / 10)).slice(0, size);
      assertEquals(await echo.exchange(text) === text, true, `${size} characters`);
      const bytes = Uint8Array.from({ length: size }, (_, index) => index * 7);
      const back = await echo.exchange(bytes);
      assertEquals(back, bytes.buffer, `${size} bytes`);
    }
  },
);

Deno.test("many messages at once come back in their order", options, async () => {
  await using folder = await tempFolder();
  const path = await copyApp(folder, "probe");
  await using server = await ServeProcess.start(folder, {
    apps: { probe: { path, cmd: PROBE_COMMAND } },
  });
  await using echo = await openSocket(server.url);
  const messages = Array.from({ length: 300 }, (_, index) => `${index}:${"x".repeat(index * 97)}`);
  const back = await Promise.all(messages.map((message) => echo.exchange(message)));
  assertEquals(back.every((message, index) => message === messages[index]), true);
});

Deno.test(
  "a WebSocket belongs to the session of its cookie, and ends when the app ends it",
  options,
  async () => {
    await using folder = await tempFolder();
    const path = await copyApp(folder, "probe");
    await using server = await ServeProcess.start(folder, {
      apps: { probe: { path, cmd: PROBE_COMMAND } },
    });
    const probe = new Probe(server.url, "probe");
    await probe.run("marker <- 1");
    await using echo = await openSocket(server.url, probe.headers);
    assertEquals(await echo.exchange("here"), "here");
    assertEquals(server.records.filter(({ msg }) => msg === "worker started").length, 1);

    await probe.run("later::later(function() quit(save = 'no', status = 3), 0.1)");
    const { wasClean } = await echo.closed;
    assertEquals(wasClean, false);
    const { exit } = await server.record("worker exited");
    assertEquals(exit, { kind: "code", code: 3 });
  },
);

interface Echo extends AsyncDisposable {
  /** Resolves when the connection has ended. */
  readonly closed: Promise<CloseEvent>;
  /** Sends a message and resolves with the answer to it. */
  exchange(message: string | Uint8Array<ArrayBuffer>): Promise<string | ArrayBuffer>;
}

async function openSocket(serverUrl: string, headers: Record<string, string> = {}): Promise<Echo> {
  const url = `${serverUrl.replace(/^http/, "ws")}/app/probe/`;
  const socket = new WebSocket(url, { headers });
  socket.binaryType = "arraybuffer";
  const waiting: PromiseWithResolvers<string | ArrayBuffer>[] = [];
  socket.onmessage = ({ data }) => waiting.shift()?.resolve(data);
  const { promise: closed, resolve } = Promise.withResolvers<CloseEvent>();
  socket.onclose = (event) => {
    for (const { reject } of waiting) reject(new Error("the connection ended before the answer"));
    resolve(event);
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`cannot open ${url}`));
  });
  socket.onerror = () => {};
  return {
    closed,
    exchange(message) {
      const answer = Promise.withResolvers<string | ArrayBuffer>();
      const late = setTimeout(() => answer.reject(new Error("no answer came")), PATIENCE_MS);
      waiting.push(answer);
      socket.send(message);
      return answer.promise.finally(() => clearTimeout(late));
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed;
    },
  };
}
