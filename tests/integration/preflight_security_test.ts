/** Files that others can change or read, and the commands that close them, really run. */
import { loadConfig } from "#src/config/mod.ts";
import { toGid, toUid } from "#src/core/mod.ts";
import { configSecurity } from "#src/preflight/config_security.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { brief, isMended, OK, scene, STRANGER } from "#tests/support/security_scene.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap"] });
const acl = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/perl"] });

/**
 * Lets a user read and write a file, by setxattr(2) and its number here: an access control list as the
 * kernel's posix_acl_xattr.h lays it out, of owner, user, group, mask and others.
 */
const GRANT = `my ($call, $path, $uid) = @ARGV;
  my $list = pack "V" . "vvV" x 5, 2, 1, 6, -1, 2, 6, $uid, 4, 4, -1, 16, 6, -1, 32, 4, -1;
  my $name = "system.posix_acl_access";
  exit(syscall($call + 0, $path, $name, $list, length $list, 0) == 0 ? 0 : die $!);`;

const CONFIG = "others can change the server's configuration";

Deno.test("a configuration that only root can change is fine, also in /tmp", root, async () => {
  await using folder = await tempFolder();
  assertEquals(await (await scene(folder))(), OK);
});

for (const [mode, who] of [[0o664, "its group"], [0o602, "everybody"]] as const) {
  Deno.test(
    `a configuration file that ${who} can write to is closed by its command`,
    root,
    async () => {
      await using folder = await tempFolder();
      // A path that is read by the shell in more than one way when it is not quoted.
      const odd = await folder.folder("it's $HOME & `id` *");
      const configPath = `${odd}/blockyard.yaml`;
      const look = await scene(folder, { configPath });
      await Deno.chmod(configPath, mode);
      await isMended(look, {
        found: `error: ${configPath} is writable by ${who}: ${CONFIG}`,
        run: `chmod go-w '${folder.path}/it'\\''s $HOME & \`id\` */blockyard.yaml'`,
      });
    },
  );
}

Deno.test("a stranger's configuration file is given to root", root, async () => {
  await using folder = await tempFolder();
  const look = await scene(folder);
  const path = `${folder.path}/blockyard.yaml`;
  await Deno.chown(path, STRANGER, null);
  await Deno.chmod(path, 0o666);
  await isMended(look, {
    found: `error: ${path} belongs to uid ${STRANGER} and is writable by everybody: ${CONFIG}`,
    run: `chown root ${path} && chmod go-w ${path}`,
  });
});

Deno.test("a folder above the configuration that others can write to is closed", root, async () => {
  await using folder = await tempFolder();
  await folder.folder("open/etc");
  const look = await scene(folder, { configPath: `${folder.path}/open/etc/blockyard.yaml` });
  const open = await folder.folder("open", 0o777);
  await isMended(look, {
    found: `error: ${open} is writable by everybody: ${CONFIG}`,
    run: `chmod go-w ${open}`,
  });
  await Deno.chmod(open, 0o1777);
  assertEquals(await look(), OK);
});

