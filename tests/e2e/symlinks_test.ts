import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { runBlockyard, SERVER_FILES } from "./support/executable.ts";
import { copyApp, Probe, PROBE_COMMAND } from "./support/probe_app.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ root: true, files: SERVER_FILES });

Deno.test(
  "links in a bundle create nothing on the host, and do not lead a mount astray",
  options,
  async () => {
    await using folder = await tempFolder();
    const bundle = await copyApp(folder, "probe");
    const victim = await folder.folder("victim");
    await folder.write("source/rows.csv", "a,b\n1,2\n");
    // While bwrap builds the sandbox, the host's root is at /oldroot.
    const links = {
      data: `/oldroot${victim}`,
      dataset: `/oldroot${victim}/new`,
      m: "/etc",
      up: "../../../../../../..",
      far: `../oldroot${victim}`,
      tmp: victim,
    };
    for (const [name, target] of Object.entries(links)) {
      await Deno.symlink(target, `${bundle}/${name}`);
    }
    const listings = () =>
      Promise.all([bundle, victim, `${folder.path}/source`].map((path) => listing(path)));
    const before = await listings();
    const mounts = [
      { source: `${folder.path}/source`, target: "/data" },
      { source: `${folder.path}/source`, target: "/dataset" },
    ];
    await using server = await ServeProcess.start(folder, {
      apps: { probe: { path: bundle, cmd: PROBE_COMMAND, mounts } },
    });
    const probe = new Probe(server.url, "probe");

    assertEquals(await probe.run(`cat(readLines("/data/rows.csv"))`), "a,b 1,2");
    assertEquals(await probe.run(`cat(list.files("/dataset"))`), "rows.csv");
    assertEquals(
      await probe.run(`cat(file.exists(c("/app/data", "/app/far", "/app/tmp")))`),
      "FALSE FALSE FALSE",
    );
    assertEquals(
      await probe.run(`cat(file.exists("/app/m/shadow", "/app/up/root", "/app/up/home"))`),
      "FALSE FALSE FALSE",
    );
    assertStringIncludes(
      await probe.shell("mkdir /app/tmp/made /app/data/made /app/dataset; touch /app/m/made"),
      "Read-only file system",
    );
    assertEquals(await listings(), before);
    assertEquals(await Deno.stat("/oldroot").then(() => "there", () => "not there"), "not there");
  },
);

Deno.test(
  "a mount below a bundle, where a link could lead it astray, is refused",
  options,
  async () => {
    await using folder = await tempFolder();
    const mounts = [{ source: folder.path, target: "/app/data/m" }];
    const config = await folder.write(
      "blockyard.yaml",
      JSON.stringify({ apps: { probe: { path: folder.path, mounts } } }),
    );
    const { code, stderr } = await runBlockyard(["serve", "--config", config]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "apps.probe.mounts[0].target: ");
    assertStringIncludes(stderr, 'want one top-level name such as "/data"');
  },
);

/** Every path below a folder, in order; links are not followed. */
async function listing(path: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    names.push(prefix + name);
    if (isDirectory) names.push(...await listing(`${path}/${name}`, `${prefix}${name}/`));
  }
  return names.sort();
}
