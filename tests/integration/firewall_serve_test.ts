/** Servers that set rules of their own, each test in a network namespace of its own. */
import { selfCommand } from "#src/self_command.ts";
import { AppClient } from "#tests/e2e/support/app_client.ts";
import { type OwnRanges, rangesAsEnvironment } from "#tests/e2e/support/ranges.ts";
import { type ServeOptions, ServeProcess } from "#tests/e2e/support/server.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { namespaceCases } from "#tests/support/namespace_cases.ts";
import { needs } from "#tests/support/needs.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";

const options = needs({
  root: true,
  files: ["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/perl", "/usr/sbin/nft", "/usr/sbin/ip"],
});

const MANAGED = { BLOCKYARD_FIREWALL_MODE: "managed" };
const SELF = selfCommand([]);

/** Starts a server from the sources with a firewall of its own. */
function start(
  folder: TempFolder,
  { env = {}, prefix = [], ...rest }: ServeOptions = {},
): Promise<ServeProcess> {
  const [entry = "", ...flags] = SELF.args.toReversed();
  return ServeProcess.start(folder, {
    ...rest,
    prefix: [...prefix, SELF.program, ...flags.toReversed()],
    executable: entry,
    env: { ...SELF.env, ...MANAGED, ...env },
  });
}

/** An app that says what it reaches. */
async function reachApp(folder: TempFolder): Promise<NonNullable<ServeOptions["apps"]>> {
  const path = await folder.folder("reach");
  for (const name of ["app.pl", "reach.pl"]) {
    await Deno.copyFile(
      new URL(`../testdata/firewall/${name}`, import.meta.url),
      `${path}/${name}`,
    );
    await Deno.chmod(`${path}/${name}`, 0o644);
  }
  return { reach: { path, cmd: ["perl", "/app/app.pl", "{host}", "{port}"] } };
}

async function tables(): Promise<string[]> {
  const { code, stdout } = await new Deno.Command("nft", { args: ["list", "tables"] }).output();
  assertEquals(code, 0);
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").toSorted();
}

/** The name that tables of servers with some ranges begin with. */
function prefixOf({ uids }: OwnRanges): string {
  return `table inet blockyard_uids_${uids.start}_${uids.end}_`;
}

async function run(...[program = "", ...args]: readonly string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(program, { args }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""], `${program} ${args.join(" ")}`);
}

