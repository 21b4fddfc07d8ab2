import { dirname } from "node:path/posix";

/** How many random bytes a token is made of. */
const TOKEN_BYTES = 32;
/** The longest file that is read as a token, in bytes. */
const MAX_BYTES = 1024;
/** What fits into an Authorization field (RFC 6750, 2.1) and cannot be guessed. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}={0,2}$/;

/** The name of the token's file in the server's data folder. */
export const ADMIN_TOKEN_NAME = "admin-token";

/**
 * Reads the token that the API wants, and makes one where there is none yet.
 *
 * @param path Absolute path of its file.
 * @param options `uid` is who this process runs as; `create` is whether to make a file that is not
 * there, in a folder that nobody else can write to.
 * @returns The token.
 * @throws {Error} When others could have read or written the file, or it holds no token; the message
 * does not repeat it.
 */
export async function readAdminToken(
  path: string,
  { uid, create }: { uid: number; create: boolean },
): Promise<string> {
  try {
    return await readToken(path, uid);
  } catch (error) {
    if (!create || !(error instanceof Deno.errors.NotFound)) throw wrapped(path, error);
  }
  try {
    await makeToken(path);
    return await readToken(path, uid);
  } catch (error) {
    throw wrapped(path, error);
  }
}

async function readToken(path: string, uid: number): Promise<string> {
  // Before it is opened: that would wait for the other side of a named pipe.
  const { isFile, isSymlink } = await Deno.lstat(path);
  if (isSymlink) throw new Error("it is a link, want the file itself");
  if (!isFile) throw new Error("it is not a regular file");
  using file = await Deno.open(path);
  const info = await file.stat();
  if (info.uid !== 0 && info.uid !== uid) {
    throw new Error(`it belongs to uid ${info.uid}, want root or uid ${uid}`);
  }
  if (((info.mode ?? 0o777) & 0o077) !== 0) throw new Error("others can read it, want mode 0600");
  const buffer = new Uint8Array(MAX_BYTES);
  let length = 0;
  for (;;) {
    const count = await file.read(buffer.subarray(length));
    if (count === null || count === 0) break;
    length += count;
  }
  const token = new TextDecoder().decode(buffer.subarray(0, length)).trim();
  if (!TOKEN.test(token)) {
    throw new Error("it holds no token, want one line of 16 or more letters, digits and -._~+/");
  }
  return token;
}

/** Servers that start at one moment share what the first of them made. */
async function makeToken(path: string): Promise<void> {
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  const temporary = `${dirname(path)}/.${ADMIN_TOKEN_NAME}.${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(temporary, `${token}\n`, { mode: 0o600, createNew: true });
    await Deno.link(temporary, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    await Deno.remove(temporary).catch(() => undefined);
  }
}

function wrapped(path: string, error: unknown): Error {
  const cause = error instanceof Deno.errors.NotFound ? new Error("there is no such file") : error;
  return new Error(`cannot use ${path} as the API's token`, { cause });
}