Deno.test(
  "secrets that a group can read are to be known, unless it is the server's",
  root,
  async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/blockyard.yaml`;
    const yaml = { apps: { hello: { path: "/nonexistent", env: { KEY: "s3cret" } } } };
    const look = await scene(folder, { yaml });
    await Deno.chmod(path, 0o640);
    assertEquals(await look(), OK);
    await Deno.chown(path, 0, STRANGER);
    await isMended(look, {
      found: `info: whoever is in the group ${STRANGER} can read ${path}, which holds values in ` +
        "apps.hello.env",
      run: `chmod g-r ${path}`,
    });
    // Who cannot get there cannot read it.
    await Deno.chmod(path, 0o640);
    await Deno.chmod(folder.path, 0o700);
    assertEquals(await look(), OK);
    await Deno.chmod(folder.path, 0o755);
    const groups = [toGid(STRANGER)];
    const identity = { uid: toUid(STRANGER), gid: toGid(4711), groups, isRoot: false };
    const asMember = await scene(folder, { yaml, identity });
    await Deno.chmod(path, 0o640);
    assertEquals(await asMember(), OK);
  },
);

Deno.test(
  "who else may write by an access control list is locked out by the command",
  acl,
  async () => {
    await using folder = await tempFolder();
    const look = await scene(folder);
    const path = `${folder.path}/blockyard.yaml`;
    const { success, stderr } = await new Deno.Command("/usr/bin/perl", {
      args: ["-e", GRANT, Deno.build.arch === "x86_64" ? "188" : "5", path, String(STRANGER)],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    await isMended(look, {
      found: `error: ${path} is writable by its group: ${CONFIG}`,
      run: `chmod go-w ${path}`,
    });
  },
);

Deno.test("secrets in a file that everybody can read are named by their kind", root, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/blockyard.yaml`;
  const yaml = {
    redis: { url: "redis://:s3cret@127.0.0.1:6379" },
    apps: { hello: { path: "/nonexistent", env: { KEY: "s3cret" } } },
  };
  const look = await scene(folder, { yaml });
  assert(!JSON.stringify(await look()).includes("s3cret"));
  await isMended(look, {
    found:
      `warning: everybody can read ${path}, which holds the password in redis.url and values ` +
      "in apps.hello.env",
    run: `chmod o-r ${path}`,
  });
});

Deno.test("secrets that nobody else gets at are no matter", root, async () => {
  await using folder = await tempFolder();
  const url = "redis://:s3cret@127.0.0.1:6379";
  const inEnvironment = await scene(folder, { env: { BLOCKYARD_REDIS_URL: url } });
  assertEquals(await inEnvironment(), OK);
  const closed = await folder.folder("closed", 0o750);
  const configPath = `${closed}/blockyard.yaml`;
  assertEquals(await (await scene(folder, { configPath, yaml: { redis: { url } } }))(), OK);
});

Deno.test("the server's data folder is closed by its command", root, async () => {
  await using folder = await tempFolder();
  const look = await scene(folder);
  const data = await folder.folder("data", 0o700);
  assertEquals(await look(), OK);
  await Deno.chmod(data, 0o750);
  await isMended(look, {
    found: `warning: server.data_dir ${data} can be read by others`,
    run: `chmod 0700 ${data}`,
  });
  await Deno.chmod(data, 0o770);
  await isMended(look, {
    found: `error: server.data_dir ${data} can be written to by others`,
    run: `chmod 0700 ${data}`,
  });
  await Deno.chmod(data, 0o755);
  await Deno.chown(data, STRANGER, null);
  await isMended(look, {
    found:
      `error: server.data_dir ${data} belongs to uid ${STRANGER}, not to uid 0 and can be read ` +
      "by others",
    run: `chown 0 ${data} && chmod 0700 ${data}`,
  });
});

Deno.test("a link or a file in place of the data folder is an error", root, async () => {
  await using folder = await tempFolder();
  const look = await scene(folder);
  const path = `${folder.path}/data`;
  await Deno.symlink(await folder.folder("elsewhere", 0o700), path);
  assertEquals(brief(await look()), [`error: server.data_dir ${path} is a link`]);
  await Deno.remove(path);
  await folder.folder("data", 0o700);
  assertEquals(await look(), OK);
  await Deno.remove(path);
  await folder.write("data", "a file");
  // Nor can anything be said of the token in it.
  const [finding] = await look();
  assertEquals(brief(finding === undefined ? [] : [finding]), [
    `error: server.data_dir ${path} is no folder`,
  ]);
});

