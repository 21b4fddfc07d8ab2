/**
 * A server's files on the host: what its workers may see, and beside it what they may not.
 *
 * @module
 */
import { run } from "#scripts/support/run.ts";
import { fileURLToPath } from "node:url";
import type { TempFolder } from "#tests/support/temp_folder.ts";

/** What making a place takes. */
export const PLACE_PROGRAMS: readonly string[] = ["/usr/sbin/setcap"];

/** The files of a server. */
export interface Place {
  /** Absolute path of the folder that all of it is in. */
  readonly path: string;
  /** Where the probes and what they are tempted with are. */
  readonly app: string;
  /** What the probes are told of it; the names are those that they use. */
  readonly targets: Readonly<Record<string, string>>;
}

const R_PROBE = fileURLToPath(new URL("../probe/probe.R", import.meta.url));

/**
 * Makes the files of a server.
 *
 * @param folder Where they go.
 * @param options `uid` is who the server runs as, and who owns them; `programs` is the folder of the
 * compiled programs; `secret` is in every file that no worker may read.
 * @returns What was made.
 */
export async function makePlace(
  folder: TempFolder,
  { uid, programs, secret }: { uid: number; programs: string; secret: string },
): Promise<Place> {
  const name = `server-${uid}`;
  const path = await folder.folder(name);
  const app = await makeApp(folder, `${name}/app`, programs);
  const file = (which: string) => folder.write(`${name}/${which}`, secret);
  const targets = {
    world_readable_file: await file("world-readable"),
    private_file: await file("private"),
    other_app_file: await file("other/app.R"),
    server_file: await file("data/server.json"),
    token_file: await file("data/admin-token"),
  };
  for (const [link, target] of Object.entries(links(targets.world_readable_file))) {
    await Deno.symlink(target, `${app}/${link}`);
  }
  for (const which of ["home", "run"]) await folder.folder(`${name}/${which}`);
  await folder.folder(`${name}/scratch`, 0o777);

  await run("chown", ["-hR", `${uid}:${uid}`, path]);
  await tempt(app);
  for (const which of ["private", "data/server.json", "data/admin-token"]) {
    await Deno.chmod(`${path}/${which}`, 0o600);
  }
  await Deno.chmod(`${path}/data`, 0o700);
  return { path, app, targets: { ...targets, host_folder: path, secret } };
}

/** Ways from a bundle to a file of the host, as a hostile bundle would have them. */
function links(file: string): Record<string, string> {
  return { "link": file, "link-oldroot": `/oldroot${file}`, "link-proc": `/proc/1/root${file}` };
}

async function makeApp(folder: TempFolder, name: string, programs: string): Promise<string> {
  const app = await folder.folder(name);
  for (const program of ["probe", "victim", "preload.so"]) {
    await Deno.copyFile(`${programs}/${program}`, `${app}/${program}`);
  }
  for (const program of ["set_id", "capable"]) {
    await Deno.copyFile(`${programs}/set_id`, `${app}/${program}`);
  }
  await Deno.copyFile(R_PROBE, `${app}/probe.R`);
  await folder.write(`${name}/plain`, "a file of the app\n");
  return app;
}

/** A change of owner takes both away, so that it comes before. */
async function tempt(app: string): Promise<void> {
  await Deno.chown(`${app}/set_id`, 0, 0);
  await Deno.chmod(`${app}/set_id`, 0o4755);
  await run("/usr/sbin/setcap", ["cap_net_raw+ep", `${app}/capable`]);
}
