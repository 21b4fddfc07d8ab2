import { createLogger, type LoggerOptions } from "#src/cli/log.ts";
import type { Logger } from "#src/core/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };
const TIME = "2026-01-02T03:04:05.678Z";
const clock = { now: () => Date.parse(TIME) };

/** The lines that `use` makes a logger write. */
function linesOf(use: (log: Logger) => void, options: Partial<LoggerOptions> = {}): string[] {
  const lines: string[] = [];
  use(createLogger({
    level: "debug",
    format: "json",
    isTerminal: false,
    clock,
    write: (line) => lines.push(line),
    ...options,
  }));
  return lines;
}

Deno.test("a JSON line has time, level and msg first, then the fields", SANE, () => {
  assertEquals(linesOf((log) => log.info("worker ready", { id: "w1", port: 7, ok: true })), [
    `{"time":"${TIME}","level":"info","msg":"worker ready","id":"w1","port":7,"ok":true}`,
  ]);
});

Deno.test("a record that is logged without fields has none", SANE, () => {
  assertEquals(linesOf((log) => log.warn("x")), [`{"time":"${TIME}","level":"warn","msg":"x"}`]);
});

const LEVELS = ["debug", "info", "warn", "error"] as const;
for (const level of LEVELS) {
  Deno.test(`a logger of level ${level} writes that and what is more severe`, SANE, () => {
    const lines = linesOf((log) => LEVELS.forEach((each) => log[each]("x")), { level });
    const written = lines.map((line) => JSON.parse(line).level);
    assertEquals(written, LEVELS.slice(LEVELS.indexOf(level)));
  });
}

class Unreadable {
  get x(): never {
    throw new Error("no");
  }
}
const circle: Record<string, unknown> = { a: 1 };
circle["self"] = circle;
const deep = { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } };
const error = new Error("outer", { cause: new Error("inner") });

const VALUES: readonly [what: string, value: unknown, written: unknown][] = [
  ["an error as its messages", error, "outer: inner"],
  ["an error within a list as its messages", [{ error }], [{ error: "outer: inner" }]],
  ["a date as ISO 8601", new Date(0), "1970-01-01T00:00:00.000Z"],
  ["a bigint as text", 2n ** 64n, "18446744073709551616"],
  ["a number that JSON does not have as text", [NaN, Infinity], ["NaN", "Infinity"]],
  ["a symbol as text", Symbol("s"), "Symbol(s)"],
  ["a function by its name", LEVELS.map, "[function map]"],
  ["a map as an object", new Map([["k", error]]), { k: "outer: inner" }],
  ["a set as a list", new Set([1, 2]), [1, 2]],
  ["null as null", null, null],
  ["an object that holds itself cut off", circle, { a: 1, self: "[circular]" }],
  ["a deep object cut off", deep, { a: { b: { c: { d: { e: { f: "[too deep]" } } } } } }],
  ["an invalid date as unreadable", new Date(NaN), null],
  ["controls of the terminal escaped", "\x1b[31m\x9b\u2028", "\x1b[31m\x9b\u2028"],
  ["one object that is there twice both times", [LEVELS, LEVELS], [LEVELS, LEVELS]],
];
for (const [what, value, written] of VALUES) {
  Deno.test(`a JSON line writes ${what}`, SANE, () => {
    const [line = ""] = linesOf((log) => log.info("x", { value }));
    assertEquals(JSON.parse(line).value, written);
    // deno-lint-ignore no-control-regex -- the line as it is sent, before anything unescapes it
    assertEquals(/[\x00-\x1f\x7f-\x9f\u2028]/.test(line), false);
  });
}

Deno.test("a field that cannot be read does not keep the others from being written", SANE, () => {
  const unreadable = Object.defineProperty({}, "x", {
    enumerable: true,
    get: () => new Unreadable().x,
  });
  const [line = ""] = linesOf((log) => log.info("x", { unreadable, other: 1 }));
  const { unreadable: written, other } = JSON.parse(line);
  assertEquals([written, other], ["[unreadable: no]", 1]);
});

Deno.test("fields cannot take the place of time, level and msg", SANE, () => {
  const fields = { time: 1, level: "x", msg: "y", ["__proto__"]: 2 };
  assertEquals(linesOf((log) => log.info("m", fields)), [
    `{"time":"${TIME}","level":"info","msg":"m","time_":1,"level_":"x","msg_":"y","__proto__":2}`,
  ]);
});

