import {
  ConflictError,
  errorMessage,
  ExhaustedError,
  NotFoundError,
  NotSupportedError,
  StoreUnavailableError,
  UsageError,
} from "#src/core/mod.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const CLASSES = [
  NotSupportedError,
  NotFoundError,
  ConflictError,
  ExhaustedError,
  StoreUnavailableError,
  UsageError,
];

for (const type of CLASSES) {
  Deno.test(`${type.name} carries its name, message and cause`, SANE, () => {
    const cause = new Error("why");
    const error = new type("what", { cause });
    assertEquals([error.name, error.message, error.cause], [type.name, "what", cause]);
    assert(error instanceof Error);
  });
}

function circular(): Error {
  const outer = new Error("outer");
  outer.cause = new Error("inner", { cause: outer });
  return outer;
}

const MESSAGES: readonly [name: string, error: unknown, message: string][] = [
  ["one error", new Error("a"), "a"],
  ["an error and its causes", new Error("a", { cause: new Error("b", { cause: "c" }) }), "a: b: c"],
  ["a cause that the message repeats", new Error("a: b", { cause: new Error("b") }), "a: b"],
  ["causes in a circle", circular(), "outer: inner"],
  ["an error without a message", new TypeError(), "TypeError"],
  ["an empty message with a cause", new Error("", { cause: new Error("b") }), "b"],
  ["a message of several lines", new Error("a\n  b\r\nc\n"), "a; b; c"],
  ["several errors in one", new AggregateError([new Error("b"), "c"], "a"), "a: b: c"],
  ["an error while another was handled", new SuppressedError("b", new Error("c"), "a"), "a: b: c"],
  ["a text", "a", "a"],
  ["undefined", undefined, ""],
  ["null", null, ""],
  ["a number", 7, "7"],
  ["an object without a prototype", Object.create(null), "[object Object]"],
];
for (const [name, error, message] of MESSAGES) {
  Deno.test(`errorMessage() describes ${name} in one line`, SANE, () => {
    assertEquals(errorMessage(error), message);
  });
}
