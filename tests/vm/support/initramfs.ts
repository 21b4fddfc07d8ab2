import { fileURLToPath } from "node:url";
import { type CpioEntry, packCpio } from "./cpio.ts";
import { type Kernel, moduleOrder, readModule } from "./kernel.ts";

/** The program that the first one is made of; Debian's package busybox-static. */
export const BUSYBOX = "/bin/busybox";

/** An account of the virtual machine. */
export interface Account {
  /** Its name. */
  readonly name: string;
  /** Its uid, and the gid of its only group. */
  readonly uid: number;
  /** Absolute path of its home folder, which nobody else may enter. */
  readonly home: string;
}

/** What the first program starts: the agent alone, or systemd, which starts the agent as a service. */
export type Manager = "none" | "systemd";

/** The host's files through 9p, changes to them in memory, and the channel. */
const MODULES = ["virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"];
const [INIT, SYSTEMD] = ["init.sh", "systemd.sh"].map((name) =>
  fileURLToPath(new URL(`../guest/${name}`, import.meta.url))
) as [string, string];

/**
 * Makes the file system that the kernel starts with.
 *
 * @param kernel The kernel.
 * @param options `agent` is the command line of the program that the machine lives for, `account` an
 * account that it has besides the host's.
 * @returns The file system, as an archive.
 */
export async function buildInitramfs(
  kernel: Kernel,
  { agent, account, manager }: {
    agent: readonly string[];
    account: Account;
    manager: Manager;
  },
): Promise<Uint8Array> {
  const dependencies = await Deno.readTextFile(`${kernel.modules}/modules.dep`);
  const order = moduleOrder(MODULES, dependencies);
  const modules = await Promise.all(order.map(async (path, index): Promise<CpioEntry> => ({
    path: `modules/${index}`,
    data: await readModule(kernel, path),
  })));
  const { name, uid, home } = account;
  const parameters = [manager, name, String(uid), home, ...agent].map(quote).join(" ");
  return packCpio([
    { path: "bin" },
    { path: "bin/busybox", data: await Deno.readFile(BUSYBOX) },
    { path: "init", data: await Deno.readFile(INIT) },
    { path: "systemd.sh", data: await Deno.readFile(SYSTEMD) },
    { path: "modules" },
    ...modules,
    { path: "modules/order", data: lines(modules.map((_, index) => String(index))) },
    { path: "settings", data: lines([`set -- ${parameters}`]) },
  ]);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function lines(texts: readonly string[]): Uint8Array {
  return new TextEncoder().encode(texts.map((text) => `${text}\n`).join(""));
}
