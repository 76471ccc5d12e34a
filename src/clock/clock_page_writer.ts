import { timestampToWords } from "../packet/timestamp.ts";
import {
  type ClockPageCounter,
  COUNTER,
  DRIFT,
  FLAGS,
  HAS_REFERENCE_ID,
  LEAP_SHIFT,
  PAGE_WORDS,
  PRECISION,
  PUBLISHED,
  RATE,
  REFERENCE_ID,
  REFERENCE_TIMESTAMP,
  ROOT_DELAY,
  ROOT_DISPERSION,
  secondsBetween,
  SEQUENCE,
  STRATUM,
  SYNCHRONIZED,
  TIME,
} from "./clock_page.ts";
import type { Clock, ClockState } from "./clock.ts";
import { RateTracker } from "./rate_tracker.ts";
import { systemTimers, type Timers } from "./timers.ts";

/** Options of {@linkcode ClockPageWriter}. */
export interface ClockPageWriterOptions {
  /** The clock that is published. */
  readonly clock: Clock;
  /** The counter that the readers have too. */
  readonly counter: ClockPageCounter;
  /** Milliseconds between two publications. Default 100. */
  readonly intervalMs?: number;
  /** Told when the clock fails: once until it works again. Default: nobody. */
  readonly onError?: (error: unknown) => void;
  /** Default: the runtime's. */
  readonly timers?: Timers;
}

/** How often clock and counter are read for one publication: the closest two are taken. */
const SAMPLES = 5;

/**
 * Publishes a clock to other threads in a clock page: the time, how fast it goes against a counter,
 * and what the clock knows of itself.
 */
export class ClockPageWriter {
  readonly #options: ClockPageWriterOptions;
  readonly #page: Int32Array;
  /** The next record: as numbers, and where two words are one float64. */
  readonly #next = new Int32Array(PAGE_WORDS);
  readonly #nextFloats = new Float64Array(this.#next.buffer);
  readonly #tracker = new RateTracker();
  readonly #words = new Uint32Array(2);
  readonly #before = new Uint32Array(2);
  readonly #after = new Uint32Array(2);
  #precision: number | undefined;
  #isFailing = false;
  #cancel: (() => void) | undefined;

  /**
   * Makes a writer. A page has one only.
   *
   * @param page as `makeClockPage()` makes it
   * @param options clock and counter
   */
  constructor(page: SharedArrayBuffer, options: ClockPageWriterOptions) {
    this.#page = new Int32Array(page);
    this.#options = options;
  }

  /** Publishes now and from now on. */
  start(): void {
    this.stop();
    const { timers = systemTimers, intervalMs = 100 } = this.#options;
    const tick = () => {
      this.publish();
      this.#cancel = timers.after(intervalMs, tick);
    };
    tick();
  }

  /** Publishes no more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Publishes once. Never throws: that the clock fails is published too. */
  publish(): void {
    try {
      this.#sample();
      this.#writeState(this.#options.clock.state());
      this.#isFailing = false;
    } catch (error) {
      this.#next[FLAGS] = 0;
      if (!this.#isFailing) this.#options.onError?.(error);
      this.#isFailing = true;
    }
    const page = this.#page, next = this.#next;
    const sequence = Atomics.load(page, SEQUENCE);
    Atomics.store(page, SEQUENCE, sequence | 1);
    for (let i = SEQUENCE + 1; i < PAGE_WORDS; i++) Atomics.store(page, i, next[i]!);
    Atomics.store(page, SEQUENCE, ((sequence | 1) + 1) | 0);
  }

  /** Reads clock and counter at nearly the same moment. */
  #sample(): void {
    const { clock, counter } = this.#options;
    const words = this.#words, before = this.#before, after = this.#after, next = this.#next;
    let least = Infinity;
    for (let i = 0; i < SAMPLES; i++) {
      counter.read(before);
      clock.read(words);
      counter.read(after);
      const width = secondsBetween(after, before);
      if (width < 0 || width >= least) continue;
      least = width;
      const fraction = before[1]! + width / 2 * 2 ** 32; // the moment between the two
      const carry = Math.floor(fraction / 2 ** 32);
      next[COUNTER] = before[0]! + carry;
      next[COUNTER + 1] = fraction - carry * 2 ** 32;
      next[TIME] = words[0]!;
      next[TIME + 1] = words[1]!;
    }
    before[0] = next[COUNTER]!;
    before[1] = next[COUNTER + 1]!;
    words[0] = next[TIME]!;
    words[1] = next[TIME + 1]!;
    this.#tracker.add(before, words);
    this.#nextFloats[RATE / 2] = this.#tracker.rate;
    this.#nextFloats[DRIFT / 2] = this.#tracker.drift;
  }

  #writeState(state: ClockState): void {
    const next = this.#next, floats = this.#nextFloats;
    const { referenceId, stratum = 0, synchronized, leapIndicator } = state;
    floats[ROOT_DELAY / 2] = state.rootDelay;
    floats[ROOT_DISPERSION / 2] = state.rootDispersion;
    timestampToWords(state.referenceTimestamp, this.#words);
    next[REFERENCE_TIMESTAMP] = this.#words[0]!;
    next[REFERENCE_TIMESTAMP + 1] = this.#words[1]!;
    next[REFERENCE_ID] = referenceId ?? 0;
    next[STRATUM] = stratum;
    next[PRECISION] = this.#precision ??= this.#options.clock.precision;
    next[FLAGS] = PUBLISHED | (synchronized ? SYNCHRONIZED : 0) |
      (referenceId === undefined ? 0 : HAS_REFERENCE_ID) | (leapIndicator << LEAP_SHIFT);
  }
}
