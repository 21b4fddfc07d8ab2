/** Programs that checks run outside of sandboxes. */
import { runProgram } from "#src/run_program.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { runningProcesses } from "#tests/support/host_processes.ts";
import { until } from "#tests/support/until.ts";

const timeoutMs = 10_000;

Deno.test("runProgram() gives both streams and the exit code", async () => {
  const script = 'read -r line; echo "got $line"; echo oops >&2; exit 3';
  assertEquals(
    await runProgram(["/bin/sh", "-c", script], { timeoutMs, input: "word\n" }),
    { code: 3, stdout: "got word\n", stderr: "oops\n" },
  );
});

Deno.test("runProgram() shows a program no environment but its own", async () => {
  Deno.env.set("BLOCKYARD_TEST_SECRET", "x");
  const { stdout } = await runProgram(["/usr/bin/env"], { timeoutMs, env: { A: "b" } });
  Deno.env.delete("BLOCKYARD_TEST_SECRET");
  assertEquals(stdout.trim().split("\n").map((line) => line.split("=")[0]).sort(), [
    "A",
    "HOME",
    "LANG",
    "PATH",
  ]);
});

Deno.test("runProgram() kills what takes too long, and tells so by the code", async () => {
  const { code, stdout } = await runProgram(["/bin/sh", "-c", "echo $$; exec sleep 60"], {
    timeoutMs: 100,
  });
  assertEquals(code, 124);
  assertEquals(runningProcesses().some(({ pid }) => pid === Number(stdout)), false);
});

Deno.test("runProgram() does not wait for children that keep the output open", async () => {
  const { code, stdout } = await runProgram(["/bin/sh", "-c", "sleep 60 & echo $!"], {
    timeoutMs,
  });
  assertEquals(code, 0);
  Deno.kill(Number(stdout), "SIGKILL");
});

Deno.test("runProgram() keeps the beginning of endless output", async () => {
  const { code, stdout } = await runProgram(["/bin/sh", "-c", "exec head -c 1000000 /dev/zero"], {
    timeoutMs,
  });
  assertEquals([code, stdout.length], [0, 65536]);
});

Deno.test("runProgram() refuses what is no program", async () => {
  await assertRejects(() => runProgram(["/nonexistent"], { timeoutMs }), Deno.errors.NotFound);
});

Deno.test("runProgram() kills what a program that takes too long has started", async () => {
  const script = "sleep 60 & echo $!; sleep 60 & echo $!; wait";
  const { code, stdout } = await runProgram(["/bin/sh", "-c", script], { timeoutMs: 200 });
  const children = stdout.trim().split("\n").map(Number);
  assertEquals([code, children.length], [124, 2]);
  await until(() => runningProcesses().every(({ pid }) => !children.includes(pid)), {
    what: "its children are gone",
  });
});
