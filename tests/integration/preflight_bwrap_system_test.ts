/** The checks of the sandbox, where mounts, system calls and capabilities are not as usual. */
import { abstractSockets } from "#src/preflight/abstract_sockets.ts";
import { bwrapAvailable } from "#src/preflight/bwrap_available.ts";
import { networkNone } from "#src/preflight/network_none.ts";
import { userNamespaces } from "#src/preflight/user_namespaces.ts";
import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { fix, OWN_NETWORK, severities, testCases, UIDS } from "#tests/support/preflight_cases.ts";
import { answering } from "#tests/support/call_filter.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const FILES = ["bwrap", "unshare", "setpriv", "install"].map((name) => `/usr/bin/${name}`);
const ENV = {
  PROCESS_WORKER_UID_RANGE_START: String(UIDS),
  PROCESS_WORKER_UID_RANGE_END: String(UIDS + 9),
  PROCESS_WORKER_GID: String(UIDS),
  PROXY_MAX_WORKERS: "1",
};

/** A folder with a bwrap of its own in it, on a file system that is mounted like this. */
const ownBwrap = (options: string, mode: string): readonly string[] => [
  ...["/usr/bin/unshare", "--mount", "/bin/sh", "-c"],
  `mount -t tmpfs -o mode=755,${options} tmpfs /mnt && ` +
  `install -m ${mode} /usr/bin/bwrap /mnt/bwrap && exec "$@"`,
  "sh",
];

/** Classic BPF, linux/bpf_common.h. */
const [LOAD, JUMP_EQUAL, JUMP_SET, RETURN] = [0x20, 0x15, 0x45, 0x06];
/** SECCOMP_RET_ALLOW and SECCOMP_RET_ERRNO of linux/seccomp.h, and EPERM. */
const [ALLOW, REFUSE] = [0x7fff_0000, 0x0005_0001];
const CLONE_NEWUSER = 0x1000_0000;
/** clone(2), unshare(2) and landlock_create_ruleset(2), asm/unistd_64.h and asm-generic/unistd.h. */
const [CLONE, UNSHARE] = Deno.build.arch === "aarch64" ? [220, 97] : [56, 272];
const LANDLOCK_CREATE_RULESET = 444;
const ENOSYS = 38;

