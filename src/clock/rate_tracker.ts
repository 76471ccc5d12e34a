import { secondsBetween } from "./clock_page.ts";

/** Samples that the rate is taken over. */
const HISTORY = 64;
/** Seconds that they must span before a rate is believed. */
const LEAST_SPAN = 0.05;
/**
 * What is no step: a part of the time that went by, as clocks are slewed, and the tick of a clock of
 * milliseconds.
 */
const MAX_SLEW = 0.0005, TICK = 0.002;
/** Two intervals that differ by less than this part have the same rate. */
const SAME_RATE = 0.01;
/** Assumed growth of an error, in seconds per second: 15 ppm (RFC 5905 §7.2, PHI). */
const PHI = 15e-6;

/**
 * How fast a clock goes against a counter: learned from pairs of readings. A step of the clock does
 * not change the rate; a clock that stands still, or goes at another speed altogether, is believed at
 * the second interval of that speed.
 */
export class RateTracker {
  /** Seconds of the clock per second of the counter. */
  rate = 1;
  /** Growth of the error when nothing is heard any more, in seconds per second. */
  drift: number = PHI;
  readonly #counter = new Uint32Array(2);
  readonly #time = new Uint32Array(2);
  /** Of each sample since the last step: the counter, and how far the clock is before it. */
  #elapsed: number[] = [];
  #ahead: number[] = [];
  #isFirst = true;
  #oddRate = NaN;

  /**
   * Learns from a pair of readings.
   *
   * @param counter the counter: seconds word, fraction word
   * @param time what the clock showed then
   */
  add(counter: Uint32Array, time: Uint32Array): void {
    const elapsed = this.#isFirst ? 0 : secondsBetween(counter, this.#counter);
    const went = this.#isFirst ? 0 : secondsBetween(time, this.#time);
    if (!this.#isFirst && elapsed <= 0) return;
    const error = went - elapsed * this.rate;
    const isStep = Math.abs(error) > MAX_SLEW * elapsed + TICK;
    this.#counter.set(counter);
    this.#time.set(time);
    if (this.#isFirst || isStep) {
      const oddRate = went / elapsed;
      const isSame = Math.abs(oddRate - this.#oddRate) <= SAME_RATE * Math.max(1, this.#oddRate);
      if (isStep && isSame && oddRate >= 0) this.rate = oddRate;
      this.#oddRate = isStep ? oddRate : NaN;
      this.#isFirst = false;
      this.drift = PHI;
      this.#elapsed = [0];
      this.#ahead = [0];
      return;
    }
    this.#elapsed.push(this.#elapsed.at(-1)! + elapsed);
    this.#ahead.push(this.#ahead.at(-1)! + went - elapsed);
    if (this.#elapsed.length > HISTORY) {
      this.#elapsed.shift();
      this.#ahead.shift();
    }
    const span = this.#elapsed.at(-1)! - this.#elapsed[0]!;
    if (span < LEAST_SPAN) return;
    this.rate = 1 + (this.#ahead.at(-1)! - this.#ahead[0]!) / span;
    this.drift = PHI + this.#scatter() / span;
  }

  /** How far the samples lie off the line through the first and the last, in seconds. */
  #scatter(): number {
    const most = this.#elapsed.reduce((most, elapsed, i) => {
      const line = this.#ahead[0]! + (elapsed - this.#elapsed[0]!) * (this.rate - 1);
      return Math.max(most, Math.abs(this.#ahead[i]! - line));
    }, 0);
    return most;
  }
}
