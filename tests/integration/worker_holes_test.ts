/** What the kernel answers a worker that wants more of it than an app needs. */
import { assertEquals, assertGreater, assertMatch } from "#tests/support/assert.ts";
import { openTestBackend, shellSpec, wholeLog } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/perl"] });

/** System call numbers of asm/unistd_64.h and asm-generic/unistd.h. */
const CALLS = Deno.build.arch === "aarch64"
  ? { mlock: 228, mq_open: 180, keyctl: 219 }
  : { mlock: 149, mq_open: 240, keyctl: 250 };

/** What a call gives by itself, or what a policy for system calls lets it give. */
function withPolicyOr(answer: string): RegExp {
  return new RegExp(`^(${answer}|Operation not permitted|Function not implemented)$`);
}

/** Runs a perl program in a worker, and gives what it printed. */
async function answers(program: string): Promise<string[]> {
  await using host = await openTestBackend();
  const calls = Object.entries(CALLS).map(([name, number]) => `sub SYS_${name} { ${number} }`);
  const script = `use strict; use warnings; use POSIX (); $| = 1; ${calls.join(" ")} ${program}`;
  const spec = shellSpec("", { cmd: ["/usr/bin/perl", "-e", script] });
  await host.backend.spawn(spec);
  return (await wholeLog(host.backend, spec.id)).map(({ text }) => text);
}

Deno.test("a crash in a worker leaves no core, and tells of none", root, async () => {
  const lines = await answers(`
    chdir "/tmp";
    my $pid = fork // die;
    if ($pid == 0) { kill SEGV => $$; sleep 60 }
    waitpid($pid, 0);
    print $? & 127, " ", $? & 128, "\\n";
    opendir(my $tmp, "/tmp"); print grep { !/^\\./ } readdir $tmp;
  `);
  assertEquals(lines, ["11 0"]);
});

Deno.test("a worker keeps no memory from being swapped but 64 KiB", root, async () => {
  const lines = await answers(`
    my ($small, $large) = map { "x" x ($_ << 10) } 16, 128;
    print syscall(SYS_mlock, $_, length $_) == 0 ? "locked\\n" : "$!\\n" for $small, $large;
  `);
  assertEquals(lines, ["locked", "Cannot allocate memory"]);
});

Deno.test("a worker gets no POSIX message queue", root, async () => {
  // O_CREAT | O_RDWR
  const lines = await answers(`
    my $name = "queue";
    print syscall(SYS_mq_open, $name, 0102, 0600, 0) < 0 ? "$!\\n" : "open\\n";
  `);
  assertMatch(lines.join("\n"), withPolicyOr("Too many open files"));
});

Deno.test("a worker's files end at a gibibyte, be they sparse", root, async () => {
  const lines = await answers(`
    $SIG{XFSZ} = "IGNORE";
    open(my $file, ">", "/tmp/large") or die $!;
    print truncate($file, $_) ? "made\\n" : "$!\\n" for 2**30, 2**30 + 1;
  `);
  assertEquals(lines, ["made", "File too large"]);
});

Deno.test("a worker opens 1024 files, and 4096 when it asks for more", root, async () => {
  const open =
    "my @files; while (open(my $file, '<', '/dev/null')) { push @files, $file } print 3 + @files";
  const lines = await answers(`
    system "/usr/bin/perl", "-e", q{${open}, "\\n"};
    system "/bin/sh", "-c", q{ulimit -n 4096 && exec /usr/bin/perl -e "$0"}, q{${open}, "\\n"};
    system "/bin/sh", "-c", q{ulimit -n 4097 || echo refused};
  `);
  assertEquals(lines.slice(0, 2), ["1024", "4096"]);
  assertMatch(lines.join("\n"), /^refused$/m);
});

Deno.test("a worker has a session keyring of its own, with nothing in it", root, async () => {
  // KEYCTL_DESCRIBE and KEYCTL_READ of KEY_SPEC_SESSION_KEYRING
  const lines = await answers(`
    my $key = "\\0" x 256;
    syscall(SYS_keyctl, 6, -3, $key, 256) > 0 or do { print "$!\\n"; exit };
    print $key =~ /^(\\w+);(\\d+);.*;(\\w+)\\0/ ? "$1 $3\\n" : "?\\n";
    print syscall(SYS_keyctl, 11, -3, $key, 256), "\\n";
  `);
  assertMatch(lines.join("\n"), withPolicyOr("keyring _ses\n0"));
});

Deno.test("a worker's first process tells nothing of how it was started", root, async () => {
  const lines = await answers(`
    for my $file (qw(environ cmdline)) {
      open(my $in, "<", "/proc/1/$file") or do { print "$file: $!\\n"; next };
      local $/;
      print "$file: ", (<$in> // "") =~ s/\\0.*//sr, "\\n";
    }
    print "root: ", readlink("/proc/1/root") // "$!", "\\n";
    opendir(my $fds, "/proc/1/fd") or print "fds: $!\\n";
    print map { my $to = readlink("/proc/1/fd/$_"); "$_ -> " . ($to =~ /^[a-z_]+:/ ? $& : $to) . "\\n" }
      sort { $a <=> $b } grep { /\\d/ } readdir $fds if defined $fds;
  `);
  assertEquals(lines.slice(0, 3), ["environ: ", "cmdline: bwrap", "root: /"]);
  for (const line of lines.slice(3)) assertMatch(line, /^\d+ -> (pipe|anon_inode):$/);
  assertGreater(lines.length, 5);
});