Deno.test("braces in a message are no placeholders", SANE, () => {
  const [line = ""] = linesOf((log) => log.info("{id} {{x}} {*}", { id: 1 }));
  assertEquals(JSON.parse(line).msg, "{id} {{x}} {*}");
});

Deno.test("with() adds fields to every record and leaves its logger as it is", SANE, () => {
  const lines = linesOf((log) => {
    const inner = log.with({ a: 1, b: 1 }).with({ b: 2 });
    inner.info("x", { c: 3 });
    inner.info("x", { a: 4 });
    log.info("x");
  });
  const fields = lines.map((line) => {
    const { time: _time, level: _level, msg: _msg, ...rest } = JSON.parse(line);
    return rest;
  });
  assertEquals(fields, [{ a: 1, b: 2, c: 3 }, { a: 4, b: 2 }, {}]);
});

Deno.test("two loggers write to their own places, at their own levels", SANE, () => {
  const first: string[] = [];
  const second: string[] = [];
  const options = { format: "json", isTerminal: false, clock } as const;
  const one = createLogger({ ...options, level: "error", write: (line) => first.push(line) });
  const two = createLogger({ ...options, level: "debug", write: (line) => second.push(line) });
  one.info("x");
  one.error("x");
  two.debug("x");
  assertEquals([first.length, second.length], [1, 1]);
});

Deno.test("a line that cannot be written does not reach the caller", SANE, () => {
  const write = () => {
    throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
  };
  linesOf((log) => log.error("x"), { write });
});

Deno.test("a text line is for people, with quotes where a value needs them", SANE, () => {
  const fields = {
    id: "w-1",
    path: "/a/b",
    text: "two words",
    list: [1],
    none: undefined,
    empty: "",
  };
  assertEquals(linesOf((log) => log.warn("worker ready", fields), { format: "text" }), [
    `${TIME} WARN  worker ready id=w-1 path=/a/b text="two words" list=[1] empty=""`,
  ]);
});

Deno.test("a text line cannot be split or coloured by what it reports", SANE, () => {
  const evil = 'x\n2026 ERROR forged\r\x1b[2J\x7f\x9b\u2028"';
  const lines = linesOf((log) => log.info(evil, { [evil]: evil }), { format: "text" });
  const escaped = "x\\u000a2026 ERROR forged\\u000d\\u001b[2J\\u007f\\u009b\\u2028";
  const quoted = `"x\\n2026 ERROR forged\\r\\u001b[2J\\u007f\\u009b\\u2028\\""`;
  assertEquals(lines, [`${TIME} INFO  ${escaped}" ${escaped}"=${quoted}`]);
});

const FORMATS: readonly [format: LoggerOptions["format"], isTerminal: boolean, start: string][] = [
  ["auto", false, "{"],
  ["auto", true, "\x1b"],
  ["json", true, "{"],
  ["text", false, "2"],
  ["text", true, "\x1b"],
];
for (const [format, isTerminal, start] of FORMATS) {
  const where = isTerminal ? "on a terminal" : "elsewhere";
  Deno.test(`format ${format} starts a line with ${JSON.stringify(start)} ${where}`, SANE, () => {
    const saved = Deno.env.get("NO_COLOR");
    Deno.env.delete("NO_COLOR");
    try {
      const [line = ""] = linesOf((log) => log.info("x"), { format, isTerminal });
      assertEquals(line.slice(0, 1), start);
    } finally {
      if (saved !== undefined) Deno.env.set("NO_COLOR", saved);
    }
  });
}

Deno.test("colours go around time, level and keys, and not into the values", SANE, () => {
  const lines = linesOf((log) => log.error("x", { a: 1 }), { format: "text", colors: true });
  assertEquals(lines, [
    `\x1b[2m${TIME}\x1b[0m \x1b[31mERROR\x1b[0m x \x1b[2ma=\x1b[0m1`,
  ]);
});

Deno.test("NO_COLOR keeps colours off a terminal", SANE, () => {
  const saved = Deno.env.get("NO_COLOR");
  Deno.env.set("NO_COLOR", "1");
  try {
    assertEquals(linesOf((log) => log.info("x"), { format: "auto", isTerminal: true }), [
      `${TIME} INFO  x`,
    ]);
  } finally {
    if (saved === undefined) Deno.env.delete("NO_COLOR");
    else Deno.env.set("NO_COLOR", saved);
  }
});
