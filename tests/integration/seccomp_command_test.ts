/** What `blockyard seccomp` writes, as operators and scripts get it. */
import { builtInProgram } from "#src/sandbox/mod.ts";
import { selfCommand } from "#src/self_command.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { type Outcome, run } from "./packaging/single_file.ts";

const options = needs();
const SCRIPT = "/usr/bin/script";
const withTerminal = needs({ files: [SCRIPT] });

function blockyard(...args: string[]): Promise<Outcome> {
  const { program, args: all, env } = selfCommand(["seccomp", ...args]);
  return run([program, ...all], { env });
}

async function filterOf(...args: string[]): Promise<string> {
  const { program, args: all, env } = selfCommand(["seccomp", ...args]);
  const command = new Deno.Command(program, { args: [...all], env });
  const { code, stdout, stderr } = await command.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return stdout.toBase64();
}

Deno.test("seccomp writes the filter of this machine, or of another one", options, async () => {
  const { arch } = Deno.build;
  assertEquals(await filterOf(), builtInProgram(arch).toBase64());
  for (const other of ["x86_64", "aarch64"] as const) {
    assertEquals(await filterOf("--arch", other), builtInProgram(other).toBase64());
  }
});

Deno.test("seccomp explains itself", options, async () => {
  const { code, stdout, stderr } = await blockyard("--help");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^Write [^]*\nUsage: blockyard seccomp \[OPTIONS\]\n/);
  for (const option of ["--arch ARCH", "--explain NAME", "--json"]) {
    assertStringIncludes(stdout, option);
  }
});

for (
  const [call, ...lines] of [
    ["read", "read (number 0 on x86_64): allowed", "file contents: Programs read"],
    ["ptrace", "ptrace (number 101 on x86_64): refused with EPERM"],
    [
      "clone3",
      "clone3 (number 435 on x86_64): refused with ENOSYS",
      "clone3: Its flags are in memory",
    ],
    [
      "sendmsg",
      "sendmsg (number 46 on x86_64): allowed if this holds, refused with EOPNOTSUPP otherwise",
      "  flags is without MSG_FASTOPEN (0x20000000)",
    ],
    [
      "socket",
      "socket (number 41 on x86_64): allowed if one of these lines holds, refused with EAFNOSUPPORT",
      "  domain is AF_NETLINK (16), type & 0xf is SOCK_DGRAM (2) or SOCK_RAW (3), protocol is",
    ],
  ] as const
) {
  Deno.test(`seccomp says what becomes of ${call}, and why`, options, async () => {
    const { code, stdout, stderr } = await blockyard("--arch", "x86_64", "--explain", call);
    assertEquals([code, stderr], [0, ""]);
    for (const line of lines) assertStringIncludes(stdout, line);
  });
}

Deno.test("seccomp says which calls an architecture does not have", options, async () => {
  const { stdout } = await blockyard("--arch", "aarch64", "--explain", "open");
  assertStringIncludes(stdout, "open: no call of aarch64");
});

Deno.test("seccomp writes explanations for scripts", options, async () => {
  const explain = async (call: string) => {
    const { code, stdout } = await blockyard("--arch", "aarch64", "--json", "--explain", call);
    assertEquals(code, 0);
    const { reason, ...rest } = JSON.parse(stdout);
    assert(typeof reason === "string" && reason.length > 20);
    return rest;
  };
  assertEquals(await explain("ioctl"), {
    call: "ioctl",
    arch: "aarch64",
    number: 29,
    verdict: "conditional",
    errno: "EPERM",
    conditions: [["op is not TIOCSTI (0x5412), TIOCLINUX (0x541c) or TIOCSETD (0x5423)"]],
    group: "ioctl",
  });
  assertEquals(await explain("fork"), {
    call: "fork",
    arch: "aarch64",
    number: null,
    verdict: "absent",
    errno: null,
    conditions: [],
    group: "processes and threads",
  });
});

for (
  const [what, args, problem] of [
    [
      "a call that is misspelt",
      ["--explain", "sokcet"],
      'unknown system call "sokcet": want "socket"',
    ],
    ["a call that is none", ["--explain", "zzzzzzzz"], "want the name of one, such as openat"],
    ["an unknown architecture", ["--arch", "mips"], 'for "mips": want --arch x86_64 or aarch64'],
    ["JSON of a filter", ["--json"], "want --explain NAME, too"],
    ["an argument", ["ptrace"], 'unexpected argument "ptrace": want none'],
  ] as const
) {
  Deno.test(`seccomp refuses ${what} with 2, and writes nothing`, options, async () => {
    const { code, stdout, stderr } = await blockyard(...args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, problem);
  });
}

Deno.test("seccomp writes no filter to a terminal", withTerminal, async () => {
  const { program, args, env } = selfCommand(["seccomp"]);
  const words = [program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const { code, stdout } = await run([SCRIPT, "-qec", words, "/dev/null"], { env });
  assertEquals(
    [code, stdout.trim()],
    [
      1,
      "blockyard: cannot write a compiled filter to a terminal: want a file or a pipe, as in " +
      "blockyard seccomp > blockyard.bpf",
    ],
  );
});
