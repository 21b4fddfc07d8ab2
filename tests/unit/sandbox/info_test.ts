import { splitOutput } from "#src/sandbox/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** What bubblewrap 0.8.0 writes with --info-fd. */
const REPORT =
  '{\n    "child-pid": 4711,\n    "mnt-namespace": 4026532178,\n    "pid-namespace": 4026532179\n}\n';

function stream(text: string, cuts: readonly number[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  const edges = [0, ...cuts, bytes.length];
  return ReadableStream.from(edges.slice(1).map((end, index) => bytes.slice(edges[index], end)));
}

async function split(text: string, cuts: readonly number[] = []) {
  const { info, atGate, rest } = splitOutput(stream(text, cuts));
  const output = await new Response(rest).text();
  return { initPid: (await info)?.initPid, atGate: await atGate, output };
}

Deno.test(
  "splitOutput() separates the report from the output, wherever the stream is cut",
  strict,
  async () => {
    const output = "Listening on port 1\n{ not: report }\n";
    for (let cut = 0; cut <= REPORT.length + 1 + output.length; cut++) {
      assertEquals<unknown>(
        await split(`${REPORT}\n${output}`, [cut]),
        { initPid: 4711, atGate: true, output },
        `cut at ${cut}`,
      );
    }
  },
);

Deno.test(
  "splitOutput() tells a report alone, or with other output, from a program at the gate",
  strict,
  async () => {
    assertEquals<unknown>(await split(REPORT), { initPid: 4711, atGate: false, output: "" });
    assertEquals<unknown>(await split(`${REPORT}\n`), { initPid: 4711, atGate: true, output: "" });
    assertEquals<unknown>(await split(`${REPORT}x\n`), {
      initPid: 4711,
      atGate: false,
      output: "x\n",
    });
  },
);

Deno.test(
  "splitOutput() gives no report, and all of the output, when there is none",
  strict,
  async () => {
    for (
      const text of [
        "",
        "bwrap: no such file\n",
        '{"child-pid": "x"}\n',
        "{}\n",
        '{"child-pid": -4}\n',
        "{".repeat(10_000),
      ]
    ) {
      assertEquals<unknown>(await split(text, [1].filter(() => text.length > 1)), {
        initPid: undefined,
        atGate: false,
        output: text,
      });
    }
  },
);
