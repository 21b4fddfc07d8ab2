/** The checks of the sandbox, on the real host with the real bwrap. */
import { loadConfig } from "#src/config/mod.ts";
import { abstractSockets } from "#src/preflight/abstract_sockets.ts";
import { bwrapAvailable } from "#src/preflight/bwrap_available.ts";
import { bwrapHostUidMapping } from "#src/preflight/bwrap_host_uid_mapping.ts";
import type { Finding, PreflightHost } from "#src/preflight/mod.ts";
import { networkNone } from "#src/preflight/network_none.ts";
import { userNamespaces } from "#src/preflight/user_namespaces.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import { assert, assertEquals, assertMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { ask } from "#tests/support/own_group.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/nsenter"] });
const START = 1_933_000_000;
/** Where an operator's shell looks for programs, the system's own among them. */
const PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

function openHost(more: Record<string, string> = {}) {
  const config = loadConfig({
    env: {
      ...more,
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(START),
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(START + 9),
      BLOCKYARD_PROCESS_WORKER_GID: String(START),
      BLOCKYARD_PROXY_MAX_WORKERS: "1",
    },
    readFile: () => "",
    isRoot: true,
  });
  return openPreflightHost(config, { configPath: undefined });
}

Deno.test("the real bwrap is tried as a worker, and the hole is told or closed", root, async () => {
  await using opened = openHost();
  const found = await bwrapAvailable.run(opened.host);
  const findings = "severity" in found ? [found] : found;
  const [finding, ...more] = findings;
  assertEquals(more, []);
  assert(finding !== undefined);
  // Either way it has to have been tried.
  const tried = finding.severity === "ok"
    ? /follows no link out of a sandbox$/
    : /^\/usr\/bin\/bwrap follows links .*CVE-2026-87766/;
  assert(tried.test(finding.message), finding.message);
});

Deno.test("a worker without a network is really tried", root, async () => {
  await using opened = openHost({ BLOCKYARD_PROCESS_NETWORK: "none" });
  assertEquals(await networkNone.run(opened.host), {
    severity: "ok",
    message: "a worker with network: none has loopback alone, and the server reaches it",
  });
});

Deno.test("a bwrap that is kept from making networks is an error", root, async () => {
  await using folder = await tempFolder();
  // As on hosts whose security module lets bwrap make a network namespace and do nothing in it.
  const path = await folder.write(
    "bwrap",
    "#!/bin/sh\nfor word; do case $last in --args) fd=$word ;; esac; last=$word; done\n" +
      'if tr "\\0" "\\n" < /proc/self/fd/$fd | grep -q "^--unshare-net$"; then\n' +
      'echo "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted" >&2; exit 1\nfi\n' +
      'exec /usr/bin/bwrap "$@"\n',
  );
  await Deno.chmod(path, 0o755);
  await using opened = openHost({
    BLOCKYARD_PROCESS_NETWORK: "none",
    BLOCKYARD_PROCESS_BWRAP_PATH: path,
  });
  const found = await networkNone.run(opened.host);
  assert("severity" in found && found.severity === "error", JSON.stringify(found));
  assertEquals(
    found.message,
    "no worker with network: none can be started: bwrap: loopback: Failed RTM_NEWADDR: Operation " +
      "not permitted",
  );
});

