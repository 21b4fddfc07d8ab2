import { unchangedFileRanges } from "#ffi/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** One mapping as Linux 6.18 shows it, shortened. */
function mapping(head: string, anonymousKb: number): string {
  return `${head}\nSize:                132 kB\nRss:                  64 kB\nAnonymous:            ` +
    `${anonymousKb} kB\nVmFlags: rd mr mw me\n`;
}

Deno.test(
  "unchangedFileRanges() takes code and constants of files that have no page of their own",
  strict,
  () => {
    const smaps =
      mapping("55d0c0000000-55d0c0021000 r--p 00000000 fe:00 1234       /usr/bin/deno", 0) +
      mapping("55d0c0021000-55d0c0400000 r-xp 00021000 fe:00 1234       /usr/bin/deno", 0) +
      mapping("55d0c0400000-55d0c0500000 r--p 00400000 fe:00 1234       /usr/bin/deno", 96) +
      mapping("55d0c0500000-55d0c0600000 rw-p 00500000 fe:00 1234       /usr/bin/deno", 0) +
      mapping("7f0000000000-7f0000021000 r--p 00000000 00:00 0 ", 0) +
      mapping("7ffd00000000-7ffd00021000 r-xp 00000000 00:00 0          [vdso]", 0) +
      mapping("7f1000000000-7f1000001000 ---p 00000000 fe:00 99         /usr/lib/x.so", 0);
    assertEquals(unchangedFileRanges(smaps), [
      { start: 0x55d0c0000000n, end: 0x55d0c0021000n },
      { start: 0x55d0c0021000n, end: 0x55d0c0400000n },
    ]);
    assertEquals(unchangedFileRanges(""), []);
  },
);
