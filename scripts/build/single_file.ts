import { LEAN_ENTRIES, LEAN_FLAGS, leanBundleName, RUN_FLAGS } from "#src/self_command.ts";
import { run } from "../support/run.ts";

/** Room for the header; the archive starts right behind it. */
export const HEADER_BYTES = 16384;

/** What the header has to know about the archive behind it. */
export interface Payload {
  /** As `uname -m` says it. */
  readonly machine: string;
  /** A line for each file of the archive, as sha256sum(1) prints it. */
  readonly digests: string;
  /** What names the folder that this payload is unpacked into: a digest of the digests. */
  readonly id: string;
  /** The size of the archive. */
  readonly archiveBytes: number;
}

/**
 * Bundles a staged program into plain JavaScript.
 *
 * The bundles are not minified: esbuild's minifier drops a `using` whose variable is read once, and
 * with it the disposal. Each lean entry is bundled by itself: where bundles share chunks, these
 * load `node:module` for CommonJS packages, and that alone doubles the time of a start.
 *
 * @param stage The staged sources; the working directory of the bundler.
 * @param folder Where the bundles go.
 */
export async function bundleInto(stage: string, folder: string): Promise<void> {
  const bundle = ["bundle", "--quiet", "--platform", "deno"];
  const deno = Deno.execPath();
  await run(deno, [...bundle, "--code-splitting", "--outdir", folder, "main.ts"], { cwd: stage });
  for (const [command, entry] of Object.entries(LEAN_ENTRIES)) {
    const output = `${folder}/${leanBundleName(command)}`;
    await run(deno, [...bundle, "--output", output, entry], { cwd: stage });
  }
}

/**
 * Makes the executable file out of a folder with the bundles and a `deno` executable.
 *
 * @param folder What the archive will hold; flat.
 * @param options `template` is the text of the header, `archive` a file to write to on the way,
 * `output` the executable.
 */
export async function assemble(
  folder: string,
  options: { template: string; archive: string; output: string },
): Promise<void> {
  const { template, archive, output } = options;
  const names = Array.from(Deno.readDirSync(folder), (entry) => entry.name).sort();
  const fixed = ["--format=ustar", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];
  await run("tar", [...fixed, "--mode=u=rwX,go=rX", "-cf", archive, "-C", folder, ...names]);
  const digests = (await run("sha256sum", ["--", ...names], { cwd: folder })).trimEnd();
  const header = fillHeader(template, {
    machine: Deno.build.arch,
    digests,
    id: await sha256Hex(digests),
    archiveBytes: (await Deno.stat(archive)).size,
  });
  const unfinished = `${output}.new`;
  await Deno.writeTextFile(unfinished, header);
  using file = await Deno.open(unfinished, { append: true });
  using payload = await Deno.open(archive);
  await payload.readable.pipeTo(file.writable, { preventClose: true });
  await Deno.chmod(unfinished, 0o755);
  await Deno.rename(unfinished, output);
}

/**
 * Fills in the template of the header.
 *
 * @param template The text of `header.sh`.
 * @param payload What follows the header.
 * @returns A shell script of exactly {@linkcode HEADER_BYTES} bytes.
 * @throws {Error} When the header is too long, or a place in it was not filled.
 */
export function fillHeader(template: string, payload: Payload): string {
  if (payload.digests.includes("'")) {
    throw new Error(`cannot quote a name with ' in it for the shell: ${payload.digests}`);
  }
  const cases = Object.keys(LEAN_ENTRIES).map((command) =>
    `    ${command})\n      shift\n` +
    `      exec "$dir/deno" run @LEAN_FLAGS@ "$dir/${leanBundleName(command)}" "$@"\n      ;;`
  );
  const values: Record<string, string> = {
    LEAN_CASES: cases.join("\n"),
    LEAN_FLAGS: LEAN_FLAGS.join(" "),
    RUN_FLAGS: RUN_FLAGS.join(" "),
    MACHINE: payload.machine,
    DIGESTS: payload.digests,
    DIGEST: payload.id,
    HEADER_BYTES: String(HEADER_BYTES),
    FILE_BYTES: String(HEADER_BYTES + payload.archiveBytes),
    UNPACKED_MIB: String(Math.ceil(payload.archiveBytes / 2 ** 20)),
  };
  let text = template;
  for (const [name, value] of Object.entries(values)) text = text.replaceAll(`@${name}@`, value);
  const left = /@[A-Z_]+@/.exec(text);
  if (left) throw new Error(`cannot fill in the header: nothing is known of ${left[0]}`);
  const padding = HEADER_BYTES - new TextEncoder().encode(text).length;
  if (padding < 0) {
    throw new Error(`cannot fill in the header: it is ${-padding} bytes above ${HEADER_BYTES}`);
  }
  return text + "\n".repeat(padding);
}

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
