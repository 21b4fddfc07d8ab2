import { SECCOMP_ARCHS, type SeccompArch } from "#src/sandbox/seccomp/call_numbers.ts";
import { assertEquals, assertGreater } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";

const X86_64_HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";
const GENERIC_HEADER = "/usr/include/asm-generic/unistd.h";

/** Names in the generic header that are no calls, or none of aarch64. */
const NOT_CALLS = ["syscalls", "arch_specific_syscall", "sync_file_range2"];

/** Calls of kernels after 6.1 that got numbers out of a gap of x86-64. */
const LATER = ["uretprobe", "uprobe"];

/** Numbers of calls with 64-bit times, which only 32-bit architectures have. */
const [FIRST_TIME64, LAST_TIME64] = [403, 423];

/** The calls that we know by number, those of a newer header left out. */
function known(arch: SeccompArch, header: Iterable<readonly [number, string]>) {
  const ours = Array.from(SECCOMP_ARCHS[arch].numbers, ([name, number]) => [number, name] as const);
  const newest = Math.max(...ours.map(([number]) => number));
  const sorted = (calls: Iterable<readonly [number, string]>) =>
    [...calls].sort(([left], [right]) => left - right);
  const theirs = sorted(header)
    .filter(([number, name]) => number <= newest && !LATER.includes(name));
  return { ours: sorted(ours), theirs };
}

Deno.test(
  "the calls of x86-64 are those of the kernel's header",
  needs({ files: [X86_64_HEADER] }),
  () => {
    const text = Deno.readTextFileSync(X86_64_HEADER);
    const header = Array.from(
      text.matchAll(/^#define __NR_(\w+) (\d+)$/gm),
      ([, name = "", number]) => [Number(number), name] as const,
    );
    assertGreater(header.length, 300);
    const { ours, theirs } = known("x86_64", header);
    assertEquals(ours, theirs);
  },
);

Deno.test(
  "the calls of aarch64 are those of the kernel's generic header for 64 bits",
  needs({ files: [GENERIC_HEADER] }),
  () => {
    const text = Deno.readTextFileSync(GENERIC_HEADER);
    const header = new Map<number, string>();
    const sizes = new Map<string, number>();
    for (const [, name = "", value = ""] of text.matchAll(/^#define __NR_?(\w+)\s+(\w+)$/gm)) {
      const number = sizes.get(value.replace(/^__NR/, "")) ?? Number(value);
      if (name.startsWith("3264_")) sizes.set(name, number);
      // Of two names for a number, the first one is that for 64 bits.
      else if (!NOT_CALLS.includes(name) && !header.has(number)) {
        header.set(number, name);
      }
    }
    for (let number = FIRST_TIME64; number <= LAST_TIME64; number++) header.delete(number);
    assertGreater(header.size, 280);
    const { ours, theirs } = known("aarch64", header);
    assertEquals(ours, theirs);
  },
);
