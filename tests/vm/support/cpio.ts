/** A file or folder of an archive. */
export interface CpioEntry {
  /** Its path, relative to the root; the folders above it are entries of their own, before it. */
  readonly path: string;
  /** What is in the file; undefined for a folder. */
  readonly data?: Uint8Array | undefined;
}

/** Everything in an archive belongs to root, and may be read and executed by all. */
const MODES = { file: 0o100755, folder: 0o040755 };
const TRAILER = "TRAILER!!!";

/**
 * Packs an archive that the kernel unpacks as its first file system: the "newc" format of
 * Documentation/driver-api/early-userspace/buffer-format.rst.
 *
 * @param entries What is in it.
 * @returns The archive.
 */
export function packCpio(entries: readonly CpioEntry[]): Uint8Array {
  const parts = entries.flatMap(({ path, data }, index) =>
    packEntry(path, {
      inode: index + 1,
      mode: data === undefined ? MODES.folder : MODES.file,
      data: data ?? new Uint8Array(),
    })
  );
  return concat([...parts, ...packEntry(TRAILER, { inode: 0, mode: 0, data: new Uint8Array() })]);
}

function packEntry(
  path: string,
  { inode, mode, data }: { inode: number; mode: number; data: Uint8Array },
): Uint8Array[] {
  const name = new TextEncoder().encode(`${path}\0`);
  // ino, mode, uid, gid, nlink, mtime, filesize, device (4 numbers), namesize, check
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return [padded(concat([new TextEncoder().encode(header), name])), padded(data)];
}

/** Headers and contents begin at multiples of 4. */
function padded(bytes: Uint8Array): Uint8Array {
  return concat([bytes, new Uint8Array(-bytes.length & 3)]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
