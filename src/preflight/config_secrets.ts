import type { Config } from "#src/config/mod.ts";
import type { ServerIdentity } from "#src/sandbox/mod.ts";
import { hasBits } from "./file_rights.ts";
import { advice, type Finding, type Fix, info, warning } from "./finding.ts";
import { lookAt } from "./not_found_out.ts";
import type { PathWalk } from "./path_walk.ts";
import { commandsOn } from "./shell_quote.ts";
import { listText } from "./wording.ts";

const GROUP_READS = 0o040;
const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;
const GROUP_ENTERS = 0o010;

/** Who besides its owner can read a file. */
type Readers = { readonly kind: "everybody" } | { readonly kind: "group"; readonly gid: number };

/**
 * Says whether others can read secrets in the configuration file. Its group may be meant to, unless it
 * is root's or the server's own.
 *
 * @param walk The way to the file.
 * @param options `config` is what it says; `identity` is who the server runs as.
 * @returns A warning, for a group something to know, with the kinds of the secrets, never with one of
 * them; nothing when all is well. Never rejects.
 */
export async function judgeSecrets(
  walk: PathWalk,
  { config, identity }: { config: Config; identity: ServerIdentity },
): Promise<Finding[]> {
  const readers = readersOf(walk, identity);
  const end = walk.steps.at(-1);
  if (readers === undefined || end === undefined || !mayHoldSecrets(config)) return [];
  const { path, info: { isFile } } = end;
  const look = await lookAt(`whether there are secrets in ${path}`, () => {
    // Reading anything else may never end.
    if (!isFile) throw new Error("it is no regular file");
    return Deno.readTextFile(path);
  });
  if ("unknown" in look) return [look.unknown];
  const kinds = secretsIn(look.seen, config);
  if (kinds.length === 0) return [];
  const what = `can read ${path}, which holds ${listText(kinds)}`;
  return [
    readers.kind === "everybody"
      ? warning(`everybody ${what}`, hide(end, identity))
      : info(`whoever is in the group ${readers.gid} ${what}`, commandsOn(["chmod g-r"], path)),
  ];
}

function readersOf({ steps, missing }: PathWalk, identity: ServerIdentity): Readers | undefined {
  const end = steps.at(-1);
  if (missing !== undefined || end === undefined) return undefined;
  const folders = steps.filter(({ info }) => info.isDirectory).map(({ info }) => info);
  if (
    hasBits(end.info, OTHERS_READ) && folders.every((folder) => hasBits(folder, OTHERS_ENTER))
  ) return { kind: "everybody" };
  const { gid } = end.info;
  const isOwn = gid === null || gid === 0 || isInGroup(gid, identity);
  const enters = (folder: Deno.FileInfo) =>
    hasBits(folder, folder.gid === gid ? GROUP_ENTERS : OTHERS_ENTER);
  return !isOwn && hasBits(end.info, GROUP_READS) && folders.every(enters)
    ? { kind: "group", gid }
    : undefined;
}

/**
 * Lists the kinds of secrets that stand in a configuration file.
 *
 * @param text The file's text.
 * @param config What was made of it and of the environment.
 * @returns The kinds, as parts of a sentence.
 */
export function secretsIn(text: string, config: Config): string[] {
  const urls = urlsOf(config).filter(({ url }) => hasPassword(url) && stands(url, text));
  const apps = config.apps.filter(hasEnvironment).map(({ name }) => `apps.${name}.env`);
  return [
    ...urls.map(({ key }) => `the password in ${key}`),
    ...apps.length === 0 ? [] : [`values in ${listText(apps)}`],
  ];
}

function mayHoldSecrets(config: Config): boolean {
  return config.apps.some(hasEnvironment) || urlsOf(config).some(({ url }) => hasPassword(url));
}

function hasEnvironment({ env }: Config["apps"][number]): boolean {
  return Object.values(env).some((value) => value !== "");
}

function urlsOf({ store }: Config): { key: string; url: string }[] {
  return [
    ..."redis" in store ? [{ key: "redis.url", url: store.redis.url }] : [],
    ..."database" in store ? [{ key: "database.url", url: store.database.url }] : [],
  ];
}

/** In front of the host, or, as libpq takes it, behind the question mark. */
function hasPassword(url: string): boolean {
  return /^[a-z+]+:\/\/[^/?#]*:[^/?#]+@/.test(url) || /[?&](?:ssl)?password=[^&]/.test(url);
}

/** YAML has quotes twice between single quotes. */
function stands(url: string, text: string): boolean {
  return text.includes(url) || text.includes(url.replaceAll("'", "''"));
}

/** Where the server reads it like everybody else, it must not be locked out. */
function hide({ path, info }: PathWalk["steps"][number], identity: ServerIdentity): Fix {
  const isOwner = identity.isRoot || info.uid === identity.uid;
  const isReader = info.gid !== null && isInGroup(info.gid, identity) && hasBits(info, GROUP_READS);
  if (isOwner || isReader) return commandsOn(["chmod o-r"], path);
  return advice(
    `Let the server's user own ${path}, and nobody else read it, or put the secrets into the ` +
      "server's environment",
  );
}

function isInGroup(gid: number, identity: ServerIdentity): boolean {
  return [identity.gid, ...identity.groups].some((own) => own === gid);
}
