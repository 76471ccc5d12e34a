import type { Estimate } from "./estimate.ts";

/** How a clock may be corrected. */
export interface DisciplineOptions {
  /**
   * Fastest that a correction may make the clock run wrong, in seconds per second, above 0 to 0.5.
   * Default 0.05: half a second is made good in ten.
   */
  maxSlewRate?: number;
  /**
   * Offset in seconds from which the clock steps instead, also backwards. Default Infinity: once
   * started, it never does.
   */
  stepThreshold?: number;
  /**
   * Offset in seconds above which nothing is believed any more, once the clock has been started.
   * Default 1000.
   */
  panicThreshold?: number;
}

/**
 * What a clock did with an estimate: it started, by a step; it slews; it stepped; or it refuses, since
 * the offset is beyond the panic threshold.
 */
export type DisciplineOutcome = "started" | "slewing" | "stepped" | "refused";

/** An offset is made good within so many poll intervals: to be faster would pass noise on. */
const SPREAD = 3.5;
/** Sooner in proportion, if it is more than so many standard deviations: it is no noise then. */
const NOISE = 4;
/** Largest frequency that is corrected, in seconds per second: 1000 ppm, twice the worst of quartz. */
const MAX_FREQUENCY = 1e-3;

/**
 * Checks the options.
 *
 * @throws {TypeError} if one is not a number
 * @throws {RangeError} if one is out of range
 */
export function checkDiscipline(options: DisciplineOptions): Required<DisciplineOptions> {
  const { maxSlewRate = 0.05, stepThreshold = Infinity, panicThreshold = 1000 } = options;
  for (const [name, value] of Object.entries({ maxSlewRate, stepThreshold, panicThreshold })) {
    if (typeof value !== "number") {
      throw new TypeError(`${name} is a number, not ${typeof value}: ${String(value)}`);
    }
    if (!(value > 0)) throw new RangeError(`${name} is above 0, not ${value}`);
  }
  if (maxSlewRate > 0.5) throw new RangeError(`maxSlewRate is at most 0.5, not ${maxSlewRate}`);
  return { maxSlewRate, stepThreshold, panicThreshold };
}

/**
 * What is added to a raw clock to make it right, as a function of that clock: a line that bends when
 * a new estimate comes, and does not jump once it was started.
 *
 * The raw clock itself is never touched. So estimates are of something that no correction disturbs,
 * and there is no loop that could become unstable.
 */
export class Discipline {
  readonly #options: Required<DisciplineOptions>;
  #started = false;
  /** Where the line begins. */
  #from = 0;
  #correction = 0;
  #frequency = 0;
  /** What makes an offset good: a rate, and until when. */
  #slew = 0;
  #until = 0;

  /**
   * Makes a line that is zero.
   *
   * @param options checked
   */
  constructor(options: Required<DisciplineOptions>) {
    this.#options = options;
  }

  /** Whether there has been an estimate. */
  get started(): boolean {
    return this.#started;
  }

  /**
   * What is to be added, in seconds.
   *
   * @param time seconds of the raw clock, not before the latest call of `follow` or `step`
   */
  correctionAt(time: number): number {
    const age = time - this.#from;
    const slewed = Math.min(time, this.#until) - this.#from;
    return this.#correction + age * this.#frequency + (slewed > 0 ? slewed * this.#slew : 0);
  }

  /**
   * How much faster than the raw clock the corrected one runs, in seconds per second.
   *
   * @param time as for `correctionAt`
   */
  rateAt(time: number): number {
    return this.#frequency + (time < this.#until ? this.#slew : 0);
  }

  /** What is still to be made good at some moment, in seconds. */
  remainingAt(time: number): number {
    return time < this.#until ? (this.#until - time) * this.#slew : 0;
  }

  /**
   * Follows an estimate.
   *
   * @param time now, in seconds of the raw clock
   * @param estimate as of now
   * @param interval seconds until the next estimate
   * @param mayStep whether to step however small the offset: the raw clock was disturbed
   */
  follow(
    time: number,
    estimate: Estimate,
    interval: number,
    mayStep = false,
  ): DisciplineOutcome {
    const { maxSlewRate, stepThreshold, panicThreshold } = this.#options;
    const offset = estimate.offset - this.correctionAt(time);
    const first = !this.#started;
    if (!first && !mayStep && Math.abs(offset) > panicThreshold) return "refused";
    const steps = first || mayStep || Math.abs(offset) > stepThreshold;
    const frequency = Math.min(MAX_FREQUENCY, Math.max(-MAX_FREQUENCY, estimate.frequency));
    this.#bend(time, steps ? offset : 0);
    this.#frequency = frequency;
    this.#started = true;
    if (steps) return first ? "started" : "stepped";
    const noise = NOISE * Math.sqrt(Math.max(0, estimate.offsetVariance));
    const duration = SPREAD * interval * Math.min(1, noise / Math.abs(offset));
    // Of an offset of zero and no variance, nothing is left to be divided.
    const rate = offset === 0 ? 0 : offset / duration;
    this.#slew = Math.min(maxSlewRate, Math.max(-maxSlewRate, rate));
    this.#until = offset === 0 ? time : time + offset / this.#slew;
    return "slewing";
  }

  /**
   * Steps, as for a leap second.
   *
   * @param time now, in seconds of the raw clock
   * @param seconds by how much
   */
  step(time: number, seconds: number): void {
    const slew = this.#slew, until = this.#until;
    this.#bend(time, seconds);
    this.#slew = slew;
    this.#until = until;
  }

  /** Begins a new piece of the line, where the old one is. */
  #bend(time: number, seconds: number): void {
    this.#correction = this.correctionAt(time) + seconds;
    this.#from = time;
    this.#slew = 0;
    this.#until = time;
  }
}
