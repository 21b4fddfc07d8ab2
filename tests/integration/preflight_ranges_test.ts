/** The checks of ports and open files, on the real kernel, each in surroundings of its own. */
import { openLibc, setgroups, setresgid, setresuid } from "#ffi/mod.ts";
import { loadConfig } from "#src/config/mod.ts";
import { fdLimit } from "#src/preflight/fd_limit.ts";
import { fdNeed } from "#src/preflight/fd_need.ts";
import { portRange } from "#src/preflight/port_range.ts";
import { uidRange } from "#src/preflight/uid_range.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import {
  type Case,
  fix,
  OWN_NETWORK,
  ports,
  severities,
  shell,
  testCases,
  UIDS,
  uids,
} from "#tests/support/preflight_cases.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({
  root: true,
  files: [
    "/usr/bin/bwrap",
    "/usr/bin/unshare",
    "/usr/bin/setpriv",
    "/usr/sbin/sysctl",
    "/usr/bin/prlimit",
    "/usr/bin/perl",
  ],
});

const WORKERS = { PROXY_MAX_WORKERS: "100" };
const NEED = fdNeed(loadConfig({
  isRoot: true,
  readFile: () => "",
  env: { BLOCKYARD_PROXY_MAX_WORKERS: "100" },
})).workers;

