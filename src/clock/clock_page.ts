/**
 * The layout of a clock page: a record in shared memory by which threads read a clock that lives in
 * another one, as programs read the kernel's clock from its vDSO page. `ClockPageWriter` says what
 * the clock showed when a counter that all threads have showed something; `ClockPageReader` reads the
 * counter and computes the time.
 *
 * The record is sequence-locked: word 0 is odd while it is being written, so one who reads it and
 * finds the same even number before and after has it whole. All words are read and written by
 * `Atomics`, since nothing else keeps processors such as ARM's from reading them in another order.
 */

import type { Clock } from "./clock.ts";

/**
 * A counter that is the same in all threads, as words of seconds and of 2^-32 s, from any origin:
 * `CLOCK_MONOTONIC`, say.
 */
export type ClockPageCounter = Pick<Clock, "read">;

/** Length of a page, in words. */
export const PAGE_WORDS = 32;

/** Odd while the page is being written. */
export const SEQUENCE = 0;
/** {@linkcode PUBLISHED}, {@linkcode SYNCHRONIZED}, …, and the leap indicator. */
export const FLAGS = 1;
/** The counter, two words. */
export const COUNTER = 2;
/** What the clock showed then, two words. */
export const TIME = 4;
/** Seconds of the clock per second of the counter, a float64. */
export const RATE = 6;
/** Growth of the error with age, in seconds per second, a float64. */
export const DRIFT = 8;
/** Root delay in seconds, a float64. */
export const ROOT_DELAY = 10;
/** Root dispersion in seconds, a float64. */
export const ROOT_DISPERSION = 12;
/** Reference timestamp, two words. */
export const REFERENCE_TIMESTAMP = 14;
/** Reference identifier; there only if {@linkcode HAS_REFERENCE_ID}. */
export const REFERENCE_ID = 16;
/** Stratum; 0, the clock knows none. */
export const STRATUM = 17;
/** Precision, log2 of seconds. */
export const PRECISION = 18;

/** Flag: the clock told the time. Not set: nothing was published yet, or the clock failed. */
export const PUBLISHED = 1;
/** Flag: the clock is synchronised. */
export const SYNCHRONIZED = 2;
/** Flag: there is a reference identifier. */
export const HAS_REFERENCE_ID = 4;
/** Where the leap indicator stands in the flags. */
export const LEAP_SHIFT = 8;

/**
 * Memory for a clock page, all zeros: nothing is published.
 *
 * @throws {ReferenceError} where there is no shared memory, as on web pages without isolation
 */
export function makeClockPage(): SharedArrayBuffer {
  return new SharedArrayBuffer(PAGE_WORDS * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * The difference of two readings in seconds, exact enough below days.
 *
 * @param to the later one
 * @param from the earlier one
 */
export function secondsBetween(to: Uint32Array, from: Uint32Array): number {
  return ((to[0]! - from[0]!) | 0) + (to[1]! - from[1]!) / 2 ** 32;
}
