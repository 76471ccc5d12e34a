import type { Pointer } from "./ffi/ffi.ts";
import type { SystemCalls } from "./system_calls.ts";

/** The clock of the system that is never set, but slewed as the time of day is. */
const CLOCK_MONOTONIC = 1;
const UNITS_PER_NANOSECOND = 2 ** 32 / 1e9;

/** `CLOCK_MONOTONIC`: a counter that is the same in all threads, from no origin in particular. */
export class MonotonicCounter {
  readonly #calls: SystemCalls;
  readonly #words: Int32Array;
  readonly #pointer: Pointer;

  /** @param calls of this machine */
  constructor(calls: SystemCalls) {
    const buffer = new ArrayBuffer(64); // a struct timespec
    this.#calls = calls;
    this.#words = new Int32Array(buffer);
    this.#pointer = calls.pointer(buffer);
  }

  /**
   * Reads it, without allocation.
   *
   * @param into written: seconds word, fraction word
   */
  read(into: Uint32Array): void {
    this.#calls.clock_gettime(CLOCK_MONOTONIC, this.#pointer);
    into[0] = this.#words[0]!;
    into[1] = this.#words[2]! * UNITS_PER_NANOSECOND;
  }
}
