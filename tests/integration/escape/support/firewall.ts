/**
 * The rules that an administrator's server sets on its host.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { assertEquals } from "#tests/support/assert.ts";
import type { TempFolder } from "#tests/support/temp_folder.ts";
import { type HostNetwork, SERVICES } from "./network.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** As systemd-resolved writes it; systemd-resolved.service(8). */
const RESOLV_CONF = "nameserver 127.0.0.53\n";

/**
 * Sets the rules of `firewall.mode: managed` in a namespace.
 *
 * @param network Whose host it is.
 * @param options `uids` are the first and the last of the workers; `folder` is for files.
 * @throws {Error} When they cannot be set.
 */
export async function setRules(
  { host }: HostNetwork,
  { uids: [start, end], folder }: { uids: readonly [number, number]; folder: TempFolder },
): Promise<void> {
  const config = await folder.write(
    "firewall.yaml",
    `server: { data_dir: ${folder.path}/data }
process: { worker_uid_range_start: ${start}, worker_uid_range_end: ${end}, worker_gid: ${start} }
proxy: { max_workers: ${end - start + 1} }
firewall: { mode: managed, deny: ["${SERVICES.deny}"] }
redis: { url: "${SERVICES.redis}" }
database: { driver: postgres, url: "${SERVICES.database}" }
`,
  );
  const resolvConf = await folder.write("resolv.conf", RESOLV_CONF);
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  const { code, stderr } = await host.run([
    ...["unshare", "-m", "sh", "-c", script, resolvConf],
    ...[Deno.execPath(), "run", "-A", "--quiet", "--config", `${ROOT}deno.json`],
    ...[`${ROOT}main.ts`, "firewall", "apply", "--config", config],
  ]);
  assertEquals([code, stderr], [0, ""]);
}
