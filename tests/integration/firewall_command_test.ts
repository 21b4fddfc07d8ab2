/** Rules that an administrator sets, each test in a network namespace of its own. */
import { selfCommand } from "#src/self_command.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { namespaceCases } from "#tests/support/namespace_cases.ts";
import { needs } from "#tests/support/needs.ts";
import { OwnGroup } from "#tests/support/own_group.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const options = needs({
  root: true,
  files: ["/usr/bin/bwrap", "/usr/bin/perl", "/usr/bin/setpriv", "/usr/sbin/ip", "/usr/sbin/nft"],
});

const FIRST_UID = 1_960_000_100;
const LAST_UID = 1_960_000_199;
const TABLE = `blockyard_uids_${FIRST_UID}_${LAST_UID}`;
const ENV = {
  BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(FIRST_UID),
  BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(LAST_UID),
  BLOCKYARD_FIREWALL_DENY: "192.0.2.0/24,198.51.100.7:443",
  BLOCKYARD_REDIS_URL: "redis://u:s3cret@192.0.3.1",
};

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  command: readonly string[],
  { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => undefined);
  await writer.close().catch(() => undefined);
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Runs `blockyard firewall`; `within` is a command that executes what its last arguments say. */
function firewall(
  action: string,
  { within = [], env = {} }: { within?: readonly string[]; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const self = selfCommand(["firewall", action]);
  return run([...within, self.program, ...self.args], { env: { ...self.env, ...ENV, ...env } });
}

async function tables(): Promise<string[]> {
  const { stdout } = await run(["nft", "list", "tables"]);
  return stdout.split("\n").filter((line) => line !== "").toSorted();
}

/** Says what a process reaches that `within` makes out of its last arguments. */
async function reach(target: string, within: readonly string[]): Promise<string> {
  const script = new URL("../testdata/firewall/reach.pl", import.meta.url).pathname;
  const { code, stdout, stderr } = await run([...within, "perl", script, target]);
  assertEquals([code, stderr], [0, ""]);
  return stdout.trim().split(" ").slice(1).join(" ");
}

const asUid = (uid: number) => ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];

/** Listens at a port of loopback; whoever connects is answered by the kernel alone. */
function listening(): Deno.TcpListener {
  return Deno.listen({ hostname: "127.0.0.1", port: 0 });
}

