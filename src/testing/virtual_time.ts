import type { Clock, ClockState } from "../clock/clock.ts";
import { completeClockState } from "../clock/clock_state.ts";
import { LeapSeconds } from "../clock/leap_seconds.ts";
import type { Timers } from "../clock/timers.ts";
import {
  timestampDifference,
  timestampFromDate,
  timestampFromWords,
  timestampToWords,
} from "../packet/timestamp.ts";
import { CallQueue } from "./call_queue.ts";
import { Observers } from "./observers.ts";

/** Options of {@linkcode VirtualTime}. */
export interface VirtualTimeOptions {
  /** The time at which it begins: a `Date` or an NTP timestamp. Default 2026-01-01T00:00:00Z. */
  start?: Date | bigint;
  /** Precision that the clock states, log2 of seconds. Default -30: a nanosecond. */
  precision?: number;
  /** What the clock says of itself; see {@linkcode VirtualTime.setState}. */
  state?: Partial<ClockState>;
  /** How many calls may run at one instant before an endless loop is assumed. Default 100,000. */
  maxCallsPerInstant?: number;
}

const SECOND = 1e9;
const UNITS_PER_NANOSECOND = 2 ** 32 / SECOND;

/**
 * A clock and timers on a time of their own, which moves only when told to: for tests and
 * simulations that wait for nothing and go the same way on every run. Its unit is a nanosecond.
 *
 * @example A second that takes no time
 * ```ts
 * import { VirtualTime } from "@ntps/ntps/testing";
 * import { timestampDifference } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const time = new VirtualTime({ start: new Date("2036-02-07T06:28:15Z") });
 * const before = time.now();
 * let called = false;
 * time.after(1000, () => called = true);
 * time.advance(1000);
 * assertEquals(called, true);
 * assertEquals(timestampDifference(time.now(), before), 1);
 * ```
 */
export class VirtualTime implements Clock, Timers {
  /** Precision of a reading, log2 of seconds. */
  readonly precision: number;
  readonly #start = new Uint32Array(2);
  readonly #words = new Uint32Array(2);
  readonly #calls = new CallQueue();
  readonly #observers = new Observers();
  readonly #maxCallsPerInstant: number;
  #known: Partial<ClockState> = {};
  /** Nanoseconds since the start, whole, so that equal times are equal however they came about. */
  #elapsed = 0;
  #callsAtInstant = 0;
  #moving = false;

  /**
   * Makes a time that stands still.
   *
   * @param options see {@linkcode VirtualTimeOptions}
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: VirtualTimeOptions = {}) {
    const { start = new Date("2026-01-01T00:00:00Z"), precision = -30, state = {} } = options;
    const { maxCallsPerInstant = 100_000 } = options;
    if (!(maxCallsPerInstant >= 1)) {
      throw new RangeError(`maxCallsPerInstant must be 1 or more, not ${maxCallsPerInstant}`);
    }
    timestampToWords(typeof start === "bigint" ? start : timestampFromDate(start), this.#start);
    this.precision = precision;
    this.#maxCallsPerInstant = maxCallsPerInstant;
    this.setState(state);
  }

  /** Milliseconds since the start. */
  get elapsedMs(): number {
    return this.#elapsed / 1e6;
  }

  /** Nanoseconds since the start: a whole number, exact for 104 days. */
  get elapsedNanoseconds(): number {
    return this.#elapsed;
  }

  /** How many calls wait. */
  get pending(): number {
    return this.#calls.size;
  }

