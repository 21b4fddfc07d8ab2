/** The built-in system call policy as the kernel applies it, around real workers. */
import type { SeccompProfile } from "#src/config/mod.ts";
import { SECCOMP_ARCHS } from "#src/sandbox/seccomp/call_numbers.ts";
import { selfCommand } from "#src/self_command.ts";
import { assert, assertEquals, assertGreater } from "#tests/support/assert.ts";
import { lineOf, openTestBackend, shellSpec } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";
import { EXPECTATIONS } from "#tests/support/seccomp_verdicts.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { compileRawCalls, type RawCall } from "./support/raw_calls.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/gcc"] });
const isX86 = Deno.build.arch === "x86_64";
const { numbers } = SECCOMP_ARCHS[Deno.build.arch];

/** Error numbers, errno(3). */
const ERRNO: Readonly<Record<string, number>> = {
  EPERM: 1,
  ENOSYS: 38,
  ENOPROTOOPT: 92,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
};

/** A call that is refused, and how it is written in a failure. */
interface Refused extends RawCall {
  readonly name: string;
  readonly outcome: string;
}

/** What is expected to be refused on this machine. */
function refusedCalls(): Refused[] {
  return EXPECTATIONS.filter(([outcome]) => outcome !== "ALLOW")
    .flatMap(([outcome, calls, ...given]) =>
      calls.split(" ").flatMap((call): Refused[] => {
        const number = numbers.get(call);
        if (number === undefined) return [];
        return (given.length === 0 ? [[]] : given)
          .map((args) => ({ number, args, name: `${call}(${args.join(", ")})`, outcome }));
      })
    );
}

/** Calls that the kernel itself refuses otherwise or not at all, and that do no harm here. */
const TELLING: readonly (readonly [call: string, ...args: number[]])[] = [
  ["ptrace", 0xffff, 1],
  ["process_vm_readv", 1],
  ["pidfd_getfd", 0xffff],
  ["kcmp", 1, 1],
  ["keyctl", 0xffff],
  ["io_uring_setup", 1],
  ["io_setup", 0],
  ["clone3", 0, 0],
  ["vmsplice", 0xffff],
  ["mq_unlink", 0],
  ["get_mempolicy", 0, 0, 0, 0, 0],
  ["sync"],
  // MPTCP, a raw protocol of UNIX sockets, and netlink for the audit system.
  ["socket", 1, 3, 0],
  ["socket", 16, 3, 15],
  ["socketpair", 2, 1, 0],
  ["setsockopt", 0xffff, 6, 31],
  ["sendto", 0xffff, 0, 0, 0x2000_0000],
  ["sendmsg", 0xffff, 0, 0x2000_0000],
  ["ioctl", 0xffff, 0x5412],
  ["prctl", 25, 0],
  ["seccomp", 1, 8, 0],
  ["personality", 0x4_0000],
];

Deno.test(
  "the kernel refuses workers what the policy refuses, by the same errors",
  root,
  async () => {
    await using folder = await tempFolder();
    const program = await compileRawCalls(folder);
    await using host = await openTestBackend();
    const calls = refusedCalls();
    assertGreater(calls.length, 120);
    const errnos = await program.errnos(host.backend, calls);
    const odd = calls.flatMap(({ name, outcome }, index) =>
      errnos[index] === ERRNO[outcome] ? [] : [`${name}: ${errnos[index]}, not ${outcome}`]
    );
    assertEquals(odd, []);
  },
);

Deno.test("it is the filter that refuses, and not the kernel or the sandbox", root, async () => {
  await using folder = await tempFolder();
  const program = await compileRawCalls(folder);
  const calls = TELLING.map(([call, ...args]): Refused => {
    const number = numbers.get(call);
    assert(number !== undefined, call);
    return { number, args, name: `${call}(${args.join(", ")})`, outcome: "" };
  });
  const errnosUnder = async (seccompProfile: SeccompProfile | undefined) => {
    await using host = await openTestBackend({ seccompProfile });
    return await program.errnos(host.backend, calls);
  };
  const under = await errnosUnder({ kind: "default" });
  const without = await errnosUnder(undefined);
  const same = calls.map(({ name }, index) => `${name}: ${under[index]} and ${without[index]}`)
    .filter((_, index) => under[index] === without[index]);
  assertEquals(same, []);
  assert(!under.includes(0), under.join(" "));
});

