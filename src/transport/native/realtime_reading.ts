import type { Pointer } from "./ffi/ffi.ts";
import { CLOCK_REALTIME } from "./linux.ts";
import type { SystemCalls } from "./system_calls.ts";

/** The system's clock, read into numbers. */
export class RealtimeReading {
  /** Unix time of the last reading, as a signed word: compare by difference. */
  seconds = 0;
  nanoseconds = 0;
  /** How long before the last {@linkcode RealtimeReading.mark} the one before it was. */
  idleNanoseconds = 0;
  readonly #calls: SystemCalls;
  readonly #words: Int32Array;
  readonly #pointer: Pointer;
  #markSeconds = 0;
  #markNanoseconds = 0;

  constructor(calls: SystemCalls) {
    const buffer = new ArrayBuffer(64);
    this.#calls = calls;
    this.#words = new Int32Array(buffer);
    this.#pointer = calls.pointer(buffer);
  }

  /** Reads the clock. */
  read(): void {
    this.#calls.clock_gettime(CLOCK_REALTIME, this.#pointer);
    this.seconds = this.#words[0]!;
    this.nanoseconds = this.#words[2]!;
  }

  /** Reads the clock, and tells how long the last time was ago. */
  mark(): void {
    this.read();
    this.idleNanoseconds = (this.seconds - this.#markSeconds) * 1e9 +
      (this.nanoseconds - this.#markNanoseconds);
    this.#markSeconds = this.seconds;
    this.#markNanoseconds = this.nanoseconds;
  }

  /** How much later than another reading it is, in nanoseconds. */
  nanosecondsSince(other: RealtimeReading): number {
    return (this.seconds - other.seconds) * 1e9 + (this.nanoseconds - other.nanoseconds);
  }
}