namespaceCases(import.meta.url, options, {
  async "show prints what apply sets, and remove removes it"() {
    const shown = await firewall("show");
    assertEquals([shown.code, shown.stderr], [0, ""]);
    assertStringIncludes(shown.stdout, `meta skuid ${FIRST_UID}-${LAST_UID} goto workers`);
    assertStringIncludes(shown.stdout, "192.0.3.1");
    assertEquals(shown.stdout.includes("s3cret"), false);
    assertEquals(shown.stdout.split("\n").filter((line) => line.length > 200), []);
    assertEquals(await run(["nft", "-c", "-f", "-"], { input: shown.stdout }), {
      code: 0,
      stdout: "",
      stderr: "",
    });
    assertEquals(await tables(), []);

    for (let times = 0; times < 2; times++) {
      const applied = await firewall("apply");
      assertEquals(applied, { code: 0, stdout: `set table inet ${TABLE}\n`, stderr: "" });
    }
    const { stdout: set } = await run(["nft", "list", "table", "inet", TABLE]);
    await run(["nft", "-f", "-"], { input: shown.stdout });
    assertEquals((await run(["nft", "list", "table", "inet", TABLE])).stdout, set);
    using listener = listening();
    const target = `tcp,127.0.0.1,${listener.addr.port}`;
    assertEquals(await reach(target, asUid(FIRST_UID)), "refused");

    await run(["nft", "add", "table", "inet", "blockyard_uids_1_2"]);
    const removed = await firewall("remove");
    assertEquals(removed, { code: 0, stdout: `removed table inet ${TABLE}\n`, stderr: "" });
    assertEquals(await tables(), ["table inet blockyard_uids_1_2"]);
    assertEquals(await firewall("remove"), { code: 0, stdout: "", stderr: "" });
  },

  async "rules of a server that runs are not removed by hand, those of a dead one are"() {
    const owned = (name: string, owner: string) =>
      `table inet ${TABLE}_${name} { chain c { accept comment "blockyard serve, ${owner}"; }; }\n`;
    const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim();
    const scope = `${boot}:${/\d+/.exec(await Deno.readLink("/proc/self/ns/pid"))}`;
    const ticks = (await Deno.readTextFile("/proc/self/stat")).split(") ").at(-1)?.split(" ")[19];
    const input = owned("00000001", `process ${Deno.pid} of ${scope}:${ticks}`) +
      owned("00000002", `process ${Deno.pid} of ${scope}:${Number(ticks) - 1}`);
    assertEquals((await run(["nft", "-f", "-"], { input })).stderr, "");
    const { code, stdout, stderr } = await firewall("remove");
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, `${TABLE}_00000001 of process ${Deno.pid}`);
    assertEquals(await tables(), [`table inet ${TABLE}_00000001`]);
  },

  async "without root, without nft or with a wrong word nothing is set"() {
    const user = ["unshare", "--user"];
    for (const action of ["apply", "remove"]) {
      const { code, stderr } = await firewall(action, { within: user });
      assertEquals(code, 1);
      assertMatch(stderr, /^blockyard: cannot \w+ firewall rules without root: .* show" prints/);
    }
    const lacking = await firewall("apply", { env: { PATH: "/nonexistent" } });
    assertEquals(lacking.code, 1);
    assertStringIncludes(lacking.stderr, "blockyard: cannot find nft");
    const powerless = ["setpriv", "--bounding-set=-net_admin"];
    const refused = await firewall("apply", { within: powerless });
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "want root with CAP_NET_ADMIN");
    const unknown = await firewall("aply");
    assertEquals(unknown.code, 2);
    assertStringIncludes(unknown.stderr, 'unknown action "aply": want "apply"');
    const unnamed = await firewall("show", { env: { BLOCKYARD_FIREWALL_DENY: "a.invalid:1" } });
    assertEquals([unnamed.code, unnamed.stdout], [1, ""]);
    assertStringIncludes(unnamed.stderr, "cannot look up a.invalid of firewall.deny");
    assertEquals(await tables(), []);
  },

  async "preflight says what a managed firewall will do, and whether it can"() {
    await run(["ip", "addr", "add", "169.254.169.254/32", "dev", "lo"]);
    using _metadata = Deno.listen({ hostname: "169.254.169.254", port: 80 });
    await using folder = await tempFolder();
    await Deno.symlink("/usr/bin/bwrap", `${folder.path}/bwrap`);
    const check = async (env: Record<string, string> = {}) => {
      const self = selfCommand(["preflight", "--json", "--only", "worker_egress"]);
      const { code, stdout, stderr } = await run([self.program, ...self.args], {
        env: {
          ...{ ...self.env, ...ENV, BLOCKYARD_REDIS_URL: "", BLOCKYARD_SERVER_BIND: "127.0.0.1:0" },
          ...{ BLOCKYARD_FIREWALL_MODE: "managed", ...env },
        },
      });
      assertEquals(stderr, "");
      const found = JSON.parse(stdout).results as { severity: string; message: string }[];
      return { code, severities: found.map(({ severity }) => severity), text: stdout };
    };
    const off = await check({ BLOCKYARD_FIREWALL_MODE: "off" });
    assertEquals([off.code, off.severities], [1, ["error", "warning"]]);
    const before = await check();
    assertEquals([before.code, before.severities], [0, ["info", "info"]]);
    assertStringIncludes(before.text, "serve does that before any worker starts");
    assertEquals(await tables(), []);
    const lacking = await check({ PATH: folder.path });
    assertEquals([lacking.code, lacking.severities], [1, ["error", "error", "warning"]]);
    assertStringIncludes(lacking.text, "serve will not start");
    assertEquals((await firewall("apply")).code, 0);
    const after = await check();
    assertEquals([after.code, after.severities], [0, ["ok"]]);
  },

  async "an ordinary user is shown rules for the cgroup of the workers"() {
    await using group = new OwnGroup();
    const name = group.path.split("/").at(-1);
    // Where nft looks for groups, for these processes alone.
    const inside = (folder: string) => [
      ...["unshare", "--mount", "sh", "-c"],
      `mount -t cgroup2 none /sys/fs/cgroup && echo $$ > ${folder}/cgroup.procs && exec "$@"`,
      "sh",
    ];
    const place = `/sys/fs/cgroup/${name}`;
    const env = { BLOCKYARD_SERVER_DATA_DIR: "/nonexistent" };
    const shown = await firewall("show", { within: [...inside(place), "unshare", "--user"], env });
    assertEquals([shown.code, shown.stderr], [0, ""]);
    assertStringIncludes(shown.stdout, `socket cgroupv2 level 2 "${name}/workers" goto workers`);
    assertStringIncludes(shown.stdout, "after the server was started");

    assertEquals(group.list(), ["workers"]);
    const worker = group.make("workers/one");
    const set = await run([...inside("/sys/fs/cgroup"), "nft", "-f", "-"], { input: shown.stdout });
    assertEquals([set.code, set.stderr], [0, ""]);
    using listener = listening();
    const target = `tcp,127.0.0.1,${listener.addr.port}`;
    const inWorker = inside(
      `/sys/fs/cgroup/${worker.slice(group.path.length - (name ?? "").length)}`,
    );
    assertEquals(await reach(target, [...inWorker, ...asUid(54_321)]), "refused");
    assertEquals(await reach(target, [...inside(place), ...asUid(54_321)]), "timeout");
  },
});
