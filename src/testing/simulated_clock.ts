import type { Clock, ClockState } from "../clock/clock.ts";
import { completeClockState } from "../clock/clock_state.ts";
import { LeapSeconds } from "../clock/leap_seconds.ts";
import { timestampFromWords } from "../packet/timestamp.ts";
import { checkSeconds } from "./delay.ts";
import { Oscillator, type OscillatorOptions } from "./oscillator.ts";
import type { RandomStream } from "./random_stream.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** Options of {@linkcode SimulatedClock}. */
export interface SimulatedClockOptions extends OscillatorOptions {
  /**
   * Precision, log2 of seconds, -32 to 0. Readings are rounded down to it. Default -30: about a
   * nanosecond.
   */
  precision?: number;
  /**
   * Readings are early or late by up to this, in seconds, 0 or more; those of one nanosecond all the
   * same. With it they may go backwards. Default 0.
   */
  noise?: number;
  /** Jumps of the clock: at how many seconds after the start, and by how many seconds. */
  steps?: readonly { at: number; seconds: number }[];
  /** What the clock says of itself; see {@linkcode SimulatedClock.setState}. */
  state?: Partial<ClockState>;
}

const SECOND = 1e9, WORD = 2 ** 32;

/**
 * A clock that is wrong, as those of real machines are: an {@linkcode Oscillator} on virtual time.
 * It knows its own error to the last bit, which a test compares with what the code under test makes
 * of it. It can be corrected as the clock of a machine is: stepped, and made faster or slower.
 *
 * @example A minute of a clock that loses 10 ms a minute
 * ```ts
 * import { RandomStream, SimulatedClock, VirtualTime } from "@ntps/ntps/testing";
 * import { timestampDifference } from "@ntps/ntps/packet";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const time = new VirtualTime();
 * const clock = new SimulatedClock(time, { frequency: -0.010 / 60 }, new RandomStream(1));
 * time.advance(60_000);
 * assertAlmostEquals(clock.offset, -0.010, 1e-12);
 * assertAlmostEquals(timestampDifference(clock.now(), time.now()), -0.010, 2e-9);
 * ```
 */
export class SimulatedClock implements Clock {
  /** Precision of a reading, log2 of seconds. */
  readonly precision: number;
  readonly #time: VirtualTime;
  readonly #oscillator: Oscillator;
  readonly #noise: number;
  readonly #noiseSeed: number;
  readonly #mask: number;
  readonly #steps: { at: number; seconds: number }[];
  readonly #words = new Uint32Array(2);
  #known: Partial<ClockState> = {};

  /**
   * Makes a clock that begins now.
   *
   * @param time true time; the seconds of the options count from its start
   * @param options see {@linkcode SimulatedClockOptions}
   * @param random its own stream
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(time: VirtualTime, options: SimulatedClockOptions, random: RandomStream) {
    const { precision = -30, noise = 0, steps = [], state = {} } = options;
    if (!(Number.isInteger(precision) && precision >= -32 && precision <= 0)) {
      throw new RangeError(`precision must be a whole number from -32 to 0, not ${precision}`);
    }
    checkSeconds("noise", noise);
    for (const { at, seconds } of steps) {
      checkSeconds("steps[].at", at);
      if (!Number.isFinite(seconds)) {
        throw new RangeError(`steps[].seconds must be finite, not ${seconds}`);
      }
    }
    this.precision = precision;
    this.#time = time;
    this.#oscillator = new Oscillator(options, random.fork("oscillator"));
    this.#noise = noise;
    this.#noiseSeed = random.fork("noise").word();
    this.#mask = precision <= -30 ? 0 : 2 ** (32 + precision) - 1;
    this.#steps = [...steps].sort((a, b) => b.at - a.at);
    this.setState(state);
  }

  /** How far the clock is ahead of true time, in seconds: without noise and rounding. */
  get offset(): number {
    return this.#follow().offset;
  }

  /** Error of its rate now, corrections included, in seconds per true second. */
  get frequencyError(): number {
    return this.#follow().frequencyError;
  }

  /**
   * By which part the clock is made to run faster than by itself, above -1: 1e-4 gains 100 µs a
   * second. Default 0.
   */
  get frequencyCorrection(): number {
    return this.#oscillator.frequencyCorrection;
  }

  set frequencyCorrection(correction: number) {
    this.#follow().frequencyCorrection = correction;
  }

  /**
   * Steps the clock.
   *
   * @param seconds positive: forwards
   * @throws {RangeError} if it is not finite
   */
  step(seconds: number): void {
    this.#follow().step(seconds);
  }

  /** The time that the clock tells: a 64-bit NTP timestamp. */
  now(): bigint {
    this.read(this.#words);
    return timestampFromWords(this.#words[0]!, this.#words[1]!);
  }

  /**
   * The time that the clock tells, without allocation.
   *
   * @param into written: seconds word, fraction word
   */
  read(into: Uint32Array): void {
    let { offset } = this.#follow();
    if (this.#noise !== 0) offset += this.#noise * this.#noiseNow();
    const whole = Math.floor(offset);
    this.#time.read(into);
    const fraction = into[1]! + Math.round((offset - whole) * WORD);
    into[0] = into[0]! + whole + (fraction >= WORD ? 1 : 0);
    into[1] = fraction;
    if (this.#mask !== 0) into[1] = into[1]! & ~this.#mask;
  }

  /** What the clock says of itself besides the time. */
  state(): ClockState {
    const now = this.now();
    return completeClockState(this.#known, now, LeapSeconds.builtIn.indicatorAt(now));
  }

  /**
   * Sets what the clock says of itself; what is missing is as with every clock, see
   * {@linkcode VirtualTime.setState}.
   *
   * @param state replaces what was set before
   * @throws {RangeError} if a value is out of its range
   */
  setState(state: Partial<ClockState>): void {
    completeClockState(state, 0n, 0);
    this.#known = state;
  }

  #follow(): Oscillator {
    const now = this.#time.elapsedNanoseconds / SECOND;
    const steps = this.#steps, oscillator = this.#oscillator;
    for (let last = steps.length - 1; last >= 0 && steps[last]!.at <= now; last--) {
      oscillator.advanceTo(steps[last]!.at);
      oscillator.step(steps[last]!.seconds);
      steps.pop();
    }
    oscillator.advanceTo(now);
    return oscillator;
  }

  /** From -1 to 1, made of the moment alone, so that looking at the clock changes nothing. */
  #noiseNow(): number {
    const now = this.#time.elapsedNanoseconds;
    let hash = this.#noiseSeed ^ Math.imul(now % WORD, 0x85ebca6b) ^ Math.floor(now / WORD);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 31 - 1;
  }
}
