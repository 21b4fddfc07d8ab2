import type { ServerConfig } from "#src/config/mod.ts";
import { toGid, toUid } from "#src/core/mod.ts";
import { judgeBind } from "#src/preflight/bind_findings.ts";
import { secretsIn } from "#src/preflight/config_secrets.ts";
import { configSecurity } from "#src/preflight/config_security.ts";
import { judgeFolder } from "#src/preflight/data_dir_rights.ts";
import { findOpening, openingText, type Rights } from "#src/preflight/file_rights.ts";
import type { Finding, PreflightHost } from "#src/preflight/mod.ts";
import { judgeTokenFile } from "#src/preflight/token_rights.ts";
import { holdsStrangers, judgeTrustedProxies } from "#src/preflight/trusted_proxies.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { fakeHost } from "./fake_host.ts";
import { configOf } from "./host_files.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

const serverOf = (server: Readonly<Record<string, unknown>>) =>
  configOf({ yaml: JSON.stringify({ server }) }).server;

for (
  const bind of [
    "127.0.0.1:8080",
    "127.8.9.10:1",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]:0",
    "localhost:80",
  ]
) {
  Deno.test(`${bind} is reached from this host alone`, UNIT, async () => {
    assertEquals(await judgeBind(serverOf({ bind })), []);
  });
}

for (const bind of ["0.0.0.0:8080", "[::]:8080", "192.0.2.7:8080", "[2001:db8::1]:8080"]) {
  Deno.test(
    `${bind} is a warning without a proxy, and something to know with one`,
    UNIT,
    async () => {
      const [warned] = await judgeBind(serverOf({ bind }));
      assertEquals(warned, {
        severity: "warning",
        message:
          `server.bind ${bind} takes plain HTTP from the network, and server.trusted_proxies ` +
          "names no proxy that would speak TLS",
        fix: { kind: "setting", text: "server.bind: 127.0.0.1:8080" },
      });
      assertEquals(await judgeBind(withSetting(warned)), []);
      const server = { bind, trusted_proxies: ["192.0.2.0/24"] };
      const [finding, ...more] = await judgeBind(serverOf(server));
      assert(finding?.severity === "info" && finding.fix.kind === "advice");
      assertEquals(more, []);
    },
  );
}

Deno.test("proxies on this host are no reason to take HTTP from the network", UNIT, async () => {
  for (
    const [trusted_proxies, bind] of [
      [["127.0.0.1/32", "::1/128"], "127.0.0.1:8080"],
      [["127.0.0.0/8"], "127.0.0.1:8080"],
      [["::1/128"], '"[::1]:8080"'],
    ] as const
  ) {
    const [finding, ...more] = await judgeBind(serverOf({ bind: "0.0.0.0:8080", trusted_proxies }));
    assertEquals(more, []);
    assertEquals(finding, {
      severity: "warning",
      message: "server.bind 0.0.0.0:8080 takes plain HTTP from the network, and all of " +
        "server.trusted_proxies are on this host",
      fix: { kind: "setting", text: `server.bind: ${bind}` },
    });
    assertEquals(await judgeBind(withSetting(finding)), []);
  }
  const mixed = { bind: "0.0.0.0:8080", trusted_proxies: ["127.0.0.1/32", "10.0.0.7/32"] };
  assertEquals((await judgeBind(serverOf(mixed))).map(({ severity }) => severity), ["info"]);
  const wide = { bind: "0.0.0.0:8080", trusted_proxies: ["126.0.0.0/7"] };
  assertEquals((await judgeBind(serverOf(wide))).map(({ severity }) => severity), ["info"]);
});

/** A configuration that has what a fix sets, read as it stands in a file. */
function withSetting(finding: Finding | undefined): ServerConfig {
  assert(finding !== undefined && finding.severity !== "ok" && finding.fix.kind === "setting");
  const [section, rest] = finding.fix.text.split(/\.(.*)/s);
  return configOf({ yaml: `${section}:\n  ${rest}\n` }).server;
}

Deno.test(
  "a name that cannot be looked up is a warning, not a bind that is fine",
  UNIT,
  async () => {
    const [finding, ...more] = await judgeBind(serverOf({ bind: "nobody.invalid:8080" }));
    assertEquals([finding?.severity, more], ["warning", []]);
    assert(finding?.message.startsWith("who can reach the server could not be found out: "));
  },
);

Deno.test("networks of strangers are told from networks that somebody has", UNIT, () => {
  const strangers = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/7", "::/0", "2000::/3"];
  const mapped = ["::ffff:0:0/96", "::ffff:0.0.0.0/97"];
  const own = ["10.0.0.0/8", "127.0.0.1/32", "2001::/16", "2001:db8::/32", "::1/128"];
  const local = ["fc00::/7", "fd00::/8", "fe80::/10", "::ffff:10.0.0.0/104"];
  // Wider than what is private.
  const around = ["fc00::/6", "fe80::/9", "::/8"];
  for (const network of [...strangers, ...mapped, ...around]) {
    assertEquals(holdsStrangers(network), true, network);
  }
  for (const network of [...own, ...local]) assertEquals(holdsStrangers(network), false, network);
});

