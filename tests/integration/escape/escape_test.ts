/**
 * What a hostile app can do, tried from inside: two programs make some hundreds of attempts in real
 * sandboxes, of a server that is root and of one that is not, and what came of each is held against
 * the table beside this file. What they try, and as what, is in `probe/`.
 */
import { assert, assertEquals, assertGreater } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { setRules } from "./support/firewall.ts";
import type { HostAnswer, HostJob, Network } from "./support/host_job.ts";
import { HostNetwork } from "./support/network.ts";
import { withUnsupported } from "./support/outcome.ts";
import { makePlace, type Place, PLACE_PROGRAMS } from "./support/place.ts";
import { compilePrograms, COMPILER } from "./support/programs.ts";
import { copyServer } from "./support/server_copy.ts";
import { COLUMNS, differences, parseTable } from "./support/table.ts";

const PROGRAMS = ["bwrap", "R", "nsenter", "setpriv", "unshare"].map((name) => `/usr/bin/${name}`);
const options = needs({
  root: true,
  files: [...PROGRAMS, COMPILER, ...PLACE_PROGRAMS, "/usr/sbin/ip", "/usr/sbin/nft"],
});

const TABLE = Deno.readTextFileSync(new URL("table.md", import.meta.url));
const NETWORKS: readonly Network[] = ["host", "none"];

/** Uids that no other test has: the server's that is not root, and its workers' that is. */
const USER = 1_970_000_000 + (Deno.pid % 400) * 1000;
const UIDS = [USER + 1, USER + 9] as const;

/** A server and what runs it. */
interface Server {
  readonly uid: number;
  readonly place: Place;
  /** Runs the server's part, whose argument follows. */
  readonly command: readonly string[];
  readonly programs: string;
  readonly network: HostNetwork;
}

/** Runs the server's part as who it is to be, started by somebody careless. */
async function tryAll(
  { uid, place, command, programs, network }: Server,
): Promise<HostAnswer> {
  const { path, targets } = place;
  const keyring = `escape-${crypto.randomUUID()}`;
  const key = `${keyring}-key`;
  const job: HostJob = {
    path,
    targets: { ...targets, keyring_name: keyring, key_name: key },
    uids: UIDS,
    networks: NETWORKS,
    withoutSandbox: uid !== 0,
  };
  const asWho = uid === 0
    ? []
    : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"];
  const { code, stdout, stderr } = await network.host.run([
    ...asWho,
    ...["env", "-i", "PATH=/usr/bin:/bin", `HOME=${path}/home`, "NO_COLOR=1"],
    ...[`${programs}/supervisor`, `${path}/private`, keyring, key, targets.secret ?? ""],
    ...command,
    JSON.stringify(job),
  ]);
  assertEquals([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

Deno.test("every attempt to break out ends as the table says", options, async () => {
  await using folder = await tempFolder();
  const [programs, command] = await Promise.all([compilePrograms(folder), copyServer(folder)]);
  const secret = `escape-secret-${crypto.randomUUID()}`;
  await using network = await HostNetwork.create(`${programs}/victim`);
  await setRules(network, { uids: UIDS, folder });
  const server = async (uid: number): Promise<HostAnswer> => {
    const place = await makePlace(folder, { uid, programs, secret });
    return await tryAll({ uid, place, command, programs, network });
  };
  const [root, user] = await Promise.all([server(0), server(USER)]);

  const outside = user.outside ?? [];
  const found = Object.fromEntries([
    ["no sandbox", withUnsupported(outside, outside)],
    ...NETWORKS.map((it) => [`root, ${it}`, withUnsupported(root[it] ?? [], outside)]),
    ...NETWORKS.map((it) => [`user, ${it}`, withUnsupported(user[it] ?? [], outside)]),
  ]);
  const wrong = differences(parseTable(TABLE), found);
  assert(wrong.length === 0, `the table is not as it is:\n${wrong.join("\n")}`);
});

Deno.test(
  "a cell that changes, and an attempt that is new or gone, are told apart",
  needs(),
  () => {
    const cells = "| open | closed | closed | closed | unsupported |";
    const rows = parseTable(`## G\n\n| \`same\` | w ${cells} |\n| \`gone\` | w ${cells} |\n`);
    const outcome = (name: string, verdict: string) => ({
      group: "G",
      name,
      verdict,
      evidence: "e",
    });
    const found = [outcome("same", "closed"), outcome("new", "closed")];
    assertEquals(differences(rows, { "root, host": found }), [
      "G/new: root, host: closed (e), the table has no such row",
      "G/gone: root, host: it was not tried",
    ]);
    assertEquals(differences(rows.slice(0, 1), { "user, none": [outcome("same", "open")] }), [
      "G/same: user, none: open (e), the table says unsupported",
    ]);
  },
);

Deno.test("the table argues for every way that it leaves open", options, () => {
  const rows = parseTable(TABLE);
  assertGreater(rows.length, 79);
  const sandboxed = COLUMNS.filter((column) => column !== "no sandbox");
  for (const { name, what, cells, why } of rows) {
    const verdicts = Object.values(cells);
    assertEquals(verdicts.filter((it) => !/^(?:open|closed|unsupported)$/.test(it)), [], name);
    assertEquals(what === "", false, `${name} has no description`);
    const isOpen = sandboxed.some((column) => cells[column] === "open");
    assertEquals(isOpen && why === "", false, `${name} is open and has no reason`);
  }
});
