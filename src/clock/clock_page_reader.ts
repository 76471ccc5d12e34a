import { NTPError } from "../packet/error.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { timestampFromWords } from "../packet/timestamp.ts";
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
  SEQUENCE,
  STRATUM,
  SYNCHRONIZED,
  TIME,
} from "./clock_page.ts";
import type { Clock, ClockState } from "./clock.ts";

/** How often a page that is being written is read again before an older copy must do. */
const TRIES = 100;
/** Seconds without a publication that add nothing to the error: 15 µs, what the wire can tell. */
const FRESH = 1;
/** Default of {@linkcode ClockPageReaderOptions.staleAfter}. */
const STALE_AFTER = 10;
/** Farthest that a reading is held back from running backwards, in seconds; more is a step. */
const MOST_HELD = 0.01;
const WORD = 2 ** 32;

/** Options of {@linkcode ClockPageReader}. */
export interface ClockPageReaderOptions {
  /** The counter that the writer has too. */
  readonly counter: ClockPageCounter;
  /**
   * Seconds without a publication after which the clock counts as not synchronised: who publishes is
   * dead or stuck. Default 10.
   */
  readonly staleAfter?: number;
}

/**
 * A clock of another thread, read through a clock page. It costs a reading of the counter and some
 * arithmetic, and allocates nothing.
 *
 * Its time does not run backwards where corrections are small; steps of more than 10 ms are followed.
 * What it says of its error grows with the age of the page.
 */
export class ClockPageReader implements Clock {
  /** What `read()` throws; one and the same, since it may do so for each packet. */
  readonly failure: NTPError = new NTPError(
    "system",
    "The clock failed in the thread that it lives in, or that thread has published nothing yet",
  );
  readonly #counter: ClockPageCounter;
  readonly #staleAfter: number;
  readonly #page: Int32Array;
  /** The record as last read whole; where two words are one float64, as such. */
  readonly #copy = new Int32Array(PAGE_WORDS);
  readonly #floats = new Float64Array(this.#copy.buffer);
  readonly #unsigned = new Uint32Array(this.#copy.buffer);
  readonly #next = new Int32Array(PAGE_WORDS);
  readonly #now = new Uint32Array(2);
  readonly #last = new Uint32Array(2);
  #hasLast = false;

  /**
   * Makes a reader.
   *
   * @param page what a `ClockPageWriter` writes
   * @param options the counter
   */
  constructor(page: SharedArrayBuffer, options: ClockPageReaderOptions) {
    this.#page = new Int32Array(page);
    this.#counter = options.counter;
    this.#staleAfter = options.staleAfter ?? STALE_AFTER;
  }

  /** Precision of the clock, log2 of seconds, as published. */
  get precision(): number {
    this.#refresh();
    return this.#copy[PRECISION]!;
  }

  /**
   * The time now: a 64-bit NTP timestamp.
   *
   * @throws {NTPError} {@linkcode ClockPageReader.failure}
   */
  now(): bigint {
    const words = new Uint32Array(2);
    this.read(words);
    return timestampFromWords(words[0]!, words[1]!);
  }

  /**
   * The time now, without allocation.
   *
   * @param into written: seconds word, fraction word
   * @throws {NTPError} {@linkcode ClockPageReader.failure}
   */
  read(into: Uint32Array): void {
    if (Atomics.load(this.#page, SEQUENCE) !== this.#copy[SEQUENCE]) this.#refresh();
    if ((this.#copy[FLAGS]! & PUBLISHED) === 0) throw this.failure;
    const units = this.#unsigned[TIME + 1]! + this.#age() * this.#floats[RATE / 2]! * WORD;
    const carry = Math.floor(units / WORD);
    into[0] = this.#copy[TIME]! + carry;
    into[1] = units - carry * WORD;
    const last = this.#last;
    const behind = ((last[0]! - into[0]!) | 0) + (last[1]! - into[1]!) / WORD;
    if (behind > 0 && behind < MOST_HELD && this.#hasLast) {
      into[0] = last[0]!;
      into[1] = last[1]!;
      return;
    }
    last[0] = into[0]!;
    last[1] = into[1]!;
    this.#hasLast = true;
  }

  /**
   * What the clock knows of itself. Its error grows with the age of what was published; when that is
   * too old, the clock is not synchronised.
   */
  state(): ClockState {
    this.#refresh();
    const copy = this.#copy, floats = this.#floats, unsigned = this.#unsigned;
    const flags = copy[FLAGS]!, age = this.#age();
    const isKnown = (flags & PUBLISHED) !== 0 && age < this.#staleAfter;
    const synchronized = isKnown && (flags & SYNCHRONIZED) !== 0;
    const growth = age > FRESH ? age * floats[DRIFT / 2]! : 0;
    const at = REFERENCE_TIMESTAMP;
    return {
      synchronized,
      leapIndicator: synchronized ? ((flags >> LEAP_SHIFT) & 3) as LeapIndicator : 3,
      referenceTimestamp: timestampFromWords(unsigned[at]!, unsigned[at + 1]!),
      rootDelay: floats[ROOT_DELAY / 2]!,
      rootDispersion: Math.min(65535, floats[ROOT_DISPERSION / 2]! + growth),
      ...(copy[STRATUM]! !== 0 && { stratum: copy[STRATUM]! }),
      ...((flags & HAS_REFERENCE_ID) !== 0 && { referenceId: unsigned[REFERENCE_ID]! }),
    };
  }

  /** Seconds of the counter since the publication. */
  #age(): number {
    const now = this.#now;
    this.#counter.read(now);
    return ((now[0]! - this.#copy[COUNTER]!) | 0) +
      (now[1]! - this.#unsigned[COUNTER + 1]!) / WORD;
  }

  /** Takes what is published, if it is whole; else the copy stays as it is. */
  #refresh(): void {
    const page = this.#page, next = this.#next;
    for (let i = 0; i < TRIES; i++) {
      const sequence = Atomics.load(page, SEQUENCE);
      if ((sequence & 1) !== 0) continue;
      for (let w = SEQUENCE + 1; w < PAGE_WORDS; w++) next[w] = Atomics.load(page, w);
      if (Atomics.load(page, SEQUENCE) !== sequence) continue;
      next[SEQUENCE] = sequence;
      this.#copy.set(next);
      return;
    }
  }
}
