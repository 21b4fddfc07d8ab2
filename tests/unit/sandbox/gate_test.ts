import { behindGate, splitOutput, withoutGate } from "#src/sandbox/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

function stream(text: string, cuts: readonly number[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  const edges = [0, ...cuts, bytes.length];
  return ReadableStream.from(edges.slice(1).map((end, index) => bytes.slice(edges[index], end)));
}

async function split(text: string, cuts: readonly number[] = []) {
  const { atGate, rest } = splitOutput(stream(text, cuts));
  const output = await new Response(rest).text();
  return { atGate: await atGate, output };
}

Deno.test(
  "splitOutput() separates the gate's sign from the output, wherever the stream is cut",
  strict,
  async () => {
    const output = "\nListening on port 1\n";
    for (let cut = 0; cut <= 1 + output.length; cut++) {
      assertEquals(await split(`\n${output}`, [cut]), { atGate: true, output }, `cut at ${cut}`);
    }
  },
);

Deno.test("splitOutput() tells the gate's sign alone from its absence", strict, async () => {
  assertEquals(await split("\n"), { atGate: true, output: "" });
  assertEquals(await split(""), { atGate: false, output: "" });
  const message = "bwrap: no such file\n";
  assertEquals(await split(message, [1]), { atGate: false, output: message });
});

Deno.test("withoutGate() gives back what behindGate() was given", strict, () => {
  const command = ["/usr/bin/R", "-e", "1 + 1; q()"];
  assertEquals(withoutGate(behindGate(command)), command);
});