Deno.test("proxies that are everybody are a warning, with a setting that helps", UNIT, () => {
  for (
    const [trusted, wide, rest] of [
      [["0.0.0.0/0", "::/0"], "0.0.0.0/0 and ::/0", '["127.0.0.1/32"]'],
      [["10.0.0.0/8", "::/0", "::1/128"], "::/0", '["10.0.0.0/8","::1/128"]'],
    ] as const
  ) {
    const findings = judgeTrustedProxies(trusted);
    assertEquals(findings, [{
      severity: "warning",
      message: `server.trusted_proxies has ${wide}, so that everybody can write the headers that ` +
        "say who a client is",
      fix: { kind: "setting", text: `server.trusted_proxies: ${rest}` },
    }]);
    assertEquals(judgeTrustedProxies(withSetting(findings[0]).trustedProxies), []);
  }
  assertEquals(judgeTrustedProxies([]), []);
});

const KEEPERS = { uid: 1000, unknownUid: undefined };
const CLOSED: Rights = { uid: 0, mode: 0o755, isDirectory: true, isSymlink: false };
const FILE: Rights = { ...CLOSED, mode: 0o644, isDirectory: false };
const LINK: Rights = { ...CLOSED, mode: 0o777, isDirectory: false, isSymlink: true };
const OPEN_STICKY: Rights = { ...CLOSED, mode: 0o1777 };

Deno.test("what others can change is told by owner, mode, and the folder of a link", UNIT, () => {
  const opening = (rights: Rights, folder: Rights = CLOSED) => {
    const found = findOpening(rights, { keepers: KEEPERS, folder });
    return found && openingText(found);
  };
  for (
    const [rights, folder, text] of [
      [CLOSED, CLOSED, undefined],
      [FILE, CLOSED, undefined],
      [{ ...FILE, uid: 1000 }, CLOSED, undefined],
      [{ ...FILE, uid: 1001 }, CLOSED, "belongs to uid 1001"],
      [{ ...FILE, mode: 0o664 }, CLOSED, "is writable by its group"],
      [{ ...FILE, mode: 0o646 }, CLOSED, "is writable by everybody"],
      [
        { ...CLOSED, uid: 7, mode: 0o777 },
        CLOSED,
        "belongs to uid 7 and is writable by everybody",
      ],
      [{ ...CLOSED, mode: 0o2775 }, CLOSED, "is writable by its group"],
      [OPEN_STICKY, CLOSED, undefined],
      [{ ...OPEN_STICKY, uid: 7 }, CLOSED, "belongs to uid 7"],
      // The sticky bit means nothing on a file.
      [{ ...FILE, mode: 0o1666 }, CLOSED, "is writable by everybody"],
      [{ ...FILE, mode: null }, CLOSED, "is writable by everybody"],
      [LINK, OPEN_STICKY, undefined],
      [{ ...LINK, uid: 7 }, CLOSED, undefined],
      [{ ...LINK, uid: 7 }, OPEN_STICKY, "belongs to uid 7"],
    ] as const
  ) assertEquals(opening(rights, folder), text, JSON.stringify([rights, folder]));
});

const FOLDER = { uid: 1000, mode: 0o700, isDirectory: true, isSymlink: false };

Deno.test("a data folder is judged as serve judges it, and by who can read it", UNIT, () => {
  const path = "/srv/the data";
  const judge = (changes: Partial<typeof FOLDER>) => {
    const [finding, ...more] = judgeFolder({ ...FOLDER, ...changes }, { path, keepers: KEEPERS });
    assertEquals(more, []);
    return finding?.severity === undefined || finding.severity === "ok"
      ? undefined
      : [finding.severity, finding.message, finding.fix.text];
  };
  const says = (severity: string, text: string, fix: string) => [
    severity,
    `server.data_dir ${path} ${text}`,
    fix.replaceAll("PATH", "'/srv/the data'"),
  ];
  const elsewhere = "Set server.data_dir to a folder itself, or to one that does not exist yet";
  assertEquals(judge({}), undefined);
  for (
    const [changes, severity, text, fix] of [
      [{ mode: 0o750 }, "warning", "can be read by others", "chmod 0700 PATH"],
      [{ mode: 0o701 }, "warning", "can be read by others", "chmod 0700 PATH"],
      [{ mode: 0o720 }, "error", "can be written to by others", "chmod 0700 PATH"],
      [{ mode: 0o1777 }, "error", "can be written to by others", "chmod 0700 PATH"],
      [{ uid: 0 }, "error", "belongs to uid 0, not to uid 1000", "chown 1000 PATH"],
      [
        { uid: 7, mode: 0o755 },
        "error",
        "belongs to uid 7, not to uid 1000 and can be read by others",
        "chown 1000 PATH && chmod 0700 PATH",
      ],
      [{ isDirectory: false, isSymlink: true }, "error", "is a link", elsewhere],
      [{ isDirectory: false }, "error", "is no folder", elsewhere],
    ] as const
  ) assertEquals(judge(changes), says(severity, text, fix), JSON.stringify(changes));
});

