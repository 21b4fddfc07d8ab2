import { assertEquals } from "#tests/support/assert.ts";
import { engine, forwardTo, get, RawUpstream, test } from "./support.ts";

/** Pseudo-random numbers that are the same in every run (mulberry32's recurrence). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Cuts a text into pieces, short ones and long ones. */
function pieces(text: string, random: (below: number) => number): string[] {
  const cut: string[] = [];
  for (let at = 0; at < text.length;) {
    const length = 1 + random(random(2) === 0 ? 4 : 120);
    cut.push(text.slice(at, at + length));
    at += length;
  }
  return cut;
}

const REQUESTS = get("/1", "X: 1\r\n") +
  `POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 300\r\n\r\n${"a".repeat(300)}` +
  "\r\nPOST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
  `5;x=y\r\nhello\r\n12C\r\n${"b".repeat(300)}\r\n0\r\nTrailer: x\r\n\r\n` +
  "HEAD /4 HTTP/1.1\r\nHost: h\r\n\r\n" +
  get("/5") + "BAD REQUEST\r\n\r\n";

const ANSWERS: Record<string, string> = {
  "/1": "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 5\r\n\r\nfirst",
  "/2":
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n" +
    `6\r\nsecond\r\n12C;e\r\n${"c".repeat(300)}\r\n0\r\nT: x\r\n\r\n`,
  "/3": `HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 400\r\n\r\n${"d".repeat(400)}`,
  "/4": "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 77\r\n\r\n",
  "/5": "HTTP/1.1 404 Not Here\r\nDate: d\r\nSet-Cookie: a\r\nContent-Length: 0\r\n\r\n",
};

test("what is exchanged does not depend on where the bytes are cut", async () => {
  let outcome: string | undefined;
  for (let seed = 1; seed <= 25; seed++) {
    const random = randomNumbers(seed);
    const received: string[] = [];
    await using upstream = new RawUpstream(async (peer) => {
      for (;;) {
        const { first, headers, body } = await peer.message();
        received.push(JSON.stringify([first, headers, body]));
        const answer = ANSWERS[first.split(" ")[1] ?? ""] ?? "";
        for (const piece of pieces(answer, random)) {
          await peer.send(piece);
          if (random(3) === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        }
      }
    });
    await using on = engine(forwardTo(upstream.address));
    using client = await on.connect();
    const sending = (async () => {
      for (const piece of pieces(REQUESTS, random)) {
        await client.send(piece);
        if (random(3) === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
    })();
    const answers = [];
    for (let index = 1; index <= 6; index++) {
      const { first, get, body } = await client.message({ bodyless: index === 4 });
      answers.push([first, get("content-length"), get("connection"), body]);
    }
    await sending;
    assertEquals(await client.rest(), "");
    const now = JSON.stringify([answers, received]);
    outcome ??= now;
    assertEquals(now, outcome, `seed ${seed}`);
    assertEquals(received.length, 5);
    assertEquals(answers.map(([first]) => first), [
      "HTTP/1.1 200 OK",
      "HTTP/1.1 200 OK",
      "HTTP/1.1 200 OK",
      "HTTP/1.1 200 OK",
      "HTTP/1.1 404 Not Here",
      "HTTP/1.1 400 Bad Request",
    ]);
  }
});
