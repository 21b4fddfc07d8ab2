import { toGid, toUid } from "#src/core/mod.ts";
import {
  advice,
  type Check,
  command,
  error,
  type Finding,
  info,
  ok,
  type PreflightHost,
  runPreflight,
  setting,
} from "#src/preflight/mod.ts";
import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** A runner asks the host for nothing but who it is. */
const host = {
  identity: { uid: toUid(7), gid: toGid(7), groups: [], isRoot: false },
} as unknown as PreflightHost;

const check = (name: string, run: Check["run"]): Check => ({ name, category: "network", run });

function results(...checks: Check[]) {
  return runPreflight(host, { checks, clock: new FakeClock(), kernel: "6.1.0" });
}

Deno.test(
  "runPreflight() reports every finding of every check, in their order",
  strict,
  async () => {
    const fix = advice("Do that");
    const report = await results(
      check("slow", async () => {
        await Promise.resolve();
        return ok("it is well");
      }),
      check("two", () => Promise.resolve([info("known", fix), error("bad", fix)])),
    );
    assertEquals([report.kernel, report.uid], ["6.1.0", 7]);
    assertEquals(
      report.results.map(({ name, severity, message, fix }) => [name, severity, message, fix]),
      [
        ["slow", "ok", "it is well", undefined],
        ["two", "info", "known", fix],
        ["two", "error", "bad", fix],
      ],
    );
  },
);

Deno.test("runPreflight() runs the checks at the same time", strict, async () => {
  const first = Promise.withResolvers<Finding>();
  const report = await results(
    check("waits", () => first.promise),
    check("frees", () => {
      first.resolve(ok("was freed"));
      return Promise.resolve(ok("freed it"));
    }),
  );
  assertEquals(report.results.map(({ severity }) => severity), ["ok", "ok"]);
});

Deno.test("a check that fails, or says nothing, is a warning and never ok", strict, async () => {
  const report = await results(
    check("throws", () => Promise.reject(new Error("no such file", { cause: new Error("why") }))),
    check("throws at once", () => {
      throw new Error("broken");
    }),
    check("empty", () => Promise.resolve([])),
  );
  assertEquals(
    report.results.map(({ severity, message }) => [severity, message]),
    [
      ["warning", "it could not be carried out: no such file: why"],
      ["warning", "it could not be carried out: broken"],
      ["warning", "it found nothing to say"],
    ],
  );
  for (const { fix } of report.results) assertEquals(fix?.kind, "advice");
});

Deno.test("a check that does not end is a warning", strict, async () => {
  const clock = new FakeClock();
  const never = check("never", () => new Promise(() => {}));
  const running = runPreflight(host, { checks: [never], clock, kernel: "6.1.0" });
  await clock.advance(20_000);
  const [result] = (await running).results;
  assertEquals(result?.severity, "warning");
  assertMatch(result?.message ?? "", /not finished after 20 s/);
});

Deno.test("what programs said, and what files are called, stays one line", strict, async () => {
  const steering = "a\x1b[31m\r\nb\u009b\u2028c\u202ed\ud83d";
  const line = "a [31m b c d\ufffd";
  const report = await results(
    check("colours", () => Promise.resolve(ok(steering))),
    check("names", () =>
      Promise.resolve([
        error(steering, advice(`Remove ${steering}`)),
        error("its name is odd", command(`rm '${steering}'`)),
        error("its name is odd", setting(`process.r_path: ${steering}`)),
        error("its name is not", command("rm '/srv/it'\\''s é 👩‍🔬'")),
      ])),
  );
  assertEquals(
    report.results.map(({ message, fix }) => [message, fix]),
    [
      [line, undefined],
      [line, advice(`Remove ${line}`)],
      ["its name is odd", advice(`Do this by hand, with names as they are: rm '${line}'`)],
      [
        "its name is odd",
        advice(`Do this by hand, with names as they are: process.r_path: ${line}`),
      ],
      ["its name is not", command("rm '/srv/it'\\''s é 👩‍🔬'")],
    ],
  );
});
