/**
 * The kernel of the virtual machine: one that a package has installed on this host.
 *
 * @module
 */

/** A kernel, and its modules. */
export interface Kernel {
  /** Absolute path of the image. */
  readonly image: string;
  /** Absolute path of the folder of its modules. */
  readonly modules: string;
}

/** The module whose presence tells a kernel that can use the host's files; cloud kernels lack it. */
const WANTED = "kernel/fs/9p/9p.ko";

/**
 * Finds the newest installed kernel that can use the files of a host.
 *
 * @param root What to look below; empty for this host.
 * @returns The kernel; undefined when there is none.
 */
export function findKernel(root = ""): Kernel | undefined {
  return list(`${root}/lib/modules`)
    .map((release) => ({
      image: `${root}/boot/vmlinuz-${release}`,
      modules: `${root}/lib/modules/${release}`,
    }))
    .filter(({ image, modules }) =>
      exists(image) && (exists(`${modules}/${WANTED}`) || exists(`${modules}/${WANTED}.xz`))
    )
    .sort((a, b) => a.image.localeCompare(b.image, "en", { numeric: true }))
    .at(-1);
}

/**
 * Reads a module.
 *
 * @param kernel The kernel that it belongs to.
 * @param path Its path in the folder of modules.
 * @returns Its contents, unpacked.
 * @throws {Error} When it is packed in a way that is not known, or cannot be unpacked.
 */
export async function readModule(kernel: Kernel, path: string): Promise<Uint8Array> {
  const file = `${kernel.modules}/${path}`;
  if (path.endsWith(".ko")) return await Deno.readFile(file);
  if (!path.endsWith(".ko.xz")) throw new Error(`cannot unpack ${file}: want .ko or .ko.xz`);
  const { code, stdout, stderr } = await new Deno.Command("xz", { args: ["-dc", file] }).output();
  if (code !== 0) throw new Error(`cannot unpack ${file}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/**
 * Tells which modules are to be loaded, and in which order.
 *
 * @param wanted Names of modules, such as `virtio_pci`.
 * @param dependencies The text of the kernel's `modules.dep`: a line `module: what it needs` for
 * each, the last needed being the first to be loaded (modules.dep(5)).
 * @returns Their paths in the folder of modules, each once. Names that are not in the text are left
 * out: those are built in.
 */
export function moduleOrder(wanted: readonly string[], dependencies: string): string[] {
  const lines = new Map(
    dependencies.split("\n").map((line) => {
      const [path = "", needed = ""] = line.split(":");
      return [moduleName(path), { path, needed: needed.trim().split(" ").filter(Boolean) }];
    }),
  );
  const order = wanted.flatMap((name) => {
    const line = lines.get(name);
    return line === undefined ? [] : [...line.needed.toReversed(), line.path];
  });
  return [...new Set(order)];
}

/** The kernel treats `-` and `_` in names of modules alike. */
function moduleName(path: string): string {
  return path.replace(/^.*\//, "").replace(/\.ko.*$/, "").replaceAll("-", "_");
}

function list(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
