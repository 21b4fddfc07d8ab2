import { StoreUnavailableError } from "#src/core/mod.ts";

/** So many statements at once, so that one that has to wait does not hold up all others. */
const LANES = 2;
/** What one statement does at most, so that none runs long. */
const MAX_SIZE = 100;

interface Waiting<Input, Output> {
  readonly input: Input;
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Does in one statement what is asked for at the same moment, or while others are under way. A call
 * that comes alone is not held up; many that come together share a round trip and a commit, which
 * cost more than what they do.
 */
export class Batches<Input, Output> {
  readonly #run: (inputs: readonly Input[]) => Promise<readonly Output[]>;
  #waiting: Waiting<Input, Output>[] = [];
  #running = 0;
  #isDue = false;

  /**
   * Starts with nothing to do.
   *
   * @param run Does what was asked for, 1 to 100 at once; what it throws fails them all.
   */
  constructor(run: (inputs: readonly Input[]) => Promise<readonly Output[]>) {
    this.#run = run;
  }

  /**
   * Asks for one more.
   *
   * @param input What for.
   * @returns Its output.
   * @throws {StoreUnavailableError} When the store is away, even if this call was still waiting
   * for its turn: two deadlines, one behind the other, would be too long.
   * @throws {Error} What the statement throws that it was part of.
   */
  add(input: Input): Promise<Output> {
    const { promise, resolve, reject } = Promise.withResolvers<Output>();
    this.#waiting.push({ input, resolve, reject });
    if (!this.#isDue) {
      this.#isDue = true;
      // Those who were woken by the same answer ask again one after the other.
      queueMicrotask(() => {
        this.#isDue = false;
        this.#start();
      });
    }
    return promise;
  }

  #start(): void {
    while (this.#running < LANES && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_SIZE);
      this.#running++;
      void this.#finish(batch);
    }
  }

  async #finish(batch: readonly Waiting<Input, Output>[]): Promise<void> {
    try {
      const outputs = await this.#run(batch.map(({ input }) => input));
      for (const [at, { resolve }] of batch.entries()) resolve(outputs[at] as Output);
    } catch (error) {
      const behind = error instanceof StoreUnavailableError ? this.#waiting.splice(0) : [];
      for (const { reject } of [...batch, ...behind]) reject(error);
    }
    this.#running--;
    this.#start();
  }
}