/** As a container's filter: no user namespaces, whoever asks. */
function withoutUserNamespaces(): Uint8Array<ArrayBuffer> {
  const instructions = [
    [LOAD, 0, 0, 0],
    [JUMP_EQUAL, 1, 0, CLONE],
    [JUMP_EQUAL, 0, 3, UNSHARE],
    // The lower half of the first argument.
    [LOAD, 0, 0, 16],
    [JUMP_SET, 0, 1, CLONE_NEWUSER],
    [RETURN, 0, 0, REFUSE],
    [RETURN, 0, 0, ALLOW],
  ] as const;
  const view = new DataView(new ArrayBuffer(instructions.length * 8));
  for (const [index, [code, jt, jf, k]] of instructions.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}

/** Everything of the host, with all of root's rights, under a filter. */
const under = (filter: Uint8Array<ArrayBuffer>): readonly string[] => [
  ...["/bin/sh", "-c"],
  `file=$(mktemp) && echo ${filter.toBase64()} | base64 -d > "$file" && exec 9< "$file" && ` +
  'rm "$file" && exec /usr/bin/bwrap --dev-bind / / --cap-add ALL --seccomp 9 -- "$@"',
  "sh",
];

testCases({
  "a bwrap where the set-user-id bit does not count is a warning, and its fix makes it none": {
    within: ownBwrap("nosuid", "4755"),
    run: async (look) => {
      const env = { ...ENV, PROCESS_BWRAP_PATH: "/mnt/bwrap" };
      const [bit] = await look(bwrapAvailable, env);
      assertMatch(bit?.message ?? "", /^\/mnt\/bwrap has the set-user-id bit and may run with its/);
      assertEquals(severities(await look(userNamespaces, env)), ["ok"]);
      await fix(bit, "warning");
      const after = await look(bwrapAvailable, env);
      assertEquals(after.filter(({ message }) => message.includes("set-user-id")), []);
    },
  },
  "a bwrap with the set-user-id bit is an error, and its fix makes it none": {
    within: ownBwrap("suid", "4755"),
    run: async (look) => {
      const env = { ...ENV, PROCESS_BWRAP_PATH: "/mnt/bwrap" };
      const [bit, ...more] = await look(bwrapAvailable, env);
      assertMatch(bit?.message ?? "", /bit and makes no sandbox for workers: .*set-?uid/);
      const [untried] = await look(userNamespaces, env);
      assertEquals([more, untried?.severity], [[], "warning"]);
      assertMatch(
        untried?.message ?? "",
        /bwrap, which has the set-user-id bit: it ended with code/,
      );
      await fix(bit, "error");
      const after = await look(bwrapAvailable, env);
      assertEquals(after.filter(({ message }) => message.includes("set-user-id")), []);
      assertEquals(severities(await look(userNamespaces, env))[0], "ok");
    },
  },
  "a bwrap on a file system without programs is an error": {
    within: ownBwrap("noexec", "755"),
    run: async (look) => {
      const found = await look(bwrapAvailable, { ...ENV, PROCESS_BWRAP_PATH: "/mnt/bwrap" });
      assertEquals(severities(found), ["error"]);
      assertMatch(found[0]?.message ?? "", /^\/mnt\/bwrap cannot be run: .*Permission denied/);
    },
  },
  "a bwrap that workers may not execute is an error, until they may": {
    within: ownBwrap("suid", "700"),
    run: async (look) => {
      const env = { ...ENV, PROCESS_BWRAP_PATH: "/mnt/bwrap" };
      const found = await look(bwrapAvailable, env);
      assertEquals(severities(found), ["error"]);
      assertMatch(found[0]?.message ?? "", /^workers cannot execute \/mnt\/bwrap: .*EACCES/);
      const [untried] = await look(userNamespaces, env);
      assertEquals(untried?.severity, "warning");
      assertMatch(untried?.message ?? "", /^user namespaces could not be tried with .*EACCES/);
      await Deno.chmod("/mnt/bwrap", 0o755);
      assertEquals(severities(await look(bwrapAvailable, env)).includes("error"), false);
      assertEquals(severities(await look(userNamespaces, env))[0], "ok");
    },
  },
  "a container that refuses user namespaces is told from a setting of the kernel": {
    within: under(withoutUserNamespaces()),
    run: async (look) => {
      const found = await look(userNamespaces, ENV);
      assertEquals(severities(found), ["error"]);
      assertMatch(
        found[0]?.message ?? "",
        /^bwrap gets no user namespace: .*No permissions to crea/,
      );
      const [hole] = await look(bwrapAvailable, ENV);
      assertEquals(hole?.severity, "warning");
      assertMatch(
        hole?.message ?? "",
        /CVE-2026-87766.* could not be tried: it ended with code 1 /,
      );
    },
  },
  "without Landlock the host's abstract sockets are reached, and that is a warning": {
    within: under(answering(LANDLOCK_CREATE_RULESET, ENOSYS)),
    run: async (look) => {
      const [found, ...more] = await look(abstractSockets, ENV);
      assertEquals([found?.severity, more], ["warning", []]);
      assertMatch(
        found?.message ?? "",
        /^a worker reaches abstract unix sockets of the host: the kernel (has no|does not tell of) L/,
      );
    },
  },
  "a server that may not trace workers does not reach those without a network": {
    within: ["/usr/bin/setpriv", "--bounding-set", "-sys_ptrace"],
    run: async (look) => {
      const [found, ...more] = await look(networkNone, { ...ENV, PROCESS_NETWORK: "none" });
      assertEquals([found?.severity, more], ["error", []], JSON.stringify(found));
      assertMatch(
        found?.message ?? "",
        /^(the server does not reach a worker with network: none|no worker .* started): .*(denied|EACC)/,
      );
    },
  },
  "a worker that keeps the network in spite of all is an error": {
    within: OWN_NETWORK,
    run: async (look) => {
      await using folder = await tempFolder();
      // Takes the option away that takes the network away.
      const path = await folder.write(
        "bwrap",
        '#!/bin/sh\n[ "$1" = --args ] || exec /usr/bin/bwrap "$@"\nfd=$2; shift 2\n' +
          `exec /usr/bin/perl -e '` +
          "my $fd = shift; open my $in, q(<&=), $fd or die; local $/; " +
          "my @options = grep { $_ ne q(--unshare-net) } split /\\0/, <$in>; " +
          'exec q(/usr/bin/bwrap), @options, @ARGV\' "$fd" "$@"\n',
      );
      await Deno.chmod(path, 0o755);
      const { code } = await new Deno.Command("ip", {
        args: ["link", "add", "test0", "type", "veth", "peer", "name", "test1"],
      }).output();
      assertEquals(code, 0);
      const env = { ...ENV, PROCESS_NETWORK: "none", PROCESS_BWRAP_PATH: path };
      const [found, ...more] = await look(networkNone, env);
      assertEquals([found?.severity, more], ["error", []]);
      assertEquals(
        found?.message,
        "a worker with network: none has test1, test0, want loopback alone",
      );
    },
  },
}, { url: import.meta.url, needs: needs({ root: true, files: [...FILES, "/usr/bin/perl"] }) });
