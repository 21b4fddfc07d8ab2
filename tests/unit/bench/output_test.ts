import { elapsedMs } from "#tests/bench/support/first_instruction.ts";
import { requestsPerSecond } from "#tests/bench/support/wrk.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

/** As wrk 4.1.0 printed it. */
const WRK = `Running 1s test @ http://127.0.0.1:41201/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.43ms  371.62us   6.52ms   83.55%
    Req/Sec    22.54k     2.05k   26.14k    72.73%
  24623 requests in 1.10s, 50.75MB read
Requests/sec:  22390.47
Transfer/sec:     46.15MB
`;

Deno.test("requestsPerSecond() reads the rate", sanitize, () => {
  assertEquals(requestsPerSecond(WRK), 22390.47);
});

Deno.test("requestsPerSecond() refuses a run in which requests failed", sanitize, () => {
  for (
    const line of [
      "  Socket errors: connect 0, read 3, write 0, timeout 0",
      "  Non-2xx or 3xx responses: 24623",
    ]
  ) {
    const output = WRK.replace("Requests/sec", `${line}\nRequests/sec`);
    assertThrows(() => requestsPerSecond(output), Error, line);
  }
});

Deno.test("requestsPerSecond() refuses a run without answers", sanitize, () => {
  assertThrows(() => requestsPerSecond(""), Error, "want answers only");
  assertThrows(() => requestsPerSecond(WRK.replace("22390.47", "0.00")), Error, "Requests/sec");
});

Deno.test("elapsedMs() counts from the given moment", sanitize, () => {
  assertEquals(elapsedMs("4370012500000\n", 4370000000000n), 12.5);
});

Deno.test("elapsedMs() refuses what is not the time", sanitize, () => {
  for (const output of ["", "\n", "1\n2\n", "-5", "bwrap: no"]) {
    assertThrows(() => elapsedMs(output, 0n), Error, JSON.stringify(output));
  }
});
