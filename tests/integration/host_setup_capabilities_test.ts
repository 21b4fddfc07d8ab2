/** A server that has the capabilities of its unit, and not one more or less. */
import { selfCommand } from "#src/self_command.ts";
import { AppClient } from "#tests/e2e/support/app_client.ts";
import { type ServeOptions, ServeProcess } from "#tests/e2e/support/server.ts";
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { processesOfUids, processStatus } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { REDIS_PROGRAMS, RedisServer } from "#tests/support/redis_server.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { settingsOf, unitText } from "#tests/support/unit_text.ts";

const PROGRAMS = ["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/perl", "/usr/bin/setpriv"];
const options = needs({ root: true, files: PROGRAMS });
const withRedis = needs({ root: true, files: [...PROGRAMS, ...REDIS_PROGRAMS] });
const withNft = needs({ root: true, files: [...PROGRAMS, "/usr/sbin/nft"] });
/** A user that is neither root nor a worker. */
const STRANGER = 54321;

/** The capabilities that the unit names. */
function named(config: Record<string, unknown> = {}): string[] {
  return settingsOf(unitText({ config }))["Service.CapabilityBoundingSet"]?.join(" ").split(" ") ??
    [];
}

/** What starts a program with these capabilities alone, setpriv(1). */
function limitedTo(capabilities: readonly string[]): string[] {
  const added = capabilities.map((name) => `,+${name.replace("CAP_", "").toLowerCase()}`).join("");
  return ["setpriv", "--no-new-privs", "--bounding-set", `-all${added}`, "--inh-caps", "-all"];
}

/** Starts a server from the sources with these capabilities, and without new ones ever after. */
function startWith(
  capabilities: readonly string[],
  { folder, env = {}, ...rest }: ServeOptions & { folder: TempFolder },
): Promise<ServeProcess> {
  const self = selfCommand([]);
  const [entry = "", ...flags] = self.args.toReversed();
  return ServeProcess.start(folder, {
    ...rest,
    prefix: [...limitedTo(capabilities), self.program, ...flags.toReversed()],
    executable: entry,
    env: { ...self.env, ...env },
  });
}

/** An app without R, which only the group of the workers can read. */
async function privateApp(folder: TempFolder): Promise<NonNullable<ServeOptions["apps"]>> {
  const path = await folder.folder("private");
  await Deno.copyFile(
    new URL("../e2e/apps/plain/serve.pl", import.meta.url),
    `${path}/serve.pl`,
  );
  return { plain: { path, cmd: ["perl", "/app/serve.pl", "{host}", "{port}"] } };
}

/** Only now is the group known: each server of these tests has one of its own. */
async function closeApp(folder: TempFolder, { ranges }: ServeProcess): Promise<void> {
  for (const name of ["private/serve.pl", "private"]) {
    await Deno.chown(`${folder.path}/${name}`, STRANGER, ranges.gid);
    await Deno.chmod(`${folder.path}/${name}`, 0o750);
  }
}

Deno.test("a server with the capabilities of its unit does all its work", options, async () => {
  await using folder = await tempFolder();
  await using server = await startWith(named(), {
    folder,
    apps: await privateApp(folder),
    proxy: { health_interval: "100ms" },
  });
  await closeApp(folder, server);
  assertEquals(processStatus(server.pid).CapBnd, mask(named()));
  // What was said before is about the host.
  const before = server.records.length;
  assertStringIncludes(await new AppClient(server.url, "plain").text(), "GET / HTTP/1.1");

  // Some health checks later, nothing was found wrong with the worker.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const since = server.records.slice(before);
  assertEquals(since.filter(({ level }) => level === "warn" || level === "error"), []);
  server.kill("SIGTERM");
  assertEquals((await server.ended()).code, 0);
  assertEquals(processesOfUids(server.ranges.uids), []);
});

for (const capability of ["CAP_SETUID", "CAP_SETGID", "CAP_KILL"]) {
  Deno.test(`without ${capability} a server does not start`, options, async () => {
    await using folder = await tempFolder();
    const others = named().filter((name) => name !== capability);
    await assertRejects(() => startWith(others, { folder }), Error, "EPERM");
  });
}

Deno.test(
  "without CAP_DAC_READ_SEARCH an app of its group alone is not served",
  options,
  async () => {
    await using folder = await tempFolder();
    const others = named().filter((name) => name !== "CAP_DAC_READ_SEARCH");
    await using server = await startWith(others, { folder, apps: await privateApp(folder) });
    await closeApp(folder, server);
    const answer = await new AppClient(server.url, "plain").fetch();
    assertEquals(answer.status, 502);
    assertStringIncludes(await answer.text(), "Permission denied");
  },
);