const CASES: Readonly<Record<string, Case>> = {
  "ports of connections are workers' once the command has reserved them, and nothing else is lost":
    {
      within: OWN_NETWORK,
      async run(look) {
        await shell("sysctl -w net.ipv4.ip_local_reserved_ports=8080,40010-40019");
        const env = ports(40000, 40999);
        const [finding] = await look(portRange, env);
        assertStringIncludes(finding?.message ?? "", "990 ports (40000 to 40009, 40020 to 40999)");
        await fix(finding, "warning");
        assertEquals(severities(await look(portRange, env)), ["ok"]);
        // The other way to write it, where there is no sysctl.
        const lower = ports(39000, 39999);
        const findProgram = () => Promise.resolve(undefined);
        const [other] = await look(portRange, lower, { findProgram });
        assert(other?.severity === "warning" && other.fix.text.startsWith("echo "), other?.message);
        await fix(other, "warning");
        assertEquals(severities(await look(portRange, lower)), ["ok"]);
        assertEquals(
          await Deno.readTextFile("/proc/sys/net/ipv4/ip_local_reserved_ports"),
          "8080,39000-40999\n",
        );
      },
    },
  "ports that take privileges are workers' once the command has run": {
    within: OWN_NETWORK,
    async run(look) {
      const env = ports(10000, 10999);
      assertEquals(severities(await look(portRange, env)), ["ok"]);
      await shell("sysctl -w net.ipv4.ip_unprivileged_port_start=10500");
      const [finding, ...more] = await look(portRange, env);
      assertEquals(more, []);
      assertStringIncludes(finding?.message ?? "", "cannot bind 500 ports (10000 to 10499)");
      assertMatch(await errorOfListening(10499), /Permission denied/);
      assertEquals(await errorOfListening(10500), "");
      await fix(finding, "error");
      assertEquals(severities(await look(portRange, env)), ["ok"]);
      assertEquals(await errorOfListening(10499), "");
    },
  },
  "who listens on ports of workers is told, wherever that is in a worker's way": {
    within: OWN_NETWORK,
    async run(look) {
      const env = { ...ports(10000, 10100), ...uids(UIDS, UIDS + 199) };
      const listeners = [
        Deno.listen({ hostname: "127.0.0.1", port: 10001 }),
        Deno.listen({ hostname: "0.0.0.0", port: 10002 }),
        Deno.listen({ hostname: "::", port: 10003 }),
        Deno.listen({ hostname: "::1", port: 10004 }),
        Deno.listen({ hostname: "127.0.0.2", port: 10005 }),
      ];
      try {
        const [told, tooFew] = await look(portRange, env);
        assertEquals([told?.severity, tooFew?.severity], ["warning", "error"]);
        assertStringIncludes(
          told?.message ?? "",
          "3 ports of the workers' are in use by others and will be passed over: 10001 (uid 0), " +
            "10002 (uid 0), 10003 (uid 0)",
        );
        assertStringIncludes(
          told?.severity === "warning" ? told.fix.text : "",
          "such as 11000 to 11100",
        );
        assertMatch(tooFew?.message ?? "", /^98 of the 101 ports from 10000 to 10100 are left/);
      } finally {
        for (const listener of listeners) listener.close();
      }
      assertEquals(severities(await look(portRange, env)), ["ok"]);
      // What a worker of a running server listens on is no stranger's.
      await using _worker = await listenAs(UIDS + 7, 10001);
      assertEquals(severities(await look(portRange, env)), ["ok"]);
      const others = { ...env, ...uids(UIDS + 200, UIDS + 399) };
      const [stranger] = await look(portRange, others);
      assertStringIncludes(stranger?.message ?? "", `10001 (uid ${UIDS + 7})`);
    },
  },
  "a configured service's port is told when the service is on this host, or may be": {
    within: OWN_NETWORK,
    async run(look) {
      const at = async (host: string) =>
        await look(portRange, { ...ports(10000, 10999), REDIS_URL: `redis://${host}:10050/0` });
      assertEquals(severities(await at("192.0.2.7")), ["ok"]);
      await shell("ip addr add 192.0.2.7/32 dev lo");
      const [here] = await at("192.0.2.7");
      assertEquals(here?.severity, "warning");
      assertStringIncludes(here?.message ?? "", "Redis at 192.0.2.7:10050 is one of the workers'");
      const [unknown, ...more] = await at("redis.invalid");
      assertEquals([unknown?.severity, more.length], ["warning", 0]);
      assertStringIncludes(unknown?.message ?? "", "could not be found out: cannot look up");
    },
  },
  "an ordinary user's server has no uids to give, and its ports are told without a guess": {
    within: OWN_NETWORK,
    async run(look) {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port: 10001 });
      using libc = openLibc();
      setgroups(libc, []);
      setresgid(libc, UIDS);
      setresuid(libc, UIDS);
      using _own = Deno.listen({ hostname: "127.0.0.1", port: 10002 });
      const [finding, ...more] = await look(uidRange);
      assertEquals([finding?.severity, more.length], ["info", 0]);
      assertStringIncludes(finding?.message ?? "", `the server's own uid ${UIDS}`);
      const [told] = await look(portRange, ports(10000, 10999));
      assertStringIncludes(
        told?.message ?? "",
        `are in use and will be passed over: 10001 (uid 0), 10002 (uid ${UIDS})`,
      );
    },
  },
  "one open file fewer than workers need is an error, and fewer workers make it ok": {
    within: ["/usr/bin/prlimit", `--nofile=${NEED - 1}:${NEED - 1}`],
    async run(look) {
      const [finding] = await look(fdLimit, WORKERS);
      assert(finding?.severity === "error", JSON.stringify(finding));
      assertStringIncludes(finding.message, `the server may open ${NEED - 1} files, but`);
      assertStringIncludes(finding.fix.text, `LimitNOFILE=${NEED} `);
      const [, fewer = ""] = /proxy\.max_workers to (\d+)$/.exec(finding.fix.text) ?? [];
      assertEquals(severities(await look(fdLimit, { PROXY_MAX_WORKERS: fewer })), ["ok"]);
    },
  },
  "the limit that the advice names is ok": {
    within: ["/usr/bin/prlimit", `--nofile=${NEED}:${NEED}`],
    async run(look) {
      const [finding] = await look(fdLimit, WORKERS);
      assertEquals(finding?.severity, "ok");
      assertStringIncludes(finding?.message ?? "", `the server may open ${NEED} files, and`);
    },
  },
  "a low limit of the whole host is a warning until the command has run": {
    within: ["/usr/bin/unshare", "--mount"],
    async run(look) {
      // The real one is the whole machine's, and stays as it is.
      await using folder = await tempFolder();
      const file = await folder.write("file-max", "600\n");
      await shell(`mount --bind ${file} /proc/sys/fs/file-max`);
      const [finding, ...more] = await look(fdLimit, WORKERS);
      assertEquals(more, []);
      assertStringIncludes(finding?.message ?? "", "may open 600 files together (fs.file-max)");
      await fix(finding, "warning");
      assertEquals(severities(await look(fdLimit, WORKERS)), ["ok"]);
      await shell("umount /proc/sys/fs/file-max");
    },
  },
};

testCases(CASES, { url: import.meta.url, needs: root });

/** Listens until its input ends; says why it cannot. */
const LISTEN = `use Socket; $| = 1; socket(S, PF_INET, SOCK_STREAM, 0) or die;
bind(S, pack_sockaddr_in($ARGV[0], INADDR_LOOPBACK)) && listen(S, 1) or print("$!") && exit;
print "up"; <STDIN>;`;

function listener(uid: number, port: number): Deno.Command {
  const program = ["/usr/bin/perl", "-e", LISTEN, String(port)];
  return new Deno.Command("/usr/bin/setpriv", {
    args: [`--reuid=${uid}`, "--clear-groups", ...program],
    cwd: "/",
    stdin: "piped",
    stdout: "piped",
  });
}

/** Lets a worker's uid listen on a port until this is disposed of. */
async function listenAs(uid: number, port: number): Promise<AsyncDisposable> {
  const child = listener(uid, port).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), "up");
  return {
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}

/** Why a worker cannot listen on a port; empty if it can. */
async function errorOfListening(port: number): Promise<string> {
  const child = listener(UIDS, port).spawn();
  await child.stdin.close();
  const said = await new Response(child.stdout).text();
  await child.status;
  return said === "up" ? "" : said;
}
