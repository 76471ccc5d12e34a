/** A call waiting for its time. */
interface Call {
  readonly due: number;
  /** Tells calls due at the same time apart: the one asked for first goes first. */
  readonly order: number;
  /** Undefined once cancelled or taken. */
  callback: (() => void) | undefined;
}

/**
 * Calls in the order of their time, those of one time in the order they were asked for: a binary
 * heap. Cancelled calls stay until they come up or are the larger part.
 */
export class CallQueue {
  #heap: Call[] = [];
  #order = 0;
  #size = 0;

  /** How many calls wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds a call.
   *
   * @param due its time, in any unit
   * @param callback what to call
   * @returns a function that cancels it; harmless afterwards and when called twice
   */
  add(due: number, callback: () => void): () => void {
    const call: Call = { due, order: this.#order++, callback };
    this.#size++;
    this.#heap.push(call);
    this.#up(this.#heap.length - 1);
    return () => {
      if (call.callback === undefined) return;
      call.callback = undefined;
      this.#size--;
      if (this.#heap.length > 2 * this.#size + 64) this.#compact();
    };
  }

  /** When the next call is due; Infinity when none waits. */
  nextDue(): number {
    while (this.#heap.length > 0 && this.#heap[0]!.callback === undefined) this.#removeFirst();
    return this.#heap.length > 0 ? this.#heap[0]!.due : Infinity;
  }

  /** Takes the next call out; undefined when none waits. */
  take(): (() => void) | undefined {
    if (this.nextDue() === Infinity) return undefined;
    const call = this.#heap[0]!, { callback } = call;
    this.#removeFirst();
    call.callback = undefined;
    this.#size--;
    return callback;
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #compact(): void {
    this.#heap = this.#heap.filter((call) => call.callback !== undefined);
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#down(i);
  }

  #up(index: number): void {
    const heap = this.#heap, call = heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(call, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = call;
  }

  #down(index: number): void {
    const heap = this.#heap, call = heap[index]!;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, call)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = call;
  }
}

function isBefore(a: Call, b: Call): boolean {
  return a.due !== b.due ? a.due < b.due : a.order < b.order;
}
