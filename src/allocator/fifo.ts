interface Node {
  readonly value: number;
  next: Node | undefined;
}

/**
 * A queue of numbers, first in, first out. A linked list, so that no single call is ever slow: an
 * array would have to be moved now and then.
 */
export class Fifo {
  #head: Node | undefined;
  #tail: Node | undefined;

  /**
   * Puts a number behind all others. Takes constant time.
   *
   * @param value The number.
   */
  push(value: number): void {
    const node: Node = { value, next: undefined };
    if (this.#tail === undefined) this.#head = node;
    else this.#tail.next = node;
    this.#tail = node;
  }

  /**
   * Takes the number that waited longest. Takes constant time.
   *
   * @returns The number, or undefined when the queue is empty.
   */
  shift(): number | undefined {
    const node = this.#head;
    if (node === undefined) return undefined;
    this.#head = node.next;
    if (this.#head === undefined) this.#tail = undefined;
    return node.value;
  }
}
