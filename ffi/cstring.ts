const encoder = new TextEncoder();

/**
 * Turns a string into what C expects.
 *
 * @param text Any text without NUL.
 * @returns Its UTF-8 bytes and a terminating zero.
 * @throws {RangeError} When the text contains NUL, which would silently cut it.
 */
export function cstring(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) {
    throw new RangeError(`cannot pass ${JSON.stringify(text)} to the system: it contains NUL`);
  }
  return encoder.encode(text + "\0");
}

/** A NULL-terminated `char *const []` and the strings that it points to. */
export interface CStringArray {
  /** The pointers, ended by a null pointer. */
  readonly pointers: BigUint64Array<ArrayBuffer>;
  /** What they point to; must stay referenced as long as C may read. */
  readonly strings: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Turns strings into an argument or environment vector for execve(2).
 *
 * @param texts Texts without NUL.
 * @returns The vector; keep the whole object referenced until the call is over.
 * @throws {RangeError} When a text contains NUL.
 */
export function cstringArray(texts: readonly string[]): CStringArray {
  const strings = texts.map(cstring);
  const pointers = new BigUint64Array(strings.length + 1);
  strings.forEach((bytes, index) => {
    pointers[index] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
  });
  return { pointers, strings };
}
