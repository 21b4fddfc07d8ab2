import { commandsOn, shellQuote } from "#src/preflight/shell_quote.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("shellQuote() leaves plain paths as they are, and quotes all others", UNIT, () => {
  for (
    const [text, quoted] of [
      ["/etc/blockyard.yaml", "/etc/blockyard.yaml"],
      ["/srv/R-4.4.2_x86+1,a:b@c%d", "/srv/R-4.4.2_x86+1,a:b@c%d"],
      ["", "''"],
      ["/a b", "'/a b'"],
      ["/it's", String.raw`'/it'\''s'`],
      ["''", String.raw`''\'''\'''`],
      ["/$HOME/`id`", "'/$HOME/`id`'"],
      [String.raw`/a\b`, String.raw`'/a\b'`],
      ["~root", "'~root'"],
      ["/a=b", "'/a=b'"],
      ["/*?[x]{y}", "'/*?[x]{y}'"],
      ["/a;b&c|d<e>f(g)#h!", "'/a;b&c|d<e>f(g)#h!'"],
      ["/grüße", "'/grüße'"],
    ] as const
  ) assertEquals(shellQuote(text), quoted, text);
});

Deno.test("shellQuote() refuses what would steer a terminal", UNIT, () => {
  for (const text of ["/a\nb", "/a\x1b[2J", "/a\0", "/a\x7f", "/a\x9b2J"]) {
    assertThrows(() => shellQuote(text), RangeError, "want a text without control characters");
  }
});

Deno.test(
  "commandsOn() gives each command the path, and words for one that is none to type",
  UNIT,
  () => {
    assertEquals(commandsOn(["chown root", "chmod go-w"], "/a b"), {
      kind: "command",
      text: "chown root '/a b' && chmod go-w '/a b'",
    });
    assertEquals(commandsOn(["chmod go-w"], "/a\nb"), {
      kind: "advice",
      text: 'Do "chmod go-w" with the file or folder that the message names',
    });
  },
);
