import { Buffer } from "node:buffer";
import { assert, assertEquals, assertLess } from "#tests/support/assert.ts";
import { engine, forwardTo, get, type Peer, RawUpstream, test } from "./support.ts";

const TOTAL = 50 * 1024 * 1024;
const BLOCK = 64 * 1024;
/** What kernel and engine may hold of a body while nobody reads it. */
const HELD = 24 * 1024 * 1024;

/** A prime, so that a piece that is lost or comes twice shows. */
const PERIOD = 65_521;
/** What a body is made of, long enough for a block from any place of the first period. */
const PATTERN = Uint8Array.from(
  { length: PERIOD + BLOCK },
  (_, at) => ((at % PERIOD) * 31 + ((at % PERIOD) >> 8)) & 255,
);

/** The bytes of a body from a place on; at most a block. */
function bodyAt(offset: number, length = BLOCK): Uint8Array {
  return PATTERN.subarray(offset % PERIOD, offset % PERIOD + length);
}

/** Counts bytes and checks them; begins with what the peer has already read. */
async function check(peer: Peer, total: number): Promise<number> {
  let at = 0;
  let piece: Uint8Array = Buffer.from(peer.take(peer.text.length), "latin1");
  const buffer = new Uint8Array(BLOCK);
  for (;;) {
    if (!Buffer.from(bodyAt(at, piece.length)).equals(piece)) throw new Error(`differs at ${at}`);
    at += piece.length;
    if (at >= total) return at;
    const count = await peer.conn.read(buffer);
    if (count === null) return at;
    piece = buffer.subarray(0, count);
  }
}

async function sendBlocks(peer: Peer, sent: (total: number) => void): Promise<void> {
  for (let at = 0; at < TOTAL; at += BLOCK) {
    await peer.send(bodyAt(at));
    sent(at + BLOCK);
  }
}

/** Waits until a counter stands still. */
async function standstill(count: () => number): Promise<number> {
  for (let before = -1; before !== count();) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return count();
}

test("a 50 MB answer streams, and waits for a slow reader", async () => {
  let sent = 0;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.message();
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL}\r\n\r\n`);
    await sendBlocks(peer, (total) => sent = total);
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(get());
  await client.until("\r\n\r\n");
  assertLess(await standstill(() => sent), HELD);
  assertEquals(await check(client, TOTAL), TOTAL);
  await client.send(get());
});

test("a 50 MB request streams, and waits for a slow upstream", async () => {
  let proceed = () => {};
  const proceeding = new Promise<void>((resolve) => proceed = resolve);
  let received = 0;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await proceeding;
    received = await check(peer, TOTAL);
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${TOTAL}\r\n\r\n`);
  let sent = 0;
  const sending = sendBlocks(client, (total) => sent = total);
  assertLess(await standstill(() => sent), HELD);
  proceed();
  await sending;
  assertEquals((await client.message()).body, "ok");
  assertEquals(received, TOTAL);
});

test("50 MB of small chunks go through both ways at the same time", async () => {
  const chunk = new TextEncoder().encode(`400\r\n${"x".repeat(1024)}\r\n`.repeat(64));
  const rounds = TOTAL / (64 * 1024);
  const sendChunks = async (peer: Peer) => {
    for (let round = 0; round < rounds; round++) await peer.send(chunk);
  };
  const count = async (peer: Peer) => {
    // Counts the payload alone: "x" is in no size line.
    let total = 0;
    let tail = peer.take(peer.text.length);
    for (const character of tail) if (character === "x") total++;
    const buffer = new Uint8Array(BLOCK);
    while (!tail.endsWith("0\r\n\r\n")) {
      const length = await peer.conn.read(buffer);
      if (length === null) break;
      for (let at = 0; at < length; at++) if (buffer[at] === 120) total++;
      tail += String.fromCharCode(...buffer.subarray(Math.max(0, length - 8), length));
      tail = tail.slice(-8);
    }
    return total;
  };
  let received = 0;
  await using upstream = new RawUpstream(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const [total] = await Promise.all([count(peer), sendChunks(peer)]);
    received = total;
    // Only now: the end of an answer ends the exchange, whatever is left of the request.
    await peer.send("0\r\n\r\n");
    await peer.rest();
  });
  await using on = engine(forwardTo(upstream.address));
  using client = await on.connect();
  await client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  await client.until("\r\n\r\n");
  const [total] = await Promise.all([
    count(client),
    sendChunks(client).then(() => client.send("0\r\n\r\n")),
  ]);
  assertEquals([total, received], [TOTAL, TOTAL]);
  assert(!client.broken);
});
