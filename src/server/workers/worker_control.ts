/**
 * Words of shared memory by which the main thread steers a worker, which does not look for messages
 * while it serves, and sees that it lives.
 */

/** Counts the messages that were posted to the worker: it looks for those it has not seen. */
const POSTED = 0;
/** Not 0: end. */
const ENDING = 1;
/** Grows while the worker lives. */
const BEATS = 2;
/** Modes that somebody takes, a bit each. */
const ROUTES = 3;
const LENGTH = 4;

/** Memory for a {@linkcode WorkerControl}. */
export function makeWorkerControl(): SharedArrayBuffer {
  return new SharedArrayBuffer(LENGTH * Int32Array.BYTES_PER_ELEMENT);
}

/** Both ends of what steers a worker. */
export class WorkerControl {
  readonly #words: Int32Array;

  /** @param memory as `makeWorkerControl()` makes it */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** How many messages were posted to the worker behind its setup. */
  get posted(): number {
    return Atomics.load(this.#words, POSTED);
  }

  /** Counts a message, before it is posted. */
  countPosted(): void {
    Atomics.add(this.#words, POSTED, 1);
  }

  /** Whether the worker is to end. */
  get isEnding(): boolean {
    return Atomics.load(this.#words, ENDING) !== 0;
  }

  /** Makes the worker end at its next turn. */
  end(): void {
    Atomics.store(this.#words, ENDING, 1);
  }

  /** Grows while the worker lives. */
  get beats(): number {
    return Atomics.load(this.#words, BEATS);
  }

  /** Tells that the worker lives. */
  beat(): void {
    Atomics.add(this.#words, BEATS, 1);
  }

  /** Modes whose datagrams go to the main thread: bit `1 << mode`. */
  get routes(): number {
    return Atomics.load(this.#words, ROUTES);
  }

  /** Sets them. */
  setRoutes(bits: number): void {
    Atomics.store(this.#words, ROUTES, bits);
  }
}