  /** The time now: a 64-bit NTP timestamp. */
  now(): bigint {
    this.read(this.#words);
    return timestampFromWords(this.#words[0]!, this.#words[1]!);
  }

  /**
   * The time now, without allocation.
   *
   * @param into written: seconds word, fraction word
   */
  read(into: Uint32Array): void {
    const seconds = Math.floor(this.#elapsed / SECOND);
    const fraction = this.#start[1]! +
      Math.round((this.#elapsed - seconds * SECOND) * UNITS_PER_NANOSECOND);
    into[0] = this.#start[0]! + seconds + (fraction >= 2 ** 32 ? 1 : 0);
    into[1] = fraction;
  }

  /** What the clock says of itself besides the time. */
  state(): ClockState {
    const now = this.now();
    return completeClockState(this.#known, now, LeapSeconds.builtIn.indicatorAt(now));
  }

  /**
   * Sets what the clock says of itself. What is missing is as with every clock: synchronised, leap
   * indicator from the built-in table, set at the last whole second, root delay 0, root dispersion
   * 0.001 s.
   *
   * @param state replaces what was set before
   * @throws {RangeError} if a value is out of its range
   */
  setState(state: Partial<ClockState>): void {
    completeClockState(state, 0n, 0);
    this.#known = state;
  }

  /**
   * Calls `callback` once, when the time has moved on by `milliseconds`; calls due at the same
   * instant run in the order they were asked for.
   *
   * @param milliseconds how long to wait, 0 or more
   * @param callback what to call
   * @returns a function that cancels the call; harmless afterwards and when called twice
   * @throws {RangeError} if `milliseconds` is negative or not finite
   */
  after(milliseconds: number, callback: () => void): () => void {
    return this.#calls.add(this.#later(milliseconds), callback);
  }

  /**
   * Calls `look` at each moment that is a multiple of `intervalMs` after the start, from the next
   * one on, before the calls that are due then. It is for looking, not for doing: nothing that waits
   * for a promise goes on in between, which makes it cheap enough for millions of moments.
   *
   * @param intervalMs in milliseconds, a nanosecond or more
   * @param look what to call
   * @returns a function that ends it; harmless when called twice
   * @throws {RangeError} if `intervalMs` is too short or not finite
   *
   * @example A reading each second of an hour
   * ```ts
   * import { VirtualTime } from "@ntps/ntps/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const time = new VirtualTime();
   * let looks = 0;
   * time.observe(1000, () => looks++);
   * await time.run(3_600_000);
   * assertEquals(looks, 3600);
   * ```
   */
  observe(intervalMs: number, look: () => void): () => void {
    const interval = Math.round(intervalMs * 1e6);
    if (!(interval >= 1 && interval < Infinity)) {
      throw new RangeError(
        `intervalMs must be a nanosecond or more, and finite, not ${intervalMs}`,
      );
    }
    return this.#observers.add(interval, this.#elapsed, look);
  }

  /**
   * Moves the time on, and runs the calls due by then, each at its time. An exception of a call is
   * passed on, and the time stays where it was thrown.
   *
   * Nothing that waits for a promise goes on meanwhile: {@linkcode VirtualTime.run} is for that.
   *
   * @param milliseconds 0 or more
   * @returns how many calls ran
   * @throws {RangeError} if `milliseconds` is negative or not finite
   * @throws {Error} if called by one of the calls, or if too many calls are due at one instant
   */
  advance(milliseconds: number): number {
    const end = this.#begin(milliseconds);
    try {
      let calls = 0;
      for (; this.#calls.nextDue() <= end; calls++) this.#callNext();
      this.#passTo(end);
      return calls;
    } finally {
      this.#moving = false;
    }
  }

  /**
   * Moves the time on to a moment, as {@linkcode VirtualTime.advance} does.
   *
   * @param timestamp an NTP timestamp, not before now; reached to the nanosecond
   * @returns how many calls ran
   * @throws {RangeError} if `timestamp` is in the past
   */
  advanceTo(timestamp: bigint): number {
    return this.advance(timestampDifference(timestamp, this.now()) * 1000);
  }

  /**
   * Moves the time on as {@linkcode VirtualTime.advance} does, and before and after each call lets
   * everything go on that waits for a promise. Input, output and other work of the runtime is not
   * waited for.
   *
   * @param milliseconds 0 or more
   * @returns how many calls ran
   * @throws {RangeError} if `milliseconds` is negative or not finite
   * @throws {Error} if the time is being moved already, or if too many calls are due at one instant
   *
   * @example Code that waits
   * ```ts
   * import { VirtualTime } from "@ntps/ntps/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const time = new VirtualTime();
   * const seen: number[] = [];
   * const sleep = (ms: number) => new Promise<void>((resolve) => time.after(ms, resolve));
   * (async () => {
   *   for (let i = 0; i < 3; i++) {
   *     await sleep(60_000);
   *     seen.push(time.elapsedMs);
   *   }
   * })();
   * await time.run(150_000);
   * assertEquals(seen, [60_000, 120_000]);
   * ```
   */
  async run(milliseconds: number): Promise<number> {
    const end = this.#begin(milliseconds);
    try {
      let calls = 0;
      await settle();
      for (; this.#calls.nextDue() <= end; calls++) {
        this.#callNext();
        await settle();
      }
      this.#passTo(end);
      return calls;
    } finally {
      this.#moving = false;
    }
  }

  /**
   * Moves the time on as {@linkcode VirtualTime.run} does, until a promise is settled.
   *
   * @param promise what to wait for
   * @param limitMs how far to go, in milliseconds. Default 3,600,000: an hour
   * @returns what the promise gave
   * @throws {Error} if it is not settled when the limit is reached or no call waits any more, or if
   * the time is being moved already; else what the promise throws
   */
  async runUntil<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    const end = this.#begin(limitMs);
    try {
      let settled = false;
      const note = (): void => {
        settled = true;
      };
      promise.then(note, note);
      await settle();
      while (!settled) {
        if (this.#calls.nextDue() > end) {
          throw new Error(
            `The promise is not settled after ${limitMs} ms of virtual time, ${this.pending} calls waiting`,
          );
        }
        this.#callNext();
        await settle();
      }
    } finally {
      this.#moving = false;
    }
    return promise;
  }

  /** Notes that the time is being moved; returns to where. */
  #begin(milliseconds: number): number {
    if (this.#moving) throw new Error("The virtual time is being moved already");
    const end = this.#later(milliseconds);
    this.#moving = true;
    return end;
  }

  #later(milliseconds: number): number {
    if (!(milliseconds >= 0 && milliseconds < Infinity)) {
      throw new RangeError(
        `Milliseconds to wait must be 0 or more and finite, not ${milliseconds}`,
      );
    }
    return this.#elapsed + Math.round(milliseconds * 1e6);
  }

  #callNext(): void {
    const due = this.#calls.nextDue();
    this.#callsAtInstant = due === this.#elapsed ? this.#callsAtInstant + 1 : 1;
    if (this.#callsAtInstant > this.#maxCallsPerInstant) {
      throw new Error(
        `More than ${this.#maxCallsPerInstant} calls at one instant, ${this.elapsedMs} ms after ` +
          "the start: a loop without delay? Else raise maxCallsPerInstant",
      );
    }
    this.#passTo(due);
    this.#calls.take()!();
  }

  /** Moves on to a moment before which no call is due. */
  #passTo(end: number): void {
    for (let next: number; (next = this.#observers.next) <= end;) {
      this.#elapsed = next;
      this.#observers.lookAt(next);
    }
    this.#elapsed = end;
  }
}

/** Resolves when no microtask is left: a turn of the runtime's event loop, which does not wait. */
function settle(): Promise<void> {
  const { setImmediate: immediate } = globalThis as {
    setImmediate?: (callback: () => void) => unknown;
  };
  return new Promise((resolve) => {
    if (immediate !== undefined) immediate(resolve);
    else setTimeout(resolve); // browsers
  });
}
