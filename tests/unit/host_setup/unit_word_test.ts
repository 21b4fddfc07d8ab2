import { unitWord } from "#src/host_setup/unit_word.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

for (
  const [path, word] of [
    ["/usr/local/bin/blockyard", "/usr/local/bin/blockyard"],
    ["/opt/ünï#1;x", "/opt/ünï#1;x"],
    ["/opt/my apps/by", '"/opt/my apps/by"'],
    ["/opt/100%/by", "/opt/100%%/by"],
    ["/opt/$HOME/by", "/opt/$HOME/by"],
    ["/opt/it's", `"/opt/it's"`],
    ['/opt/a"b', String.raw`"/opt/a\"b"`],
    [String.raw`/opt/a\x2f`, String.raw`"/opt/a\\x2f"`],
  ] as const
) {
  Deno.test(`unitWord() writes ${path} as ${word}`, UNIT, () => {
    assertEquals(unitWord(path), word);
  });
}

for (const path of ["/a\nExecStartPre=/bin/rm", "/a\tb", "/a\u007f", "/a\u0085b", "/a\0"]) {
  Deno.test(`unitWord() refuses ${JSON.stringify(path)}`, UNIT, () => {
    assertThrows(() => unitWord(path), RangeError, "want a path without control characters");
  });
}

Deno.test("unitWord() refuses what is no absolute path", UNIT, () => {
  assertThrows(() => unitWord("-/etc"), RangeError, 'cannot write "-/etc" into a unit');
});
