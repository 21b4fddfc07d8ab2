/** Compiled system call filters, as the kernel takes or refuses them around real workers. */
import { loadConfig } from "#src/config/mod.ts";
import { toUid } from "#src/core/mod.ts";
import type { Finding } from "#src/preflight/mod.ts";
import { sandboxSmoke } from "#src/preflight/sandbox_smoke.ts";
import { seccompProfile } from "#src/preflight/seccomp_profile.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { lineOf, openTestBackend, shellSpec } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";
import { ask as askOwn } from "#tests/support/own_group.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap"] });
const rInstalled = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R"] });
const START = 1_934_000_000;

/** Actions of a filter, linux/seccomp.h. */
const ALLOW = 0x7fff_0000;
const EPERM = 0x0005_0001;
const KILL_PROCESS = 0x8000_0000;
/** Classic BPF, linux/bpf_common.h: load a word, jump if equal, return. */
const [LOAD, JUMP_EQUAL, RETURN] = [0x20, 0x15, 0x06];

type Instruction = readonly [code: number, jt: number, jf: number, k: number];

function assemble(...instructions: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(instructions.length * 8));
  for (const [index, [code, jt, jf, k]] of instructions.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}

/** A filter that gives one system call another end. */
function refusing(call: number, action: number): Uint8Array {
  return assemble(
    [LOAD, 0, 0, 0],
    [JUMP_EQUAL, 0, 1, call],
    [RETURN, 0, 0, action],
    [RETURN, 0, 0, ALLOW],
  );
}

/** uname(2), execve(2) and getrusage(2), asm/unistd_64.h and asm-generic/unistd.h. */
const UNAME = Deno.build.arch === "aarch64" ? 160 : 63;
const GETRUSAGE = Deno.build.arch === "aarch64" ? 165 : 98;
const EXECVE = Deno.build.arch === "aarch64" ? 221 : 59;

async function write(folder: TempFolder, name: string, bytes: Uint8Array): Promise<string> {
  const path = `${folder.path}/${name}`;
  await Deno.writeFile(path, bytes, { mode: 0o644 });
  return path;
}

async function ask(
  profile: string,
  changes: Record<string, string> = {},
  check = seccompProfile,
): Promise<Finding> {
  const config = loadConfig({
    env: {
      BLOCKYARD_PROCESS_SECCOMP_PROFILE: profile,
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(START),
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(START + 9),
      BLOCKYARD_PROCESS_WORKER_GID: String(START),
      BLOCKYARD_PROXY_MAX_WORKERS: "1",
      ...changes,
    },
    readFile: () => "",
    isRoot: true,
  });
  await using opened = openPreflightHost(config, { configPath: undefined });
  const [finding, ...more] = [await check.run(opened.host)].flat();
  assert(finding !== undefined && more.length === 0);
  return finding;
}

Deno.test("a filter that the kernel takes is ok, with its size", root, async () => {
  await using folder = await tempFolder();
  const path = await write(folder, "filter", refusing(UNAME, EPERM));
  assertEquals(await ask(path), {
    severity: "ok",
    message: `workers run under the 4 instructions of ${path}`,
  });
});

Deno.test("a filter as long as the kernel takes one, behind a link, is ok", root, async () => {
  await using folder = await tempFolder();
  const longest = Array.from({ length: 4096 }, () => [RETURN, 0, 0, ALLOW] as const);
  await write(folder, "filter", assemble(...longest));
  const link = `${folder.path}/link`;
  await Deno.symlink("filter", link);
  assertEquals(await ask(link), {
    severity: "ok",
    message: `workers run under the 4096 instructions of ${link}`,
  });
});

Deno.test("the built-in policy is one that the kernel takes", root, async () => {
  assertEquals(await ask("default"), {
    severity: "ok",
    message: "workers run under the built-in system call policy",
  });
});

Deno.test("a filter that the kernel or no program takes is an error", root, async () => {
  await using folder = await tempFolder();
  // Opcode 0xffff is none; the kernel checks the program when it is loaded.
  const invalid = await write(folder, "invalid", assemble([0xffff, 0, 0, 0]));
  const deadly = await write(folder, "deadly", refusing(EXECVE, KILL_PROCESS));
  for (const path of [invalid, deadly]) {
    const finding = await ask(path);
    assertEquals(finding.severity, "error");
    assertStringIncludes(finding.message, `no program runs under the system call filter ${path}: `);
  }
});

Deno.test("what is no filter is an error that says why", root, async () => {
  await using folder = await tempFolder();
  const cases: readonly (readonly [path: string, reason: string])[] = [
    [`${folder.path}/none`, "there is no such file"],
    [folder.path, "it is not a regular file"],
    [await write(folder, "empty", new Uint8Array()), "it is empty"],
    [await write(folder, "cut", new Uint8Array(12)), "its 12 bytes are not whole instructions"],
    [await write(folder, "long", new Uint8Array(4097 * 8)), "it has more than 4096 instructions"],
    [await pipe(folder), "it is not a regular file"],
    ["/dev/zero", "it is not a regular file"],
    [await dangling(folder), "there is no such file"],
  ];
  for (const [path, reason] of cases) {
    const finding = await ask(path);
    assertEquals(finding.severity, "error");
    assertStringIncludes(finding.message, reason);
  }
});

