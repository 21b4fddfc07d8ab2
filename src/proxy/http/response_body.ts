/** How many turns of the microtask queue a stream gets to say that it has ended. */
const TURNS = 4;

/** The body of a fetch `Response`, opened to be sent. */
export class ResponseBody {
  /** The length in bytes, if it is known before everything was read. */
  readonly length: number | undefined;
  #ready: Uint8Array | undefined;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #next: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;

  private constructor(
    { length, ready, reader, next }: {
      length?: number;
      ready?: Uint8Array | undefined;
      reader?: ReadableStreamDefaultReader<Uint8Array>;
      next?: Promise<ReadableStreamReadResult<Uint8Array>>;
    },
  ) {
    this.length = length;
    this.#ready = ready;
    this.#reader = reader;
    this.#next = next;
  }

  /**
   * Reads the beginning of a body. One that is all there, such as a string, ends right behind its
   * first piece, and its length is known from then on.
   *
   * @param reader The body's reader; undefined when there is no body.
   * @returns The opened body.
   * @throws {Error} When the stream fails.
   */
  static async open(
    reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
  ): Promise<ResponseBody> {
    if (reader === undefined) return new ResponseBody({ length: 0 });
    const first = await reader.read();
    if (first.done) return new ResponseBody({ length: 0 });
    const ready = checked(first.value);
    const next = reader.read();
    let settled: ReadableStreamReadResult<Uint8Array> | undefined;
    next.then((result) => settled = result, () => {});
    for (let turn = 0; turn < TURNS && settled === undefined; turn++) await undefined;
    return settled?.done === true
      ? new ResponseBody({ length: ready.length, ready })
      : new ResponseBody({ ready, reader, next });
  }

  /**
   * Reads on.
   *
   * @returns The next piece, possibly empty; undefined when the body is over.
   * @throws {Error} When the stream fails or holds something other than bytes.
   */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#ready !== undefined) {
      const ready = this.#ready;
      this.#ready = undefined;
      return ready;
    }
    if (this.#reader === undefined) return undefined;
    const result = await (this.#next ?? this.#reader.read());
    this.#next = undefined;
    return result.done ? undefined : checked(result.value);
  }
}

function checked(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  throw new TypeError(`cannot send a ${typeof piece} in a response's stream: want a Uint8Array`);
}