/** Looks for user namespaces in one whose limit of them is this, and runs commands as its root. */
async function inLimited(
  limit: number,
  test: (parts: {
    look: () => Promise<readonly Finding[]>;
    run: (text: string) => Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  await using opened = openHost();
  await using folder = await tempFolder();
  const file = `${folder.path}/sys/user/max_user_namespaces`;
  await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
  await using holder = new Deno.Command("/usr/bin/unshare", {
    args: [
      "-U",
      "-r",
      "sh",
      "-c",
      `echo ${limit} > /proc/sys/user/max_user_namespaces; echo up; cat`,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await using _input = { [Symbol.asyncDispose]: () => holder.stdin.close() };
  const reader = holder.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const inside = (line: readonly string[]) =>
    opened.host.runProgram(
      ["/usr/bin/nsenter", "-t", String(holder.pid), "-U", "--preserve-credentials", ...line],
    );
  const host: PreflightHost = {
    ...opened.host,
    roots: { ...opened.host.roots, proc: folder.path },
    runProgram: (line) => inside(line),
  };
  const look = async () => {
    // The file shows the limit of the namespace of whoever reads it.
    const { stdout } = await inside(["/bin/cat", "/proc/sys/user/max_user_namespaces"]);
    await Deno.writeTextFile(file, stdout);
    const found = await userNamespaces.run(host);
    return "severity" in found ? [found] : found;
  };
  const run = async (text: string) => {
    const { code, stderr } = await inside(["/usr/bin/env", PATH, "/bin/sh", "-c", text]);
    assertEquals([code, stderr], [0, ""]);
  };
  await test({ look, run });
}

Deno.test("a limit of 0 user namespaces is an error, and its fix makes it ok", root, async () => {
  await inLimited(0, async ({ look, run }) => {
    const [refused] = await look();
    assert(refused?.severity === "error", JSON.stringify(refused));
    assertEquals(
      refused.message,
      "bwrap gets no user namespace, and user.max_user_namespaces is 0",
    );
    assertEquals(refused.fix.kind, "command");
    await run(refused.fix.text);
    assertEquals(await look(), [{ severity: "ok", message: "bwrap makes user namespaces" }]);
  });
});

Deno.test("a limit too low for a sandbox is a warning, and its fix makes it ok", root, async () => {
  await inLimited(1, async ({ look, run }) => {
    const [works, few] = await look();
    assertEquals(works?.severity, "ok");
    assert(few?.severity === "warning", JSON.stringify(few));
    assertEquals(few.message, "user.max_user_namespaces is 1, and 2 are needed for a worker");
    assertEquals(few.fix.kind, "command");
    await run(few.fix.text);
    assertEquals(await look(), [{ severity: "ok", message: "bwrap makes user namespaces" }]);
  });
});

Deno.test("every process of a real worker has the uid that it was given", root, async () => {
  await using opened = openHost();
  const found = await bwrapHostUidMapping.run(opened.host);
  assert("severity" in found && found.severity === "ok", JSON.stringify(found));
  assert(found.message.includes(`gid ${START}`), found.message);
});

Deno.test("a program that keeps a right is an error, and is named", root, async () => {
  await using folder = await tempFolder();
  const path = await folder.write(
    "bwrap",
    '#!/bin/sh\n[ "$1" = --args ] || exec /usr/bin/bwrap "$@"\noptions=$2; shift 2\n' +
      'exec /usr/bin/bwrap --args "$options" --cap-add CAP_SYS_CHROOT "$@"\n',
  );
  await Deno.chmod(path, 0o755);
  await using opened = openHost({ BLOCKYARD_PROCESS_BWRAP_PATH: path });
  const found = await bwrapHostUidMapping.run(opened.host);
  assert("severity" in found && found.severity === "error", JSON.stringify(found));
  assertMatch(found.message, /differs on the host: .*the program has CapEff 0000000000040000/);
  assertEquals(found.fix, {
    kind: "advice",
    text: "Set process.bwrap_path to an unchanged bubblewrap without the set-user-id bit",
  });
});

Deno.test("an ordinary user is told that workers share a uid", root, async () => {
  const found = await ask({ about: "bwrap_host_uid_mapping", uid: START });
  assertEquals(found, [{
    severity: "info",
    message:
      `every worker runs under the server's own uid ${START}, so that workers are not kept ` +
      "apart by uid",
    fix: { kind: "advice", text: "Run the server as root to give each worker a uid of its own" },
  }]);
});

Deno.test("an ordinary user's own sandboxes are tried as they are", root, async () => {
  const [first] = await ask<readonly Finding[]>({ about: "user_namespaces", uid: START });
  assertEquals(first, { severity: "ok", message: "bwrap makes user namespaces" });
  const found = await ask<readonly Finding[]>({ about: "bwrap_available", uid: START });
  assertEquals(found.length, 1);
  assertMatch(found[0]?.message ?? "", /follows no link out of a sandbox$|CVE-2026-87766\); block/);
});

Deno.test("abstract sockets are tried from a real sandbox", root, async () => {
  await using opened = openHost();
  const found = await abstractSockets.run(opened.host);
  const { kind } = await opened.host.sandboxes.landlock();
  assert("severity" in found);
  assertEquals(found.severity, kind === "scoped" ? "ok" : "warning");
});
