import { assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { openEcho } from "./support/echo_socket.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { copyApp, Probe, PROBE_COMMAND } from "./support/probe_app.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ files: SERVER_FILES });

/** Around the sizes at which a frame's length takes more bytes (RFC 6455, 5.2), and a large one. */
const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 3_000_000];

Deno.test(
  "WebSocket messages of every size pass both ways, as text and as bytes",
  options,
  async () => {
    await using folder = await tempFolder();
    const path = await copyApp(folder, "probe");
    await using server = await ServeProcess.start(folder, {
      apps: { probe: { path, cmd: PROBE_COMMAND } },
    });
    await using echo = await openEcho(server.url, "probe");
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
  await using echo = await openEcho(server.url, "probe");
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
    await using echo = await openEcho(server.url, "probe", probe.headers);
    assertEquals(await echo.exchange("here"), "here");
    assertEquals(server.records.filter(({ msg }) => msg === "worker started").length, 1);

    await probe.run("later::later(function() quit(save = 'no', status = 3), 0.1)");
    const { wasClean } = await echo.closed;
    assertEquals(wasClean, false);
    const { exit } = await server.record("worker exited");
    assertEquals(exit, { kind: "code", code: 3 });
  },
);
