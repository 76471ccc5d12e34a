import { CallQueue } from "./call_queue.ts";

/** How late calls were made, in milliseconds; see {@linkcode Punctual}. */
export interface Lateness {
  /** How many calls were made. */
  readonly count: number;
  /** Mean. */
  readonly mean: number;
  /** What half of them did not exceed, of the last 4096. */
  readonly median: number;
  /** What 99 % of them did not exceed, of the last 4096. */
  readonly p99: number;
  /** Largest of all. */
  readonly max: number;
}

/** Nearer than this the processor waits without letting anything else run, in milliseconds. */
const BUSY_MS = 0.05;
/** Timers of the runtimes count whole milliseconds, and may take one more. */
const TIMER_SLACK_MS = 1;
/** How many of the last calls the median is of. */
const KEPT = 4096;

/**
 * Calls at real times to some microseconds, which the timers of runtimes cannot: they are used for
 * all but the last milliseconds, which are spent asking for the time between other events.
 */
export class Punctual {
  readonly #spinMs: number;
  readonly #calls = new CallQueue();
  readonly #late = new Float64Array(KEPT);
  #count = 0;
  #sum = 0;
  #max = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is due. */
  #wake = Infinity;
  #isSpinning = false;

  /** @param spinMs for how long before a call to ask for the time instead of using timers */
  constructor(spinMs: number) {
    this.#spinMs = spinMs;
  }

  /** The time that calls are due by, in milliseconds. */
  now(): number {
    return performance.now();
  }

  /** Calls `callback` at a time of {@linkcode Punctual.now}, or at once if that is past. */
  at(due: number, callback: () => void): void {
    this.#calls.add(due, callback);
    this.#arm();
  }

  /** Forgets all calls. */
  clear(): void {
    while (this.#calls.take() !== undefined);
    clearTimeout(this.#timer);
    this.#wake = Infinity;
  }

  /** How late the calls were made. */
  lateness(): Lateness {
    const sorted = this.#late.slice(0, Math.min(this.#count, KEPT)).sort();
    const part = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      median: part(0.5),
      p99: part(0.99),
      max: this.#max,
    };
  }

  #arm(): void {
    const due = this.#calls.nextDue();
    if (due === Infinity || this.#isSpinning) return;
    const wait = Math.floor(due - this.now() - this.#spinMs - TIMER_SLACK_MS);
    if (wait < 1) {
      this.#isSpinning = true;
      setImmediate(this.#spin);
    } else if (due < this.#wake) {
      clearTimeout(this.#timer);
      this.#wake = due;
      this.#timer = setTimeout(() => {
        this.#wake = Infinity;
        this.#arm();
      }, wait);
    }
  }

  readonly #spin = (): void => {
    const due = this.#calls.nextDue();
    let now = this.now();
    if (due - now <= BUSY_MS) {
      while (now < due) now = this.now();
      this.#note(now - due);
      this.#calls.take()!();
    }
    // One call in a turn of the event loop: what is sent in one turn Deno sends in reverse.
    this.#isSpinning = false;
    this.#arm();
  };

  #note(late: number): void {
    this.#late[this.#count++ % KEPT] = late;
    this.#sum += late;
    if (late > this.#max) this.#max = late;
  }
}

/** All three runtimes have it, as does none of their type libraries in common. */
declare function setImmediate(callback: () => void): unknown;