Deno.test("the API's token has to be a file of the server's user, and nobody else's", UNIT, () => {
  const path = "/srv/data/admin-token";
  const file = { ...FOLDER, mode: 0o600, isFile: true, isDirectory: false };
  const judge = (changes: Partial<typeof file>) =>
    judgeTokenFile({ ...file, ...changes }, { path, keepers: KEEPERS }).map((finding) =>
      finding.severity === "ok" ? [] : [finding.severity, finding.message, finding.fix.text]
    ).flat();
  const replace = "Remove it, and put a regular file with mode 0600 there if the token is to stay";
  for (
    const [changes, text, fix] of [
      [{ mode: 0o640 }, "is not its owner's alone", `chmod 0600 ${path}`],
      [{ mode: 0o601 }, "is not its owner's alone", `chmod 0600 ${path}`],
      [{ uid: 0 }, "belongs to uid 0, not to uid 1000", `chown 1000 ${path}`],
      [{ isFile: false, isSymlink: true }, "is a link", replace],
      [{ isFile: false, isDirectory: true }, "is no regular file", replace],
    ] as const
  ) {
    const found = judge(changes);
    assertEquals(found, ["error", `the API's token ${path} ${text}`, fix], JSON.stringify(changes));
  }
  assertEquals([judge({}), judge({ mode: 0o400 })], [[], []]);
});

Deno.test("secrets are found by their kind, and only where they stand in the file", UNIT, () => {
  const redis = "redis://:s3cr't@127.0.0.1:6379/0";
  const database = "postgresql://u@127.0.0.1/db?password=p4ss";
  const env = { REDIS_URL: redis, DATABASE_DRIVER: "postgres", DATABASE_URL: database };
  const none = { REDIS_URL: "redis://user@h", DATABASE_DRIVER: "postgres" };
  const config = configOf({ env });
  assertEquals(secretsIn("redis: {}", config), []);
  assertEquals(secretsIn(`redis:\n  url: ${redis}`, config), ["the password in redis.url"]);
  // As YAML writes an apostrophe between apostrophes.
  assertEquals(secretsIn(`url: '${redis.replace("'", "''")}' # ${database}`, config), [
    "the password in redis.url",
    "the password in database.url",
  ]);
  const bare = configOf({ env: { ...none, DATABASE_URL: "postgresql://u@h/db?sslmode=require" } });
  assertEquals(secretsIn("redis://user@h postgresql://u@h/db?sslmode=require", bare), []);
  const yaml = JSON.stringify({
    apps: {
      a: { path: "/a", env: { KEY: "s3cret" } },
      b: { path: "/b", env: { EMPTY: "" } },
      c: { path: "/c", env: { EMPTY: "", KEY: "x" } },
    },
  });
  assertEquals(secretsIn(yaml, configOf({ yaml })), ["values in apps.a.env and apps.c.env"]);
});

/** A host that shows its files as belonging to others than they do. */
async function hostIn(
  folder: TempFolder,
  { uidMap, overflowUid }: { uidMap: string; overflowUid: string },
): Promise<PreflightHost> {
  await folder.write("proc/self/uid_map", uidMap);
  await folder.write("proc/sys/kernel/overflowuid", `${overflowUid}\n`);
  const uid = toUid(Deno.uid() ?? 0);
  return fakeHost({
    config: configOf({ env: { SERVER_DATA_DIR: `${folder.path}/data` } }),
    configPath: await folder.write("blockyard.yaml", ""),
    identity: { uid, gid: toGid(Deno.gid() ?? 0), groups: [], isRoot: uid === 0 },
    roots: { proc: `${folder.path}/proc`, etc: "/etc", sys: "/sys" },
  });
}

Deno.test(
  "owners whom a user namespace does not know are a warning, and no strangers",
  UNIT,
  async () => {
    await using folder = await tempFolder();
    // As if the kernel showed the owner of the root folder for all whom it does not know.
    const overflowUid = String((await Deno.lstat("/")).uid);
    const host = await hostIn(folder, { uidMap: "4711 4711 1\n", overflowUid });
    const [finding, ...more] = [await configSecurity.run(host)].flat();
    assert(finding?.severity === "warning" && finding.fix.kind === "advice");
    assertEquals(more, []);
    const expected =
      /^who owns \/ and \d+ more .* could not be found out, because this user namespace/;
    assert(expected.test(finding.message), finding.message);
  },
);

Deno.test("a kernel that does not say whose files it shows is a warning", UNIT, async () => {
  await using folder = await tempFolder();
  for (const [uidMap, overflowUid] of [["what?\n", "65534"], ["0 0 1\n", "many"]] as const) {
    const host = await hostIn(folder, { uidMap, overflowUid });
    const [finding, ...more] = [await configSecurity.run(host)].flat();
    assertEquals([finding?.severity, more], ["warning", []]);
    const start = "who owns what the server relies on could not be found out: cannot parse ";
    assertEquals(finding?.message.slice(0, start.length), start);
  }
});