/** The same app on a unix socket. */
async function appWithoutNetwork(folder: TempFolder): Promise<NonNullable<ServeOptions["apps"]>> {
  const { plain } = await privateApp(folder);
  const cmd = ["perl", "/app/serve.pl", "{socket}"];
  return { plain: { ...plain, network: "none", cmd } };
}

Deno.test(
  "a worker without a network is reached with the capabilities named for it",
  options,
  async () => {
    await using folder = await tempFolder();
    const apps = await appWithoutNetwork(folder);
    await using server = await startWith(named({ apps }), { folder, apps });
    await closeApp(folder, server);
    assertEquals(processStatus(server.pid).CapBnd, mask(named({ apps })));
    assertStringIncludes(await new AppClient(server.url, "plain").text(), "GET / HTTP/1.1");
  },
);

for (
  const [capability, reason] of [
    ["CAP_SYS_PTRACE", /openat\(.*\/run\/blockyard\) failed: EACCES/],
    ["CAP_DAC_OVERRIDE", /did not answer/],
  ] as const
) {
  Deno.test(`without ${capability} it is not`, options, async () => {
    await using folder = await tempFolder();
    const apps = await appWithoutNetwork(folder);
    const others = named({ apps }).filter((name) => name !== capability);
    const proxy = { worker_start_timeout: "2s" };
    await using server = await startWith(others, { folder, apps, proxy });
    await closeApp(folder, server);
    const answer = await new AppClient(server.url, "plain").fetch();
    assertEquals(answer.ok, false);
    assertMatch(await answer.text(), reason);
  });
}

Deno.test("a store at a socket of another user takes CAP_DAC_OVERRIDE", withRedis, async () => {
  await using redis = await RedisServer.start();
  await Deno.chown(redis.socketPath, STRANGER, STRANGER);
  await Deno.chmod(redis.socketPath, 0o770);
  const url = `redis+unix://${redis.socketPath}`;
  const capabilities = named({ redis: { url } });
  await using folder = await tempFolder();
  const parts = { folder, env: { BLOCKYARD_REDIS_URL: url } };
  {
    await using server = await startWith(capabilities, parts);
    await server.record("slots are open", { fields: { store: "redis" } });
  }
  const others = capabilities.filter((name) => name !== "CAP_DAC_OVERRIDE");
  await assertRejects(() => startWith(others, parts), Error, "redis");
});

Deno.test("a managed firewall takes CAP_NET_ADMIN", withNft, async () => {
  const capabilities = named({ firewall: { mode: "managed" } });
  await using folder = await tempFolder();
  const parts = { folder, env: { BLOCKYARD_FIREWALL_MODE: "managed" } };
  {
    await using server = await startWith(capabilities, parts);
    await server.record("firewall rules are set");
    server.kill("SIGTERM");
    assertEquals((await server.ended()).code, 0);
    await server.record("firewall rules are removed");
  }
  const others = capabilities.filter((name) => name !== "CAP_NET_ADMIN");
  await assertRejects(() => startWith(others, parts), Error, "CAP_NET_ADMIN");
});

Deno.test("a port below 1024 takes CAP_NET_BIND_SERVICE", options, async () => {
  const capabilities = named({ server: { bind: "127.0.0.1:999" } });
  const listen = 'use IO::Socket::INET; IO::Socket::INET->new(LocalAddr => "127.0.0.1", ' +
    "LocalPort => 999, Listen => 1) or exit 1";
  const codeWith = async (names: readonly string[]) => {
    const [program = "", ...args] = [...limitedTo(names), "perl", "-e", listen];
    return (await new Deno.Command(program, { args }).output()).code;
  };
  assertEquals(await codeWith(capabilities), 0);
  assertEquals(await codeWith(named()), 1);
});

/** As /proc shows a set of capabilities, capabilities(7); only those that units here name. */
function mask(names: readonly string[]): string {
  const numbers: Record<string, bigint> = {
    CAP_DAC_OVERRIDE: 1n,
    CAP_DAC_READ_SEARCH: 2n,
    CAP_KILL: 5n,
    CAP_SETGID: 6n,
    CAP_SETUID: 7n,
    CAP_NET_BIND_SERVICE: 10n,
    CAP_SYS_PTRACE: 19n,
  };
  const bits = names.reduce((sum, name) => sum | 1n << (numbers[name] ?? 63n), 0n);
  return bits.toString(16).padStart(16, "0");
}
