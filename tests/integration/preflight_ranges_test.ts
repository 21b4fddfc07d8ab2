/** The checks of ports, uids and open files, on the real kernel, each in surroundings of its own. */
import { openLibc, setgroups, setresgid, setresuid } from "#ffi/mod.ts";
import { loadConfig } from "#src/config/mod.ts";
import { fdLimit } from "#src/preflight/fd_limit.ts";
import { fdNeed } from "#src/preflight/fd_need.ts";
import type { Check, Finding } from "#src/preflight/mod.ts";
import { portRange } from "#src/preflight/port_range.ts";
import { uidRange } from "#src/preflight/uid_range.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { processStatus } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import {
  type Case,
  type Env,
  fix,
  OWN_NETWORK,
  severities,
  shell,
  testCases,
  UIDS,
} from "#tests/support/preflight_cases.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

const root = needs({
  root: true,
  files: [
    "/usr/bin/bwrap",
    "/usr/bin/unshare",
    "/usr/bin/setpriv",
    "/usr/sbin/sysctl",
    "/usr/bin/getent",
    "/usr/bin/prlimit",
    "/usr/bin/perl",
  ],
});

/** The maps are written from outside before the answer comes. */
const WAIT_FOR_MAPS = ["/usr/bin/unshare", "--user", "sh", "-c", 'read x; exec "$@"', "sh"];
const ID_MAPS = {
  uid_map: "0 0 1\n70000 1961000000 200\n",
  gid_map: "0 0 1\n70007 1961000000 1\n",
};

function ports(start: number, end: number): Env {
  return {
    PROCESS_PORT_RANGE_START: String(start),
    PROCESS_PORT_RANGE_END: String(end),
    PROXY_MAX_WORKERS: "100",
  };
}

