import { shellWord } from "#src/shell_word.ts";
import { assertEquals } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

for (
  const [text, word] of [
    ["/usr/local/bin/blockyard", "/usr/local/bin/blockyard"],
    ["a.b-c_d+e@f:1,2%3", "a.b-c_d+e@f:1,2%3"],
    ["", "''"],
    ["/opt/my apps/by", "'/opt/my apps/by'"],
    ["$(id)", "'$(id)'"],
    ["~/by", "'~/by'"],
    ["it's", String.raw`'it'\''s'`],
    ["a\\b", String.raw`'a\b'`],
    ["ünï", "'ünï'"],
  ] as const
) {
  Deno.test(`shellWord() writes ${JSON.stringify(text)} as ${word}`, UNIT, () => {
    assertEquals(shellWord(text), word);
  });
}
