// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * Builds `dist/blockyard`: with `deno compile` where its runtime is at hand, otherwise as a single
 * file that carries Deno and unpacks itself.
 *
 *     deno task build [--kind compiled|single-file] [--output FILE]
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BUILD_INFO, type BuildInfo, errorMessage } from "#src/core/mod.ts";
import { LEAN_ENTRIES } from "#src/self_command.ts";
import { compileArgs, denortCandidates, type DenortPlace, findDenort } from "./build/denort.ts";
import { run } from "./support/run.ts";
import { assemble, bundleInto } from "./build/single_file.ts";
import { stageSources } from "./build/stage.ts";

const root = fileURLToPath(new URL("../", import.meta.url)).replace(/\/$/, "");

const place: DenortPlace = {
  version: Deno.version.deno,
  target: Deno.build.target,
  execPath: Deno.execPath(),
  getEnv: (name) => Deno.env.get(name),
};

if (import.meta.main) {
  try {
    await build();
  } catch (error) {
    console.error(`build: ${errorMessage(error)}`);
    Deno.exit(1);
  }
}

async function build(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      kind: { type: "string" },
      output: { type: "string", default: `${root}/dist/blockyard` },
    },
  });
  const kind = chooseKind(values.kind);
  const output = resolve(values.output);
  await run(Deno.execPath(), ["check", "--quiet", "main.ts", ...Object.values(LEAN_ENTRIES)], {
    cwd: root,
  });
  await Deno.mkdir(dirname(output), { recursive: true });
  const work = await Deno.makeTempDir({ prefix: "blockyard-build-" });
  try {
    const info: BuildInfo = { version: BUILD_INFO.version, kind, commit: await commit() };
    const stage = `${work}/stage`;
    await Deno.mkdir(stage);
    await stageSources(root, { to: stage, info });
    if (kind === "compiled") {
      await run(Deno.execPath(), compileArgs("main.ts", output), { cwd: stage });
    } else {
      const folder = `${work}/payload`;
      await bundleInto(stage, folder);
      await Deno.copyFile(Deno.execPath(), `${folder}/deno`);
      await assemble(folder, {
        template: await Deno.readTextFile(new URL("build/header.sh", import.meta.url)),
        archive: `${work}/payload.tar`,
        output,
      });
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  const { size } = await Deno.stat(output);
  console.error(`built ${output} (${kind}, ${Math.round(size / 2 ** 20)} MiB)`);
}

function chooseKind(wanted: string | undefined): BuildInfo["kind"] {
  const denort = findDenort(place, isFile);
  switch (wanted) {
    case undefined:
      return denort === undefined ? "single-file" : "compiled";
    case "single-file":
      return wanted;
    case "compiled":
      if (denort !== undefined) return wanted;
      throw new Error(`cannot compile: want one of ${denortCandidates(place).join(", ")}`);
    default:
      throw new Error(`cannot build --kind ${wanted}: want compiled or single-file`);
  }
}

/** The commit of the checkout; empty outside of one, or without git. */
async function commit(): Promise<string> {
  const id = await git("rev-parse", "--short=12", "HEAD");
  if (id === undefined) return "";
  return await git("status", "--porcelain", "--untracked-files=no") === "" ? id : `${id}-dirty`;
}

async function git(...args: string[]): Promise<string | undefined> {
  try {
    const command = new Deno.Command("git", { args: ["-C", root, ...args], stderr: "null" });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
