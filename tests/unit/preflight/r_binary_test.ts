import { parseRVersion } from "#src/preflight/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

Deno.test("parseRVersion() knows releases, versions in the making, and what is no R", () => {
  for (
    const [text, version] of [
      ['R version 4.2.2 Patched (2022-11-10 r83330) -- "Innocent"\nCopyright', "4.2.2"],
      ['R version 4.10.0 (2030-04-01) -- "x"\n', "4.10.0"],
      ['R Under development (unstable) (2024-01-01 r85764) -- "Unsuffered"\n', "under development"],
      ["Loading R/4.4.2\nR version 4.4.2 (2024-10-31)\n", "4.4.2"],
      ["GNU bash, version 5.2.15(1)-release\n", undefined],
      ["Rscript version 4.2.2\n", undefined],
      ["", undefined],
    ] as const
  ) assertEquals(parseRVersion(text), version, text);
});