Deno.test("the kernel lets workers make sockets that the policy allows", root, async () => {
  await using folder = await tempFolder();
  const program = await compileRawCalls(folder);
  await using host = await openTestBackend();
  const number = numbers.get("socket") ?? NaN;
  const calls = EXPECTATIONS.filter(([outcome, call]) => outcome === "ALLOW" && call === "socket")
    .flatMap(([, , ...given]) => given.map((args) => ({ number, args })));
  assertGreater(calls.length, 8);
  assertEquals(await program.errnos(host.backend, calls), calls.map(() => 0));
});

Deno.test("numbers of x32, of later kernels and below zero are unknown", root, async () => {
  await using folder = await tempFolder();
  const program = await compileRawCalls(folder);
  await using host = await openTestBackend();
  const getpid = numbers.get("getpid") ?? NaN;
  const odd = [0x4000_0000 + getpid, 0x4000_0000 + 520, 451, 462, 999, 0x7fff_ffff, 0xffff_ffff];
  const errnos = await program.errnos(host.backend, odd.map((number) => ({ number, args: [] })));
  assertEquals(errnos, odd.map(() => ERRNO.ENOSYS));
});

Deno.test(
  "a call by the 32-bit entry ends the process",
  { ...root, ignore: root.ignore || !isX86 },
  async () => {
    await using folder = await tempFolder();
    const program = await compileRawCalls(folder);
    await using host = await openTestBackend();
    const { lines, exit } = await program.run(host.backend, "foreign");
    assertEquals(lines, []);
    assertEquals(exit, { kind: "signal", signal: "SIGSYS" });
  },
);

Deno.test("programs do what programs do", root, async () => {
  await using folder = await tempFolder();
  const program = await compileRawCalls(folder);
  await using host = await openTestBackend();
  const { lines, exit } = await program.run(host.backend, "usual");
  assertEquals(exit, { kind: "code", code: 0 });
  assertEquals(lines.filter((line) => !line.startsWith("works: ")), []);
  assertEquals(lines.length, 9);
});

Deno.test("every process of a worker is under the filter, bwrap's own included", root, async () => {
  await using host = await openTestBackend();
  const spec = shellSpec("grep -h ^Seccomp: /proc/[0-9]*/status; echo over; exec sleep 60");
  await host.backend.spawn(spec);
  await lineOf(host.backend, spec.id, /^over$/);
  const lines = await Array.fromAsync(host.backend.logs(spec.id), ({ text }) => text);
  const modes = lines.filter((line) => line.startsWith("Seccomp:"));
  assertGreater(modes.length, 1);
  assertEquals(new Set(modes), new Set(["Seccomp:\t2"]));
});

Deno.test("the filter that the command writes serves as a profile", root, async () => {
  await using folder = await tempFolder();
  const program = await compileRawCalls(folder);
  const path = `${folder.path}/blockyard.bpf`;
  const { program: self, args, env } = selfCommand(["seccomp"]);
  const { code, stdout } = await new Deno.Command(self, { args: [...args], env }).output();
  assertEquals(code, 0);
  await Deno.writeFile(path, stdout, { mode: 0o644 });
  await using host = await openTestBackend({ seccompProfile: { kind: "file", path } });
  const calls = refusedCalls();
  const errnos = await program.errnos(host.backend, calls);
  assertEquals(errnos, calls.map(({ outcome }) => ERRNO[outcome]));
});

Deno.test("a server whose workers have no filter says so", root, async () => {
  const told = async (seccompProfile: SeccompProfile | undefined) => {
    await using host = await openTestBackend({ seccompProfile });
    return host.missingLayers.filter((layer) => layer.includes("seccomp_profile")).length;
  };
  assertEquals([await told({ kind: "default" }), await told(undefined)], [0, 1]);
});