/** Listens at a port and answers as `reach.pl` wants it, until it is disposed. */
function answering(hostname: string, port: number): AsyncDisposable {
  const listener = Deno.listen({ hostname, port });
  const done = (async () => {
    for await (const peer of listener) {
      await peer.write(new TextEncoder().encode("hi\n")).catch(() => undefined);
      peer.close();
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      listener.close();
      await done;
    },
  };
}

async function stop(server: ServeProcess): Promise<void> {
  server.kill("SIGTERM");
  assertEquals((await server.ended()).code, 0, server.stderr);
}

namespaceCases(import.meta.url, options, {
  async "a demo without rules is fit where workers on the host's network would reach metadata"() {
    await run("ip", "addr", "add", "169.254.169.254/32", "dev", "lo");
    await using _metadata = answering("169.254.169.254", 80);
    await using folder = await tempFolder();
    const env = {
      BLOCKYARD_FIREWALL_MODE: "off",
      BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data`,
    };
    await using server = await start(folder, { args: ["--demo"], env, preflight: true });
    const page = await new AppClient(server.url, "demo").text();
    assertStringIncludes(page, "blockyard demo");
    assertEquals(await tables(), []);
    await stop(server);
    const refused = start(folder, {
      args: ["--demo"],
      env: { ...env, BLOCKYARD_PROCESS_NETWORK: "host" },
      preflight: true,
    });
    await assertRejects(() => refused, Error, "a worker reaches cloud metadata");
  },

  async "a server that manages the firewall is fit where workers would reach metadata"() {
    await run("ip", "addr", "add", "169.254.169.254/32", "dev", "lo");
    await using _metadata = answering("169.254.169.254", 80);
    await using folder = await tempFolder();
    const apps = await reachApp(folder);
    await using server = await start(folder, { apps, preflight: true });
    const checked = server.records.filter(({ check }) => check === "worker_egress");
    assertEquals(checked.map(({ level }) => level), ["debug"]);
    assertStringIncludes(String(checked[0]?.found), "169.254.169.254:80 (refused)");
    const set = server.records.findIndex(({ msg }) => msg === "firewall rules are set");
    assert(set !== -1 && set < server.records.findIndex(({ msg }) => msg === "preflight"));
    const [table = "", ...more] = await tables();
    assertEquals(more, []);
    assert(table.startsWith(prefixOf(server.ranges)), table);

    const app = new AppClient(server.url, "reach");
    for (const target of ["tcp,169.254.169.254,80", `tcp,127.0.0.1,${new URL(server.url).port}`]) {
      assertEquals(await app.text(`?${target}`), `${target} refused\n`);
    }
    await stop(server);
    assertEquals(await tables(), []);
  },

  async "without the rules, the same worker reaches the same"() {
    await using _other = answering("127.0.0.1", 9002);
    await using folder = await tempFolder();
    const env = { BLOCKYARD_FIREWALL_MODE: "off" };
    await using server = await start(folder, { apps: await reachApp(folder), env });
    const app = new AppClient(server.url, "reach");
    assertEquals(await app.text("?tcp,127.0.0.1,9002"), "tcp,127.0.0.1,9002 answered\n");
    assertEquals(await tables(), []);
    await run("nft", "add", "table", "inet", "other");
    await stop(server);
    assertEquals(await tables(), ["table inet other"]);
  },

  async "servers with the same uids each have rules, until each has stopped"() {
    await using folder = await tempFolder();
    await using first = await start(folder);
    await using folderOfSecond = await tempFolder();
    const shared = rangesAsEnvironment(first.ranges);
    await using second = await start(folderOfSecond, {
      env: { ...shared, BLOCKYARD_FIREWALL_DENY: "192.0.2.9" },
    });
    await using folderOfThird = await tempFolder();
    await using third = await start(folderOfThird);
    const ofFirst = async () =>
      (await tables()).filter((table) => table.startsWith(prefixOf(first.ranges)));
    assertEquals((await ofFirst()).length, 2);
    assertEquals((await tables()).length, 3);
    await stop(first);
    const [left = "", ...more] = await ofFirst();
    assertEquals(more, []);
    const listing = await new Deno.Command("nft", { args: ["list", ...left.split(" ")] }).output();
    assertStringIncludes(new TextDecoder().decode(listing.stdout), "192.0.2.9");
    await stop(second);
    assertEquals(await ofFirst(), []);
    assertEquals((await tables()).length, 1);
    await stop(third);
    assertEquals(await tables(), []);
  },

  async "the rules of a server that was killed stay until the next one starts"() {
    await using folder = await tempFolder();
    const killed = await start(folder);
    killed.kill("SIGKILL");
    await killed.ended();
    await killed[Symbol.asyncDispose]();
    const before = await tables();
    assertEquals(before.length, 1);
    await using next = await start(folder);
    const removed = await next.record("firewall rules of servers that are gone were removed");
    assertEquals(removed.tables, [before[0]?.split(" ").at(-1)]);
    assertEquals((await tables()).length, 1);
    assertEquals((await tables()).filter((table) => before.includes(table)), []);
    await stop(next);
    assertEquals(await tables(), []);
  },

  async "rules outlast a server that is told twice to stop, since its workers may, too"() {
    await using folder = await tempFolder();
    const path = await folder.folder("stubborn");
    await Deno.copyFile(
      new URL("../e2e/apps/plain/serve.pl", import.meta.url),
      `${path}/serve.pl`,
    );
    await Deno.chmod(`${path}/serve.pl`, 0o644);
    const script = "trap '' TERM INT; perl /app/serve.pl {host} {port}";
    const server = await start(folder, {
      apps: { stubborn: { path, cmd: ["sh", "-c", script] } },
    });
    await new AppClient(server.url, "stubborn").text();
    server.kill("SIGTERM");
    await server.record("stopping");
    server.kill("SIGTERM");
    assertEquals((await server.ended()).code, 1, server.stderr);
    await server.record("stopped at once: workers were killed");
    assertEquals((await tables()).length, 1);
    await using next = await start(folder);
    await stop(next);
    assertEquals(await tables(), []);
  },

  async "a server that does not get to serve leaves no rules"() {
    await using folder = await tempFolder();
    const env = { BLOCKYARD_PROCESS_R_PATH: "/nonexistent/R" };
    await assertRejects(() => start(folder, { env }), Error, "cannot find R");
    assertEquals(await tables(), []);
  },

  async "without nft, without root and without CAP_NET_ADMIN there is no server"() {
    await using folder = await tempFolder();
    const bin = await folder.folder("bin");
    for (const name of ["bwrap", "R"]) await Deno.symlink(`/usr/bin/${name}`, `${bin}/${name}`);
    await assertRejects(
      () => start(folder, { env: { PATH: bin } }),
      Error,
      'cannot find nft: \\"nft\\" is no program in PATH, install nftables',
    );
    await assertRejects(
      () => start(folder, { prefix: ["setpriv", "--bounding-set=-net_admin"] }),
      Error,
      "the kernel does not permit it, want root with CAP_NET_ADMIN",
    );
    // The files of root can be read, but nobody is root in there.
    const prefix = ["unshare", "--user"];
    const error = await assertRejects(() => start(folder, { prefix }), Error);
    assertStringIncludes(error.message, "cannot use firewall.mode managed without root");
    assertStringIncludes(error.message, "blockyard firewall show");
    assertEquals(await tables(), []);
  },
});
