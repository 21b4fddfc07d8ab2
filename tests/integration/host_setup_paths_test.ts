/** What systemd itself makes of paths in a unit, as its dump of the unit says. */
import { assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { unitText } from "#tests/support/unit_text.ts";
import { run } from "./packaging/single_file.ts";

const SYSTEMD = "/lib/systemd/systemd";
const options = needs({ root: true, files: [SYSTEMD, "/usr/bin/setpriv"] });
/** It refuses to be the manager of root's own units. */
const ORDINARY_USER = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];

/** What may be in a path and means something to systemd, to a shell or to nobody. */
const ODD = [
  ..." !#$%&'()*+,-.:;<=>?@[]^_`{|}~",
  ...["a  b", "%h", "%%", "$HOME", "${HOME}", "$$", " ;", "é", "💠", "e\u0301", "\u00a0", "0x41"],
];
/** What systemd does not execute, however it is written. */
const NO_EXECUTABLE = ["'"];
/** What only other paths than that of the executable may have. */
const MORE_ODD = ['"', "\\", "\\x41", "\\n", 'a"b\\c', '" "'];

Deno.test("systemd reads every path as it is meant", options, async () => {
  await using folder = await tempFolder();
  const runtime = await folder.folder("runtime", 0o700);
  await Deno.chown(runtime, 54321, 54321);
  const all = [...ODD, ...MORE_ODD].map((odd, index) => {
    const isExecutable = ODD.includes(odd) && !NO_EXECUTABLE.includes(odd);
    return {
      name: `odd${index}.service`,
      executable: isExecutable ? `/opt/a${odd}b/by` : "/opt/by",
      configPath: `/etc/a${odd}b.yaml`,
      dataDir: `/srv/a${odd}b`,
      mount: `/mnt/a${odd}b`,
    };
  });
  for (const { name, executable, configPath, dataDir, mount } of all) {
    const mounts = [{ source: mount, target: "/out", read_only: false }];
    const text = unitText({
      config: { server: { data_dir: dataDir }, apps: { a: { path: "/srv/app", mounts } } },
      spec: { executable, configPath },
    });
    await folder.write(`units/${name}`, alone(text));
  }
  const wants = all.map(({ name }) => `Wants=${name}`);
  for (const [name, more] of [["all", wants], ["basic", []], ["shutdown", []]] as const) {
    await folder.write(`units/${name}.target`, alone(["[Unit]", ...more, ""].join("\n")));
  }

  const test = [SYSTEMD, "--test", "--user", "--unit=all.target"];
  const { code, stdout, stderr } = await run([...ORDINARY_USER, ...test], {
    env: {
      SYSTEMD_UNIT_PATH: `${folder.path}/units`,
      SYSTEMD_LOG_TARGET: "console",
      XDG_RUNTIME_DIR: runtime,
      HOME: runtime,
    },
  });
  assertEquals(code, 0, stderr);
  const units = readDump(stdout);
  for (const { name, executable, configPath, dataDir, mount } of all) {
    const unit = units[name] ?? "";
    assertEquals(valueOf(unit, "ReadWritePaths"), `${dataDir} -${mount}`);
    // Written for a shell, so that one tells where a word ends.
    const words = await run(["sh", "-c", `printf '%s\\n' ${valueOf(unit, "Command Line")}`]);
    assertEquals(words.stdout.split("\n"), [executable, "serve", "--config", configPath, ""]);
  }
});

/** Without what systemd makes every unit depend on, which this folder has not. */
function alone(unit: string): string {
  return unit.replace("[Unit]", "[Unit]\nDefaultDependencies=no");
}

/** What the dump says of each unit, by the unit's name. */
function readDump(dump: string): Record<string, string> {
  const parts = dump.split(/^\s*-> Unit (.+):$/m).slice(1);
  return Object.fromEntries(
    parts.flatMap((name, index) => index % 2 === 0 ? [[name, parts[index + 1] ?? ""]] : []),
  );
}

function valueOf(unit: string, name: string): string | undefined {
  return new RegExp(`^\\s*${name}: (.*)$`, "m").exec(unit)?.[1];
}
