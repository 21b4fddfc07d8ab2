/** How a command ends that is asked to by signals. */
import { assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";

const anybody = needs();
const CONFIG = decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname);

/** Clears up for ever, or until it is told to do it at once. */
const COMMAND = (work: string) => `
import { Interruption } from "#src/cli/interruption.ts";
using interruption = new Interruption();
const stays = setInterval(() => {}, 1000);
console.log("up");
interruption.signal.addEventListener("abort", () => console.log("asked"));
try {
  await interruption.wait(${work});
  console.log("done");
} catch (error) {
  console.log(error.name, interruption.exitCode);
}
clearInterval(stays);
`;

async function run(work: string, signals: readonly Deno.Signal[]): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--config", CONFIG, "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(COMMAND(work)));
  await input.close();
  const left = [...signals];
  const lines: string[] = [];
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const whole = text.split("\n");
    text = whole.pop() ?? "";
    for (const line of whole) {
      lines.push(line);
      const signal = left.shift();
      if (signal !== undefined) child.kill(signal);
    }
  }
  assertEquals((await child.status).code, 0);
  return lines;
}

const FOR_EVER = "new Promise(() => {})";
/** Ends when it is asked to. */
const OBEDIENT = 'new Promise((_, reject) => interruption.signal.addEventListener("abort", () => ' +
  "reject(interruption.signal.reason)))";

Deno.test("work that nobody interrupts is waited for", anybody, async () => {
  assertEquals(await run("Promise.resolve()", []), ["up", "done"]);
});

for (const [signal, code] of [["SIGHUP", 129], ["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} asks work to end, and gives the exit code`, anybody, async () => {
    assertEquals(await run(OBEDIENT, [signal]), ["up", "asked", `AbortError ${code}`]);
  });
}

Deno.test("a second signal is not waited after, and the first one counts", anybody, async () => {
  assertEquals(await run(FOR_EVER, ["SIGTERM", "SIGINT"]), ["up", "asked", "AbortError 143"]);
});
