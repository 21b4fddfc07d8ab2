/** Programs that others can change, and the commands that close them, really run. */
import type { PreflightHost } from "#src/preflight/mod.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { writeProgram } from "#tests/support/r_installation.ts";
import { isMended, OK, scene, STRANGER } from "#tests/support/security_scene.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap"] });
const CONFIG = "others can change the server's configuration";

Deno.test("a folder through which several things are reached is told once", root, async () => {
  await using folder = await tempFolder();
  const open = await folder.folder("open");
  const bwrap = await writeProgram(`${open}/bwrap`, "#!/bin/sh\n");
  const look = await scene(folder, {
    configPath: `${open}/blockyard.yaml`,
    env: {
      BLOCKYARD_PROCESS_BWRAP_PATH: bwrap,
      BLOCKYARD_SERVER_DATA_DIR: `${open}/data`,
      BLOCKYARD_PROCESS_SECCOMP_PROFILE: `${open}/filter`,
      BLOCKYARD_SERVER_ADMIN_TOKEN_FILE: await folder.write("open/token", "x"),
    },
  });
  await Deno.chmod(`${open}/token`, 0o600);
  await Deno.chmod(open, 0o775);
  await isMended(look, {
    found: `error: ${open} is writable by its group: ${CONFIG}, the server's bwrap, the workers' ` +
      "system call filter, the server's data folder and the API's token",
    run: `chmod go-w ${open}`,
  });
});

Deno.test("a stranger's link in a folder for everybody is given to root", root, async () => {
  await using folder = await tempFolder();
  const shared = await folder.folder("shared", 0o1777);
  const link = `${shared}/bwrap`;
  await Deno.symlink("/usr/bin/bwrap", link);
  const look = await scene(folder, { env: { BLOCKYARD_PROCESS_BWRAP_PATH: link } });
  assertEquals(await look(), OK);
  // Deno has no lchown.
  const { success } = await new Deno.Command("/bin/chown", {
    args: ["-h", String(STRANGER), link],
  }).output();
  assert(success);
  await isMended(look, {
    found: `error: ${link} belongs to uid ${STRANGER}: others can change the server's bwrap`,
    run: `chown -h root ${link}`,
  });
});

Deno.test("a bwrap that others can replace is closed, wherever links hide it", root, async () => {
  await using folder = await tempFolder();
  const bwrap = await writeProgram(`${folder.path}/tools/bwrap`, "#!/bin/sh\n");
  await folder.folder("bin");
  await Deno.symlink("../tools/bwrap", `${folder.path}/bin/bwrap`);
  const look = await scene(folder, {
    env: { BLOCKYARD_PROCESS_BWRAP_PATH: `${folder.path}/bin/bwrap` },
  });
  assertEquals(await look(), OK);
  const executed = "others can change the server's bwrap";
  await Deno.chmod(bwrap, 0o775);
  await isMended(look, {
    found: `error: ${bwrap} is writable by its group: ${executed}`,
    run: `chmod go-w ${bwrap}`,
  });
  await Deno.chown(`${folder.path}/tools`, STRANGER, null);
  await isMended(look, {
    found: `error: ${folder.path}/tools belongs to uid ${STRANGER}: ${executed}`,
    run: `chown root ${folder.path}/tools`,
  });
});

Deno.test(
  "an R that others can change is a warning, since it is executed in sandboxes",
  root,
  async () => {
    await using folder = await tempFolder();
    const r = await writeProgram(`${folder.path}/r/R`, "#!/bin/sh\n");
    const rig = await folder.folder("rig");
    const app = { path: "/nonexistent", r_version: "4.4" };
    const look = await scene(folder, {
      env: { BLOCKYARD_PROCESS_R_PATH: r, BLOCKYARD_PROCESS_RIG_BASE: rig },
      yaml: { apps: { hello: app } },
    });
    await Deno.chmod(r, 0o775);
    await isMended(look, {
      found: `warning: ${r} is writable by its group: others can change the workers' R`,
      run: `chmod go-w ${r}`,
    });
    await Deno.chown(rig, STRANGER, null);
    await isMended(look, {
      found:
        `warning: ${rig} belongs to uid ${STRANGER}: others can change the workers' versions of R`,
      run: `chown root ${rig}`,
    });
  },
);

Deno.test("a folder with R and the server's own programs is an error", root, async () => {
  await using folder = await tempFolder();
  const bin = await folder.folder("bin");
  const look = await scene(folder, {
    env: {
      BLOCKYARD_PROCESS_R_PATH: await writeProgram(`${bin}/R`, "#!/bin/sh\n"),
      BLOCKYARD_PROCESS_BWRAP_PATH: await writeProgram(`${bin}/bwrap`, "#!/bin/sh\n"),
    },
  });
  await Deno.chmod(bin, 0o777);
  await isMended(look, {
    found: `error: ${bin} is writable by everybody: others can change the server's bwrap and the ` +
      "workers' R",
    run: `chmod go-w ${bin}`,
  });
});

Deno.test("an nft that others can change is an error where the server runs it", root, async () => {
  await using folder = await tempFolder();
  const nft = await writeProgram(`${folder.path}/nft`, "#!/bin/sh\n");
  await Deno.chmod(nft, 0o757);
  const findProgram: PreflightHost["findProgram"] = (name) =>
    Promise.resolve(name === "nft" ? nft : undefined);
  const managed = { BLOCKYARD_FIREWALL_MODE: "managed" };
  assertEquals(await (await scene(folder, { findProgram }))(), OK);
  await isMended(await scene(folder, { env: managed, findProgram }), {
    found: `error: ${nft} is writable by everybody: others can change the server's nft`,
    run: `chmod go-w ${nft}`,
  });
});
