/** The command that tells what a worker can connect to, as a process of its own. */
import { selfCommand } from "#src/self_command.ts";
import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

interface Ended {
  readonly code: number;
  readonly lines: readonly string[];
  readonly stderr: string;
}

async function probe(...args: readonly string[]): Promise<Ended> {
  const self = selfCommand(["probe", ...args]);
  const { code, stdout, stderr } = await new Deno.Command(self.program, {
    args: [...self.args],
    env: { ...self.env },
    clearEnv: true,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).split("\n").filter((line) => line !== "");
  return { code, lines, stderr: decoder.decode(stderr) };
}

Deno.test("probe connects, sends nothing and hangs up", needs(), async () => {
  await using folder = await tempFolder();
  using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using unix = Deno.listen({ transport: "unix", path: `${folder.path}/s` });
  const received = Promise.all([tcp, unix].map(async (listener) => {
    using connection = await listener.accept();
    return await connection.read(new Uint8Array(1));
  }));
  const target = `127.0.0.1:${tcp.addr.port}`;
  const ended = await probe("--tcp", target, "--unix", `${folder.path}/s`, "--timeout", "5s");
  assertEquals(ended, {
    code: 0,
    stderr: "",
    lines: [
      JSON.stringify({ target, result: "connected" }),
      JSON.stringify({ target: `${folder.path}/s`, result: "connected" }),
    ],
  });
  assertEquals(await received, [null, null]);
});

Deno.test("probe ends with 1 when one of its targets is closed", needs(), async () => {
  using open = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const targets = [`127.0.0.1:${open.addr.port}`, "127.0.0.1:1"];
  const args = targets.flatMap((target) => ["--tcp", target]);
  const { code, lines } = await probe(...args, "--unix", "/nonexistent/s", "--timeout", "5s");
  assertEquals(code, 1);
  const outcomes = lines.map((line) => JSON.parse(line));
  assertEquals(
    outcomes.map(({ target, result }) => [target, result]),
    [[targets[0], "connected"], [targets[1], "refused"], ["/nonexistent/s", "unreachable"]],
  );
});

Deno.test("probe ends with 2 for misuse and 0 after its help", needs(), async () => {
  const { code, lines, stderr } = await probe("--tcp", "nowhere", "--timeout", "1s");
  assertEquals([code, lines.length], [2, 0]);
  assertStringIncludes(stderr, 'probe: cannot connect to "nowhere": want HOST:PORT');
  const help = await probe("--help");
  assertEquals(help.code, 0);
  assertStringIncludes(help.lines[0] ?? "", "Usage: blockyard probe");
});
