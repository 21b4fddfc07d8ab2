/** Something that wants a place and is called when one may be free. */
export type PlaceSeeker = () => void;

/**
 * The places for workers that all apps share. Who finds none queues; a freed place goes to the head
 * of the queue, and who wants more than one queues again behind the others.
 */
export class WorkerPlaces {
  readonly #max: number;
  readonly #onFull: () => void;
  readonly #queue = new Set<PlaceSeeker>();
  #taken = 0;

  /**
   * Makes places that are all free.
   *
   * @param max How many workers may exist at a time, 1 or more.
   * @param options `onFull` is told each time that a seeker queues because every place is taken.
   */
  constructor(max: number, options: { onFull?: () => void } = {}) {
    this.#max = max;
    this.#onFull = options.onFull ?? (() => {});
  }

  /** How many seekers are queued. */
  get queued(): number {
    return this.#queue.size;
  }

  /**
   * Takes a place, or queues for one.
   *
   * @param seeker Called when a place may be free; it asks again then.
   * @returns Whether a place was taken.
   */
  take(seeker: PlaceSeeker): boolean {
    const isNext = this.#queue.size === 0 || this.#head() === seeker;
    if (isNext && this.#taken < this.#max) {
      this.#queue.delete(seeker);
      this.#taken++;
      return true;
    }
    this.#queue.add(seeker);
    if (this.#taken >= this.#max) this.#onFull();
    return false;
  }

  /**
   * Takes a place that nobody waits for, and never queues.
   *
   * @returns Whether there was one.
   */
  takeSpare(): boolean {
    if (this.#taken >= this.#max || this.#queue.size > 0) return false;
    this.#taken++;
    return true;
  }

  /** Gives a place back, once for each that was taken. */
  give(): void {
    this.#taken--;
    while (this.#taken < this.#max) {
      const head = this.#head();
      if (head === undefined) return;
      head();
      // One that did not want the place any more must not hold up the others.
      if (this.#taken < this.#max && this.#head() === head) this.#queue.delete(head);
    }
  }

  #head(): PlaceSeeker | undefined {
    return this.#queue.values().next().value;
  }
}
