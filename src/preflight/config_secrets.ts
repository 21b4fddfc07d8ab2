import type { Config } from "#src/config/mod.ts";
import type { ServerIdentity } from "#src/sandbox/mod.ts";
import { hasBits } from "./file_rights.ts";
import { advice, type Finding, type Fix, warning } from "./finding.ts";
import { lookAt } from "./not_found_out.ts";
import type { PathWalk } from "./path_walk.ts";
import { commandsOn } from "./shell_quote.ts";
import { listText } from "./wording.ts";

const GROUP_READS = 0o040;
const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

/**
 * Says whether others can read secrets in the configuration file.
 *
 * @param walk The way to the file.
 * @param options `config` is what it says; `identity` is who the server runs as.
 * @returns A warning with the kinds of the secrets, never with one of them; nothing when all is well.
 * Never rejects.
 */
export async function judgeSecrets(
  { steps, missing }: PathWalk,
  { config, identity }: { config: Config; identity: ServerIdentity },
): Promise<Finding[]> {
  const folders = steps.filter(({ info }) => info.isDirectory);
  const end = steps.at(-1);
  if (missing !== undefined || end === undefined || !hasBits(end.info, OTHERS_READ)) return [];
  if (!folders.every(({ info }) => hasBits(info, OTHERS_ENTER))) return [];
  if (!mayHoldSecrets(config)) return [];
  const { path, info } = end;
  const look = await lookAt(`whether there are secrets in ${path}`, () => {
    // Reading anything else may never end.
    if (!info.isFile) throw new Error("it is no regular file");
    return Deno.readTextFile(path);
  });
  if ("unknown" in look) return [look.unknown];
  const kinds = secretsIn(look.seen, config);
  if (kinds.length === 0) return [];
  return [
    warning(`everybody can read ${path}, which holds ${listText(kinds)}`, hide(end, identity)),
  ];
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
  const isInGroup = [identity.gid, ...identity.groups].some((gid) => gid === info.gid);
  if (isOwner || (isInGroup && hasBits(info, GROUP_READS))) return commandsOn(["chmod o-r"], path);
  return advice(
    `Let the server's user own ${path}, and nobody else read it, or put the secrets into the ` +
      "server's environment",
  );
}
