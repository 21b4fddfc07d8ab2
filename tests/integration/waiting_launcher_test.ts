/** A launcher that waits for its job: what it takes, and what it does with it. */
import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { bwrapExec, job, startLauncher } from "#tests/support/bwrap_exec.ts";
import { needs } from "#tests/support/needs.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true });

Deno.test("a waiting launcher ends with 0 when its input ends without a job", root, async () => {
  assertEquals(await bwrapExec(["--wait"], ""), { code: 0, stdout: "", stderr: "" });
  assertEquals((await bwrapExec(["--wait"], '{"uid": 1')).code, 0);
});

Deno.test("a waiting launcher that cannot join its group takes no job", root, async () => {
  const args = ["--wait", "--cgroup", "/nonexistent"];
  const { code, stdout, stderr } = await bwrapExec(args, job({ program: "/bin/echo" }));
  assertEquals([code, stdout], [126, ""]);
  assertMatch(stderr, /^bwrap-exec: cannot join the cgroup: .*ENOENT.*\n$/);
});

Deno.test("a waiting launcher refuses what is no job with exit code 2", root, async () => {
  for (
    const text of [
      "what\n",
      "[]\n",
      "null\n",
      job({ uid: -1 }),
      job({ uid: "0; rm" }),
      job({ program: "sh" }),
      job({ args: [{ copy: 1 }] }),
      job({ rlimits: "CORE=0:0" }),
      job({ landlock: "true" }),
    ]
  ) {
    const { code, stderr } = await bwrapExec(["--wait"], text);
    assertEquals([code, stderr.split("\n").length], [2, 2], text);
  }
});

Deno.test(
  "a waiting launcher gives the program its data and lists as descriptors",
  root,
  async () => {
    const script =
      'cat /proc/self/fd/$0; tr "\\0" "|" </proc/self/fd/$1; echo ok; readlink /proc/self/fd/0';
    const { code, stdout, stderr } = await bwrapExec(
      ["--wait"],
      job({
        program: "/bin/bash",
        args: ["-c", script, { data: "grüße\n" }, { list: ["--a", "b c", ""] }],
      }),
    );
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, "grüße\n--a|b c||ok\n/dev/null\n");
  },
);

Deno.test("a program whose lifeline is its input keeps it, and no signal", root, async () => {
  const child = startLauncher(["--wait"], { stderr: "inherit" });
  const input = child.stdin.getWriter();
  const write = (text: string) => input.write(new TextEncoder().encode(text));
  const script = 'echo at gate; read -r line && echo "read $line"; read -r line || echo ended';
  await write(job({ lifeline: "input", args: ["-c", script] }));
  let output = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (text.startsWith("at gate")) await write("go\n").then(() => input.close());
  }
  assertEquals(output, "at gate\nread go\nended\n");
  assertEquals((await child.status).code, 0);
});

Deno.test("a waiting launcher has given back the memory of its program file", root, async () => {
  const child = startLauncher(["--wait"], { stdout: "null", stderr: "inherit" });
  const fileKb = async () => {
    const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
    return Number(/^RssFile:\s+(\d+) kB$/m.exec(status)?.[1]);
  };
  const own = Number(
    /^RssFile:\s+(\d+) kB$/m.exec(await Deno.readTextFile("/proc/self/status"))?.[1],
  );
  let most = 0;
  await until(async () => {
    const now = await fileKb();
    most = Math.max(most, now);
    return most > own / 4 && now < most * 0.8;
  }, { what: () => `no memory is given back, at most ${most} kB`, everyMs: 1 });
  await child.stdin.close();
  assertEquals((await child.status).code, 0);
});

Deno.test("a waiting launcher takes a job that comes in pieces", root, async () => {
  const text = job({ args: ["-c", "echo $0", "ü".repeat(50_000)] });
  const { stdout } = await bwrapExec(["--wait"], text);
  assertEquals(stdout.trim().length, 50_000);
});
