/** A compiled system call filter, as bwrap takes it. */
export interface SeccompFilter {
  /** How many instructions it has, 1 to 4096. */
  readonly instructions: number;
  /** The program in base64, for a launch job. */
  readonly base64: string;
}

/** The size of one classic BPF instruction, `struct sock_filter` of linux/filter.h, in bytes. */
export const INSTRUCTION_BYTES = 8;

/** The most instructions of a program: BPF_MAXINSNS of linux/bpf_common.h. */
export const MAX_INSTRUCTIONS = 4096;

const MAX_BYTES = MAX_INSTRUCTIONS * INSTRUCTION_BYTES;

/**
 * Reads a compiled system call filter: classic BPF instructions of 8 bytes each in the byte order of
 * this machine, as libseccomp's `seccomp_export_bpf` writes them (seccomp(2)). Whether the kernel
 * takes the program is known only when it is loaded.
 *
 * @param path Absolute path of the file.
 * @param options `uid` is who this process runs as.
 * @returns The filter.
 * @throws {Error} When there is no such file, others than root or this user could have written it,
 * or it holds no whole instructions.
 */
export async function readSeccompFilter(
  path: string,
  { uid }: { uid: number },
): Promise<SeccompFilter> {
  const problem = (what: string, cause?: unknown) =>
    new Error(`cannot use ${path} as the system call filter: ${what}`, { cause });
  let bytes: Uint8Array;
  try {
    // Before it is opened: that would wait for the other side of a named pipe.
    const { isFile } = await Deno.stat(path);
    if (!isFile) throw problem("it is not a regular file");
    using file = await Deno.open(path);
    const info = await file.stat();
    if (info.uid !== 0 && info.uid !== uid) {
      throw problem(`it belongs to uid ${info.uid}, want root or uid ${uid}`);
    }
    if (((info.mode ?? 0o777) & 0o022) !== 0) throw problem("others can write to it");
    bytes = await readAtMost(file, MAX_BYTES + 1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw problem("there is no such file");
    if (error instanceof Error && error.message.startsWith("cannot use ")) throw error;
    throw problem("it cannot be read", error);
  }
  if (bytes.length === 0) throw problem("it is empty");
  if (bytes.length > MAX_BYTES) {
    throw problem(
      `it has more than ${MAX_INSTRUCTIONS} instructions of ${INSTRUCTION_BYTES} bytes`,
    );
  }
  if (bytes.length % INSTRUCTION_BYTES !== 0) {
    throw problem(
      `its ${bytes.length} bytes are not whole instructions of ${INSTRUCTION_BYTES} bytes`,
    );
  }
  return { instructions: bytes.length / INSTRUCTION_BYTES, base64: bytes.toBase64() };
}

async function readAtMost(file: Deno.FsFile, maxBytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const count = await file.read(buffer.subarray(length));
    if (count === null) break;
    length += count;
  }
  return buffer.subarray(0, length);
}
