/** The check of uids, on the real kernel, each time in surroundings of its own. */
import type { Check, Finding } from "#src/preflight/mod.ts";
import { uidRange } from "#src/preflight/uid_range.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { processStatus } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import {
  type Case,
  ports,
  severities,
  shell,
  testCases,
  UIDS,
  uids,
} from "#tests/support/preflight_cases.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

const root = needs({
  root: true,
  files: ["/usr/bin/bwrap", "/usr/bin/unshare", "/usr/bin/setpriv", "/usr/bin/getent"],
});

/** The maps are written from outside before the answer comes. */
const WAIT_FOR_MAPS = ["/usr/bin/unshare", "--user", "sh", "-c", 'read x; exec "$@"', "sh"];
const ID_MAPS = {
  uid_map: "0 0 1\n70000 1961000000 200\n",
  gid_map: "0 0 1\n70007 1961000000 1\n",
};

const CASES: Readonly<Record<string, Case>> = {
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
      const [finding, ...more] = await look(uidRange, uids(UIDS, UIDS + 999));
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
  "a procfs that hides processes does not say that nobody has the workers' uids": {
    within: [
      "/usr/bin/unshare",
      "--mount",
      "sh",
      "-c",
      "mount -t proc -o hidepid=ptraceable proc /proc && " +
      'exec setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace "$@"',
      "sh",
    ],
    async run(look) {
      const [finding, ...more] = await look(uidRange, uids(UIDS, UIDS + 999));
      assertEquals([finding?.severity, more.length], ["warning", 0]);
      assertMatch(
        finding?.message ?? "",
        /^which uids of workers are in use could not be found out: \/proc does not show the proc/,
      );
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
};

testCases(CASES, { url: import.meta.url, needs: root });

async function canBecome({ uid, gid }: { uid: number; gid: number }): Promise<boolean> {
  const { success } = await new Deno.Command("/usr/bin/setpriv", {
    args: [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "/bin/true"],
    stdin: "null",
  }).output();
  return success;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