function uids(start: number, end: number): Env {
  return {
    PROCESS_WORKER_UID_RANGE_START: String(start),
    PROCESS_WORKER_UID_RANGE_END: String(end),
    PROCESS_WORKER_GID: String(UIDS),
  };
}

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
  "a user namespace with few uids cannot give others, and those that it has are ok": {
    within: WAIT_FOR_MAPS,
    idMaps: ID_MAPS,
    async run(look) {
      const [unmapped, gid, ...more] = await look(uidRange, { PROXY_MAX_WORKERS: "100" });
      assertEquals(more, []);
      assertEquals([unmapped?.severity, gid?.severity], ["error", "error"]);
      assertStringIncludes(unmapped?.message ?? "", "1000 uids of the workers' (1900000000 to");
      assert(unmapped?.severity === "error" && gid?.severity === "error");
      assertStringIncludes(unmapped.fix.text, ", such as 70000 to 70099");
      assertEquals(gid.fix, { kind: "setting", text: "process.worker_gid: 70007" });
      assertEquals(await canBecome({ uid: 1_900_000_000, gid: 70007 }), false);
      assertEquals(await canBecome({ uid: 70000, gid: 70007 }), true);
      const env = { ...ports(10000, 10099), ...uids(70000, 70099), PROCESS_WORKER_GID: "70007" };
      assertEquals(severities(await look(uidRange, env)), ["ok"]);
    },
  },
  "a server that lacks the capabilities for it cannot give ids": {
    within: ["/usr/bin/setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid"],
    async run(look) {
      const [finding, ...more] = await look(uidRange);
      assertEquals([finding?.severity, more.length], ["error", 0]);
      assertMatch(finding?.message ?? "", /the server runs without CAP_SETGID and CAP_SETUID$/);
      assertEquals(await canBecome({ uid: UIDS, gid: UIDS }), false);
    },
  },
  "a user namespace that a user made alone cannot run workers": {
    within: ["/usr/bin/unshare", "--user", "--map-root-user"],
    async run(look) {
      const found = await look(uidRange);
      assertEquals(severities(found), ["error", "error", "error"]);
      assertStringIncludes(found[2]?.message ?? "", "denies setgroups(2)");
    },
  },
  "users and groups are found in the files, and through the host's name service": {
    within: ["/usr/bin/unshare", "--mount"],
    async run(look) {
      await using folder = await tempFolder();
      const env = uids(UIDS, UIDS + 999);
      assertEquals(severities(await look(uidRange, env)), ["ok"]);
      const passwd = await folder.write("etc/passwd", `ann:x:${UIDS + 600}:${UIDS}::/:/bin/sh\n`);
      const group = await folder.write("etc/group", `crew:x:${UIDS}:bea\n`);
      await folder.write("etc/subuid", `ann:${UIDS + 999}:10\n`);
      const roots = { proc: "/proc", sys: "/sys", etc: `${folder.path}/etc` };
      const found = await look(uidRange, env, { roots });
      assertEquals(severities(found), ["error", "warning", "warning"]);
      assertStringIncludes(found[0]?.message ?? "", `ann (${UIDS + 600})`);
      assertStringIncludes(
        found[1]?.message ?? "",
        "the group crew of this host, with the members bea, ann",
      );
      assertStringIncludes(found[2]?.message ?? "", `in /etc/subuid for ann (${UIDS + 999})`);
      // The name service reads these; the check itself is shown other files.
      await shell(`mount --bind ${passwd} /etc/passwd && mount --bind ${group} /etc/group`);
      await folder.write("other/passwd", "root:x:0:0::/:/bin/sh\n");
      await folder.write("other/group", "root:x:0:\n");
      const elsewhere = { ...roots, etc: `${folder.path}/other` };
      const known = await look(uidRange, env, { roots: elsewhere });
      assertEquals(severities(known), ["error", "warning"]);
      assertStringIncludes(known[0]?.message ?? "", `ann (${UIDS + 600})`);
      assertStringIncludes(
        known[1]?.message ?? "",
        "the group crew of this host, with the members bea",
      );
    },
  },
  "processes under uids of workers are told while they run": {
    // Beside the process that asks, since its own children are trials of its own.
    within: [
      "/bin/sh",
      "-c",
      `setpriv --reuid=${UIDS + 3} --clear-groups sleep 60 & SLEEPER=$! "$@"; code=$?; ` +
      "kill %1 2>/dev/null; exit $code",
      "sh",
    ],
    async run(look) {
      const sleeper = Number(Deno.env.get("SLEEPER"));
      const uid = UIDS + 3;
      await until(() => processStatus(sleeper).Uid?.startsWith(`${uid} `), { what: "no sleeper" });
      const env = { ...ports(10000, 10009), ...uids(UIDS, UIDS + 9) };
      const [finding, ...more] = await look(uidRange, { ...env, PROXY_MAX_WORKERS: "9" });
      assertEquals([finding?.severity, more.length], ["info", 0]);
      assertStringIncludes(finding?.message ?? "", `under 1 uid of the workers' (${uid})`);
      const all = { ...env, PROXY_MAX_WORKERS: "10" };
      assertEquals(severities(await look(uidRange, all)), ["warning"]);
      Deno.kill(sleeper, "SIGKILL");
      await until(() => !exists(`/proc/${sleeper}`), { what: "the sleeper stays" });
      assertEquals(severities(await look(uidRange, all)), ["ok"]);
    },
  },
  "a sandbox that the preflight itself has started is no stranger among the workers' uids": {
    within: [],
    async run(look) {
      let uid = 0;
      const during: Check = {
        ...uidRange,
        async run(host) {
          let found: readonly Finding[] = [];
          await host.sandboxes.run({
            command: ["/usr/bin/sleep", "60"],
            timeoutMs: 60_000,
            whileRunning: async (running) => {
              uid = running.uid;
              found = [await uidRange.run(host)].flat();
              running.end();
            },
          });
          return found;
        },
      };
      assertEquals(severities(await look(during, uids(UIDS, UIDS + 999))), ["ok"]);
      assert(uid >= UIDS && uid <= UIDS + 999, `the sandbox had uid ${uid}`);
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

async function canBecome({ uid, gid }: { uid: number; gid: number }): Promise<boolean> {
  const { success } = await new Deno.Command("/usr/bin/setpriv", {
    args: [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "/bin/true"],
    stdin: "null",
  }).output();
  return success;
}

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

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
