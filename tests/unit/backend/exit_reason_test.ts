import { describeExit, exitReason } from "#src/backend/exit_reason.ts";
import { assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

Deno.test("exitReason() tells codes from signals as bwrap reports them", strict, () => {
  const of = (code: number) => exitReason({ code, signal: null });
  assertEquals(of(0), { kind: "code", code: 0 });
  assertEquals(of(128), { kind: "code", code: 128 });
  assertEquals(of(137), { kind: "signal", signal: "SIGKILL" });
  assertEquals(of(139), { kind: "signal", signal: "SIGSEGV" });
  assertEquals(of(255), { kind: "code", code: 255 });
});

Deno.test("exitReason() knows nothing of the app when its monitor was killed", strict, () => {
  assertEquals(exitReason({ code: 137, signal: "SIGKILL" }), { kind: "lost" });
});

Deno.test("describeExit() has words for every reason", strict, () => {
  assertEquals(
    ([
      { kind: "code", code: 3 },
      { kind: "signal", signal: "SIGSEGV" },
      { kind: "oom" },
      { kind: "oom", peakBytes: 510_000_000 },
      { kind: "oom", peakBytes: 536_870_912, limitBytes: 536_870_912 },
      { kind: "stopped" },
      { kind: "start_timeout" },
      { kind: "lost" },
    ] as const).map(describeExit),
    [
      "ended with exit code 3",
      "was ended by SIGSEGV",
      "was ended by the kernel because memory ran out",
      "was ended by the kernel because memory ran out, having used 486 MiB at most",
      "was ended by the kernel because it reached its memory limit of 512 MiB, having used 512 MiB " +
      "at most",
      "was stopped",
      "did not answer in time",
      "was lost: its monitor vanished",
    ],
  );
});
