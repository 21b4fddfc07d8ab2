/** R from other places than the system's, in the real sandbox. */
import { NotFoundError } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { openTestBackend, wholeLog, workerSpec } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/lib/R/bin/R"] });

/** Copies the system's R, without its packages, to another prefix, as R's own installer would. */
async function installR(prefix: string): Promise<string> {
  const home = `${prefix}/lib/R`;
  await Deno.mkdir(home, { recursive: true, mode: 0o755 });
  await Deno.mkdir(`${prefix}/bin`, { mode: 0o755 });
  for (const part of ["bin", "etc", "lib", "library", "modules", "share"]) {
    const from = await Deno.realPath(`/usr/lib/R/${part}`).catch(() => undefined);
    if (from !== undefined) await run("cp", ["-a", from, `${home}/${part}`]);
  }
  const script = (await Deno.readTextFile("/usr/lib/R/bin/R"))
    .replace("R_HOME_DIR=/usr/lib/R", `R_HOME_DIR=${home}`);
  for (const path of [`${home}/bin/R`, `${prefix}/bin/R`]) {
    await Deno.writeTextFile(path, script, { mode: 0o755 });
  }
  return `${prefix}/bin/R`;
}

async function run(program: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

const CODE = "cat(R.home(), Sys.which('R'), '\\n')";

Deno.test(
  "a worker runs the R version that it asks for, from where rig installs them",
  root,
  async () => {
    await using folder = await tempFolder();
    const rigBase = `${folder.path}/opt/R`;
    await installR(`${rigBase}/4.9.10`);
    await Deno.mkdir(`${rigBase}/4.9.9/bin`, { recursive: true });
    await Deno.writeTextFile(`${rigBase}/4.9.9/bin/R`, "#!/bin/sh\necho wrong\n", { mode: 0o755 });
    await using host = await openTestBackend({ rigBase });
    await host.backend.checkRVersion("4.9");
    const spec = workerSpec({ cmd: ["R", "--no-echo", "-e", CODE], rVersion: "4.9" });
    await host.backend.spawn(spec);
    const [line] = await wholeLog(host.backend, spec.id);
    const prefix = `${rigBase}/4.9.10`;
    assertEquals(line?.text.trim(), `${prefix}/lib/R ${prefix}/bin/R`);
    const error = await assertRejects(() => host.backend.checkRVersion("4.8"), NotFoundError);
    assertEquals(
      error.message.startsWith(`cannot serve R 4.8: ${rigBase} has 4.9.9, 4.9.10`),
      true,
      error.message,
    );
  },
);

Deno.test(
  "a worker runs an R that is configured from elsewhere, also through a link",
  root,
  async () => {
    await using folder = await tempFolder();
    const prefix = `${folder.path}/software/R-custom`;
    const program = await installR(prefix);
    const link = `${folder.path}/R`;
    await Deno.symlink(program, link);
    for (const rPath of [program, link]) {
      await using host = await openTestBackend({ rPath });
      const spec = workerSpec({ cmd: ["R", "--no-echo", "-e", "cat(R.home(), '\\n')"] });
      await host.backend.spawn(spec);
      const lines = await wholeLog(host.backend, spec.id);
      assertEquals(lines.map(({ text }) => text.trim()), [`${prefix}/lib/R`]);
    }
  },
);
