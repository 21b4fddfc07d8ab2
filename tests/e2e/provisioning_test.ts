/** The README's script for provisioning, on hosts that it can and cannot make fit. */
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { readmeScripts } from "#tests/support/readme.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { environment, EXECUTABLE, SERVER_FILES } from "./support/executable.ts";
import { ownRanges, rangesAsEnvironment } from "./support/ranges.ts";

const options = needs({
  root: true,
  files: [...SERVER_FILES, "/usr/bin/jq", "/usr/bin/shellcheck", "/usr/sbin/nft", "/usr/sbin/ip"],
});

/** Cloud metadata as a machine in a cloud has it, in a network namespace that ends with the script. */
const IN_CLOUD = `ip link set lo up
ip addr add 169.254.169.254/32 dev lo
perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
  bind(S, sockaddr_in(80, inet_aton("169.254.169.254"))) or die; listen(S, 9); sleep 60' &
listener=$!
until ss -ltn | grep -q 169.254.169.254:80; do sleep 0.05; done
code=0
"$@" || code=$?
nft list ruleset
kill $listener
exit $code`;

interface Provisioned {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function provision(
  folder: TempFolder,
  config: Readonly<Record<string, unknown>>,
): Promise<Provisioned> {
  const [script = ""] = readmeScripts();
  await folder.write("provision", script);
  const file = await folder.write("blockyard.yaml", JSON.stringify(config));
  const bin = await folder.folder("bin");
  await Deno.symlink(EXECUTABLE, `${bin}/blockyard`);
  const { code, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["--net", "sh", "-c", IN_CLOUD, "sh", "sh", `${folder.path}/provision`, file],
    env: environment({
      ...rangesAsEnvironment(ownRanges()),
      PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
    }),
    clearEnv: true,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test(
  "the README has one script, and shellcheck finds nothing to say of it",
  options,
  async () => {
    const scripts = readmeScripts();
    assertEquals(scripts.length, 1);
    await using folder = await tempFolder();
    const file = await folder.write("script", scripts[0] ?? "");
    const { code, stdout } = await new Deno.Command("shellcheck", { args: [file] }).output();
    assertEquals([code, new TextDecoder().decode(stdout)], [0, ""]);
  },
);

Deno.test("it makes a host in a cloud fit by the commands of the report", options, async () => {
  await using folder = await tempFolder();
  const server = { bind: "127.0.0.1:8099", data_dir: `${folder.path}/data` };
  const { code, stdout, stderr } = await provision(folder, { server });
  assertEquals(code, 0, stderr);
  // What it ran is shown, and has told the kernel to keep workers from metadata and the server.
  assertStringIncludes(stderr, "+ nft ");
  assertStringIncludes(stdout, "169.254.169.254");
  assertStringIncludes(stdout, "tcp dport 8099 reject");
});

Deno.test("it stops at what takes a decision, and names it", options, async () => {
  await using folder = await tempFolder();
  const server = { bind: "127.0.0.1:8099", data_dir: `${folder.path}/data` };
  const { code, stderr } = await provision(folder, { server, process: { r_path: "/nonexistent" } });
  assert(code !== 0);
  assertStringIncludes(
    stderr,
    'r_binary: there is no R: "/nonexistent" is no program\n  Install R',
  );
  assert(!stderr.includes("worker_egress: "), stderr);
});

Deno.test("it stops at a configuration that is none", options, async () => {
  await using folder = await tempFolder();
  const { code, stderr } = await provision(folder, { sever: {} });
  assert(code !== 0);
  assertStringIncludes(stderr, 'want "server"');
});
