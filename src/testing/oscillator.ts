import { sineOfTurns } from "./portable_math.ts";
import type { RandomStream } from "./random_stream.ts";

/** How well a simulated clock keeps time by itself. What is left out is 0 or none. */
export interface OscillatorOptions {
  /** How far the clock is ahead at the start, in seconds. */
  offset?: number;
  /** Constant error of its frequency, in seconds per second: 5e-5 gains 50 µs a second. */
  frequency?: number;
  /**
   * Random walk of the frequency: standard deviation of its change in a second, in seconds per
   * second, 0 or more. After T seconds the frequency is off by `wander·√T`; the Allan deviation over
   * τ is about `wander·√(τ/3)`. 1e-9 is a bad crystal, 1e-10 a decent one.
   */
  wander?: number;
  /** Ageing: constant change of the frequency, in seconds per second, per second. */
  drift?: number;
  /**
   * A sinusoid of the frequency, as temperature makes one: amplitude in seconds per second, period
   * in seconds, above 0.
   */
  sinusoid?: { amplitude: number; period: number };
}

/**
 * What makes a clock go wrong: its error against true time, as a process in time. In true second k
 * the frequency error is constant:
 *
 *     frequency + drift·k + wander·(sum of k + 1 normal numbers) + amplitude·sin(2πk/period)
 *
 * On top come the corrections that somebody makes to the clock: of phase at once, of frequency by a
 * factor `1 + correction`.
 *
 * @example A clock that gains 50 µs a second
 * ```ts
 * import { Oscillator, RandomStream } from "@ntps/ntps/testing";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const oscillator = new Oscillator({ frequency: 50e-6 }, new RandomStream(1));
 * oscillator.advanceTo(100);
 * assertAlmostEquals(oscillator.offset, 0.005, 1e-12);
 * ```
 */
export class Oscillator {
  readonly #random: RandomStream;
  readonly #frequency: number;
  readonly #wander: number;
  readonly #drift: number;
  readonly #amplitude: number;
  readonly #period: number;
  /** True time, in seconds since the start, and the second it is in. */
  #time = 0;
  #second = -1;
  #walk = 0;
  #own = 0;
  #correction = 0;
  #offset: number;

  /**
   * Makes an oscillator at true time 0.
   *
   * @param options see {@linkcode OscillatorOptions}
   * @param random where the wander comes from: one number for each second, if there is any
   * @throws {TypeError} if an option is not a number
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: OscillatorOptions, random: RandomStream) {
    const { offset = 0, frequency = 0, wander = 0, drift = 0, sinusoid } = options;
    const { amplitude, period } = sinusoid ?? { amplitude: 0, period: 1 };
    const numbers = { offset, frequency, wander, drift, amplitude, period };
    for (const [name, value] of Object.entries(numbers)) {
      if (typeof value !== "number") throw new TypeError(`${name} is a number, not ${value}`);
      if (!Number.isFinite(value)) throw new RangeError(`${name} must be finite, not ${value}`);
    }
    if (wander < 0) throw new RangeError(`wander must be 0 or more, not ${wander}`);
    if (!(period > 0)) throw new RangeError(`sinusoid.period must be above 0 s, not ${period}`);
    if (!(frequency > -1)) throw new RangeError(`frequency must be above -1, not ${frequency}`);
    this.#random = random;
    this.#offset = offset;
    this.#frequency = frequency;
    this.#wander = wander;
    this.#drift = drift;
    this.#amplitude = amplitude;
    this.#period = period;
    this.#enterSecond(0);
  }

  /** True time, in seconds since the start. */
  get time(): number {
    return this.#time;
  }

  /** How far the clock is ahead of true time, in seconds. */
  get offset(): number {
    return this.#offset;
  }

  /** Error of its rate now, corrections included, in seconds per true second. */
  get frequencyError(): number {
    return this.#own + this.#correction + this.#own * this.#correction;
  }

  /** Error of its rate now without corrections, in seconds per true second. */
  get ownFrequencyError(): number {
    return this.#own;
  }

  /** By which part the clock is made to run faster than by itself. May be set at any time. */
  get frequencyCorrection(): number {
    return this.#correction;
  }

  set frequencyCorrection(correction: number) {
    if (!(correction > -1 && correction < Infinity)) {
      throw new RangeError(`frequencyCorrection must be above -1 and finite, not ${correction}`);
    }
    this.#correction = correction;
  }

  /**
   * Steps the clock.
   *
   * @param seconds positive: forwards
   * @throws {RangeError} if it is not finite
   */
  step(seconds: number): void {
    if (!Number.isFinite(seconds)) throw new RangeError(`A step must be finite, not ${seconds}`);
    this.#offset += seconds;
  }

  /**
   * Lets true time pass.
   *
   * @param time seconds since the start; one in the past is ignored
   */
  advanceTo(time: number): void {
    while (time >= this.#second + 1) {
      const next = this.#second + 1;
      this.#pass(next);
      this.#enterSecond(next);
    }
    if (time > this.#time) this.#pass(time);
  }

  #pass(time: number): void {
    this.#offset += (time - this.#time) * this.frequencyError;
    this.#time = time;
  }

  #enterSecond(second: number): void {
    this.#second = second;
    if (this.#wander !== 0) this.#walk += this.#wander * this.#random.normal();
    let error = this.#frequency + this.#walk + this.#drift * second;
    if (this.#amplitude !== 0) error += this.#amplitude * sineOfTurns(second / this.#period);
    this.#own = error;
  }
}
