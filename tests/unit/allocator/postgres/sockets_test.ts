import { systemClock } from "#src/core/mod.ts";
import { Sockets } from "#src/allocator/postgres/sockets.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { FakeClock, settle } from "#tests/support/fake_clock.ts";
import { until } from "#tests/support/until.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

async function connected(sockets: Sockets) {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const socket = sockets.create();
  socket.connect(listener.addr.port, "127.0.0.1");
  const server = await listener.accept();
  await until(() => !socket.connecting, { what: "a connection" });
  return { socket, server };
}

Deno.test("close() ends sockets whose other side is silent", sanitize, async () => {
  const clock = new FakeClock();
  const sockets = new Sockets();
  const { socket, server } = await connected(sockets);
  const closed = sockets.close({ graceMs: 2000, clock });
  await clock.advance(1999);
  assert(!socket.destroyed);
  await clock.advance(1);
  await closed;
  assert(socket.destroyed);
  assertEquals(clock.sleepers, 0);
  server.close();
});

Deno.test("close() waits no longer than until the other side has closed", sanitize, async () => {
  const clock = new FakeClock();
  const sockets = new Sockets();
  const { socket, server } = await connected(sockets);
  socket.resume();
  const closed = sockets.close({ graceMs: 2000, clock });
  await settle();
  server.close();
  await closed;
  assertEquals([socket.destroyed, clock.sleepers], [true, 0]);
});

Deno.test("close() has nothing to do when no socket is open", sanitize, async () => {
  await new Sockets().close({ graceMs: 2000, clock: systemClock });
});

Deno.test("a corked sequence arrives whole and in order, text and bytes", sanitize, async () => {
  const sockets = new Sockets();
  const { socket, server } = await connected(sockets);
  socket.cork();
  socket.write(new Uint8Array([1, 2]));
  socket.write("é");
  socket.write(new Uint8Array([3]));
  socket.uncork();
  socket.write("end");
  const buffer = new Uint8Array(64);
  let size = 0;
  while (size < 8) size += await server.read(buffer.subarray(size)) ?? 8;
  assertEquals([...buffer.subarray(0, size)], [1, 2, 0xc3, 0xa9, 3, 101, 110, 100]);
  server.close();
  await sockets.close({ graceMs: 0, clock: systemClock });
});
