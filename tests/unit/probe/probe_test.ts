import { probeTargets } from "#src/probe/mod.ts";
import { parseCommandLine } from "#src/probe/command_line.ts";
import { parseTcpTarget, targetText } from "#src/probe/target.ts";
import { assertEquals } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

for (
  const text of [
    "127.0.0.1:80",
    "[fd00:ec2::254]:80",
    "[fe80::1%eth0.7]:80",
    "redis.example.org:6379",
  ]
) {
  Deno.test(`the target ${text} is read and written alike`, SANE, () => {
    const target = parseTcpTarget(text);
    assertEquals(target && targetText(target), text);
  });
}

for (
  const text of ["", "host", "host:0", "host:65536", "::1:80", "[host]:80", "[::1%]:80", ":80"]
) {
  Deno.test(`${JSON.stringify(text)} is no target`, SANE, () => {
    assertEquals(parseTcpTarget(text), undefined);
  });
}

Deno.test("a command line names its targets in order", SANE, () => {
  const args = ["--tcp", "[::1]:80", "--unix=/run/r.sock", "--tcp=h:1", "--timeout", "500ms"];
  assertEquals(parseCommandLine(args), {
    kind: "probe",
    timeoutMs: 500,
    targets: [
      { kind: "tcp", hostname: "::1", port: 80 },
      { kind: "unix", path: "/run/r.sock" },
      { kind: "tcp", hostname: "h", port: 1 },
    ],
  });
});

Deno.test("an abstract socket is written with @ in place of NUL", SANE, () => {
  const found = parseCommandLine(["--unix", "@a/b@c", "--timeout", "1s"]);
  const target = { kind: "unix", path: "\0a/b@c" } as const;
  assertEquals(found, { kind: "probe", timeoutMs: 1000, targets: [target] });
  assertEquals(targetText(target), "@a/b@c");
});

const MISUSES: readonly [args: string[], problem: string][] = [
  [["--timeout", "1s"], "there is no target: want --tcp or --unix"],
  [["--tcp", "h:1"], "--timeout is missing: want one such as 2s"],
  [
    ["--tcp", "h:1", "--timeout", "61s"],
    'cannot wait for "61s": want 1ms to 60s, such as 2s or 500ms',
  ],
  [
    ["--tcp", "h:1", "--timeout", "0ms"],
    'cannot wait for "0ms": want 1ms to 60s, such as 2s or 500ms',
  ],
  [["--timeout", "1s", "--timeout", "1s"], "--timeout is given twice: want it once"],
  [["--tcp", "h"], 'cannot connect to "h": want HOST:PORT or [IPV6]:PORT, port 1 to 65535'],
  [
    ["--unix", "r.sock"],
    'cannot connect to "r.sock": want the absolute path of a socket, or @NAME',
  ],
  [["--tcp"], "--tcp has no value"],
  [["--udp", "h:1"], '"--udp" is no option: want one of those that --help lists'],
];
for (const [args, problem] of MISUSES) {
  Deno.test(`probe ${args.join(" ")} is refused`, SANE, () => {
    assertEquals(parseCommandLine(args), { kind: "misuse", problem });
  });
}

Deno.test("probeTargets() tells a listener from a closed port", SANE, async () => {
  using open = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ports = [open.addr.port, closed.addr.port];
  closed.close();
  const outcomes = await probeTargets(
    ports.map((port) => ({ kind: "tcp", hostname: "127.0.0.1", port })),
    { timeoutMs: 5000 },
  );
  assertEquals(
    outcomes.map(({ target, result }) => [target, result]),
    [[`127.0.0.1:${ports[0]}`, "connected"], [`127.0.0.1:${ports[1]}`, "refused"]],
  );
});
