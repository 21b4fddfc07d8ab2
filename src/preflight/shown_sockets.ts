import { join, relative } from "node:path/posix";
import type { AppConfig } from "#src/config/mod.ts";
import { type ProbeTarget, targetText } from "#src/probe/mod.ts";
import { probeFromSandbox } from "./egress_probe.ts";
import { advice, type Finding, warning } from "./finding.ts";
import type { PreflightHost, ShownFile } from "./host.ts";
import { lookAt } from "./not_found_out.ts";
import { type Service, SERVICE_NAMES } from "./services.ts";

/** What of the host an app's workers are shown, and where the configuration says so. */
interface Shown extends ShownFile {
  readonly key: string;
}

/** A socket that an app's workers are shown. */
interface ShownSocket {
  readonly service: Service;
  /** What they are shown it by. */
  readonly by: Shown;
  /** Its path in their sandboxes. */
  readonly path: string;
}

/**
 * Says which apps are shown the unix sockets of services, and reach them, whatever their network is.
 *
 * @param host The host.
 * @param services What workers should not reach.
 * @returns What is to be said, empty where nobody is shown one. Never rejects.
 */
export async function judgeShownSockets(
  host: PreflightHost,
  services: readonly Service[],
): Promise<Finding[]> {
  const sockets = services.filter(({ target }) => target.kind === "unix");
  if (sockets.length === 0) return [];
  const found = await Promise.all(host.config.apps.map((app) => judgeApp(host, { app, sockets })));
  return found.flat();
}

async function judgeApp(
  host: PreflightHost,
  { app, sockets }: { app: AppConfig; sockets: readonly Service[] },
): Promise<Finding[]> {
  const look = await lookAt(
    `whether workers of the app "${app.name}" reach what only the server should`,
    async () => await reachedBy(host, { app, sockets: await shownTo(app, sockets) }),
  );
  if ("unknown" in look) return [look.unknown];
  return look.seen.map(({ service: { kind, target }, by }) =>
    warning(
      `a worker of the app "${app.name}" reaches ${SERVICE_NAMES[kind]} at ${
        targetText(target)
      }, ` +
        `which ${by.key} shows it`,
      advice(`Set ${by.key} to a folder without that socket`),
    )
  );
}

async function shownTo(app: AppConfig, sockets: readonly Service[]): Promise<ShownSocket[]> {
  const all = await Promise.all([
    shown(app.path, { target: "/app", key: `apps.${app.name}.path` }),
    ...app.mounts.map(({ source, target }, index) =>
      shown(source, { target, key: `apps.${app.name}.mounts[${index}]` })
    ),
  ]);
  const found = await Promise.all(sockets.map(async (service): Promise<ShownSocket[]> => {
    const { target } = service;
    const path = target.kind === "unix" ? await realPathIfThere(target.path) : undefined;
    if (path === undefined) return [];
    return all.flatMap((by) => {
      const rest = by === undefined ? ".." : relative(by.source, path);
      if (by === undefined || rest === ".." || rest.startsWith("../")) return [];
      return [{ service, by, path: join(by.target, rest) }];
    });
  }));
  return found.flat();
}

/** What is not there can be shown to nobody. */
async function shown(
  source: string,
  where: Pick<Shown, "target" | "key">,
): Promise<Shown | undefined> {
  const path = await realPathIfThere(source);
  return path === undefined ? undefined : { source: path, ...where };
}

async function realPathIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function reachedBy(
  host: PreflightHost,
  { app, sockets }: { app: AppConfig; sockets: readonly ShownSocket[] },
): Promise<ShownSocket[]> {
  if (sockets.length === 0) return [];
  const targetOf = ({ path }: ShownSocket): ProbeTarget => ({ kind: "unix", path });
  const outcomes = await probeFromSandbox(host, sockets.map(targetOf), {
    network: app.network,
    shown: [...new Set(sockets.map(({ by }) => by))],
  });
  const of = (socket: ShownSocket) => outcomes.get(targetText(targetOf(socket)));
  const failed = sockets.map(of).find((outcome) => outcome?.result === "error");
  if (failed !== undefined) throw new Error(`it could not try ${failed.target}: ${failed.message}`);
  return sockets.filter((socket) => of(socket)?.result === "connected");
}
