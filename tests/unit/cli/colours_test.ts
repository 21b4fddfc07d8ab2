import { wantsColours } from "#src/cli/colours.ts";
import { assertEquals } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

for (
  const [where, isTerminal, env, wanted] of [
    ["on a terminal", true, { TERM: "xterm" }, true],
    ["on a terminal of which nothing is known", true, {}, true],
    ["in a pipe", false, { TERM: "xterm" }, false],
    ["where NO_COLOR is set", true, { TERM: "xterm", NO_COLOR: "1" }, false],
    ["where NO_COLOR is empty", true, { TERM: "xterm", NO_COLOR: "" }, true],
    ["on a dumb terminal", true, { TERM: "dumb" }, false],
  ] as const
) {
  Deno.test(`there are ${wanted ? "" : "no "}colours ${where}`, SANE, () => {
    const variables: Readonly<Record<string, string>> = env;
    assertEquals(wantsColours(isTerminal, (name) => variables[name]), wanted);
  });
}