/** A named pipe that nobody writes to, so that opening it would wait for ever. */
async function pipe(folder: TempFolder): Promise<string> {
  const path = `${folder.path}/pipe`;
  assertEquals((await new Deno.Command("mkfifo", { args: [path] }).output()).code, 0);
  return path;
}

async function dangling(folder: TempFolder): Promise<string> {
  const path = `${folder.path}/dangling`;
  await Deno.symlink("nowhere", path);
  return path;
}

Deno.test("a filter that the server's user cannot read is an error", root, async () => {
  await using folder = await tempFolder();
  const path = await write(folder, "filter", refusing(UNAME, EPERM));
  await Deno.chmod(path, 0o600);
  const [finding, ...more] = await askOwn<readonly Finding[]>({
    about: "seccomp_profile",
    uid: START,
    env: { PROCESS_SECCOMP_PROFILE: path },
  });
  assert(finding?.severity === "error" && more.length === 0, JSON.stringify(finding));
  assertStringIncludes(
    finding.message,
    `cannot use ${path} as the system call filter: it cannot be read: Permission denied`,
  );
});

Deno.test("a bwrap that leaves the filter out is found out", root, async () => {
  await using folder = await tempFolder();
  const bwrap = await folder.write(
    "bwrap",
    '#!/bin/sh\n[ "$1" = --args ] || exec /usr/bin/bwrap "$@"\nfd=$2; shift 2\n' +
      "exec /usr/bin/perl -e 'my $fd = shift; open my $in, q(<&=), $fd or die; local $/; " +
      "my @options = split /\\0/, <$in>; splice @options, -2; " +
      'exec q(/usr/bin/bwrap), @options, @ARGV\' "$fd" "$@"\n',
  );
  await Deno.chmod(bwrap, 0o755);
  const finding = await ask("default", { BLOCKYARD_PROCESS_BWRAP_PATH: bwrap });
  assertEquals(finding.severity, "error");
  assertStringIncludes(
    finding.message,
    "workers do not run under the built-in system call policy: it ended with code 0 and ",
  );
});

Deno.test("a filter that lets all but R run is named where R is tried", rInstalled, async () => {
  await using folder = await tempFolder();
  const path = await write(folder, "filter", refusing(GETRUSAGE, KILL_PROCESS));
  assertEquals((await ask(path)).severity, "ok");
  const finding = await ask(path, {}, sandboxSmoke);
  assert(finding.severity === "error", JSON.stringify(finding));
  assertStringIncludes(finding.message, "it ended with exit code 159 (signal 31)");
  assertStringIncludes(finding.message, `does without the system call filter ${path}`);
  assertEquals(finding.fix, { kind: "setting", text: "process.seccomp_profile: default" });
  assertEquals((await ask("default", {}, sandboxSmoke)).severity, "ok");
});

Deno.test("without bwrap nothing is known about a filter", root, async () => {
  await using folder = await tempFolder();
  const path = await write(folder, "filter", refusing(UNAME, EPERM));
  const finding = await ask(path, { BLOCKYARD_PROCESS_BWRAP_PATH: "/nonexistent/bwrap" });
  assertEquals(finding.severity, "warning");
  assertStringIncludes(finding.message, "/nonexistent/bwrap is no program");
});

Deno.test(
  "a worker runs under the filter, and a broken one lets no server start",
  root,
  async () => {
    await using folder = await tempFolder();
    const path = await write(folder, "filter", refusing(UNAME, EPERM));
    await using host = await openTestBackend({ seccompProfile: { kind: "file", path } });
    const spec = shellSpec("grep '^Seccomp:' /proc/self/status; uname; echo over; exec sleep 60");
    await host.backend.spawn(spec);
    assertEquals(await lineOf(host.backend, spec.id, /^Seccomp:/), "Seccomp:\t2");
    await lineOf(host.backend, spec.id, /^over$/);
    const lines = await Array.fromAsync(host.backend.logs(spec.id), ({ text }) => text);
    assert(lines.some((line) => /uname.*Operation not permitted/.test(line)), lines.join(" | "));

    const uids = { workerUidRangeStart: toUid(START), workerUidRangeEnd: toUid(START + 9) };
    const cut = await write(folder, "cut", new Uint8Array(12));
    await assertRejects(
      () => openTestBackend({ ...uids, seccompProfile: { kind: "file", path: cut } }),
      Error,
      `cannot use ${cut} as the system call filter`,
    );
    const invalid = await write(folder, "invalid", assemble([0xffff, 0, 0, 0]));
    await assertRejects(
      () => openTestBackend({ ...uids, seccompProfile: { kind: "file", path: invalid } }),
      Error,
      "cannot run a program in a sandbox",
    );
  },
);