Deno.test("a data folder that others could make first is made by the command", root, async () => {
  await using folder = await tempFolder();
  const shared = await folder.folder("shared", 0o1777);
  const data = `${shared}/of the/server`;
  const identity = { uid: toUid(STRANGER), gid: toGid(STRANGER), groups: [], isRoot: false };
  for (
    const [who, owner] of [[undefined, ""], [identity, ` -o ${STRANGER} -g ${STRANGER}`]] as const
  ) {
    const look = await scene(folder, {
      env: { BLOCKYARD_SERVER_DATA_DIR: data },
      ...(who && { identity: who }),
    });
    await isMended(look, {
      found:
        `warning: server.data_dir ${data} does not exist, and others can make it first, because ` +
        `everybody can make files in ${shared}`,
      run: `install -d -m 0700${owner} '${data}'`,
    });
    await Deno.remove(`${shared}/of the`, { recursive: true });
  }
});

Deno.test("the API's token is made its owner's alone by the command", root, async () => {
  await using folder = await tempFolder();
  const look = await scene(folder);
  await folder.folder("data", 0o700);
  const token = await folder.write("data/admin-token", "a token of some length\n");
  await Deno.chmod(`${folder.path}/data`, 0o700);
  await isMended(look, {
    found: `error: the API's token ${token} is not its owner's alone`,
    run: `chmod 0600 ${token}`,
  });
  await Deno.chown(token, STRANGER, null);
  await isMended(look, {
    found: `error: the API's token ${token} belongs to uid ${STRANGER}, not to uid 0`,
    run: `chown 0 ${token}`,
  });
  await Deno.remove(token);
  await Deno.symlink("/dev/null", token);
  assertEquals(brief(await look()), [`error: the API's token ${token} is a link`]);
});

Deno.test("a token's file that is configured has to be there", root, async () => {
  await using folder = await tempFolder();
  const token = `${folder.path}/token`;
  const look = await scene(folder, { env: { BLOCKYARD_SERVER_ADMIN_TOKEN_FILE: token } });
  assertEquals(brief(await look()), [`error: server.admin_token_file ${token} does not exist`]);
  await Deno.writeTextFile(token, "a token of some length\n", { mode: 0o600 });
  assertEquals(await look(), OK);
});

Deno.test(
  "a server that is not root is not locked out of its own configuration",
  root,
  async () => {
    await using folder = await tempFolder();
    const yaml = { apps: { hello: { path: "/nonexistent", env: { KEY: "s3cret" } } } };
    const identity = { uid: toUid(STRANGER), gid: toGid(STRANGER), groups: [], isRoot: false };
    const look = await scene(folder, { yaml, identity });
    const [finding, ...more] = await look();
    assert(finding?.severity === "warning" && finding.fix.kind === "advice");
    assertEquals(more, []);
    const path = `${folder.path}/blockyard.yaml`;
    await Deno.chown(path, 0, STRANGER);
    await isMended(look, {
      found: `warning: everybody can read ${path}, which holds values in apps.hello.env`,
      run: `chmod o-r ${path}`,
    });
  },
);

Deno.test("several things are told at once", root, async () => {
  await using folder = await tempFolder();
  const look = await scene(folder, {
    yaml: { server: { bind: "0.0.0.0:8080", trusted_proxies: ["0.0.0.0/0"] } },
  });
  await Deno.chmod(`${folder.path}/blockyard.yaml`, 0o666);
  await folder.folder("data", 0o755);
  assertEquals((await look()).map(({ severity }) => severity), [
    "info",
    "warning",
    "error",
    "warning",
  ]);
});

Deno.test("a configuration that is no file is a warning, and is not waited for", root, async () => {
  await using folder = await tempFolder();
  const yaml = { apps: { hello: { path: "/nonexistent", env: { KEY: "s3cret" } } } };
  const configPath = `${folder.path}/blockyard.yaml`;
  const config = loadConfig({
    path: configPath,
    readFile: () => JSON.stringify(yaml),
    env: { BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data` },
    isRoot: true,
  });
  const { success } = await new Deno.Command("/usr/bin/mkfifo", {
    args: ["-m", "644", configPath],
  }).output();
  assert(success);
  await using opened = openPreflightHost(config, { configPath });
  assertEquals(brief([await configSecurity.run(opened.host)].flat()), [
    `warning: whether there are secrets in ${configPath} could not be found out: it is no regular file`,
  ]);
});
