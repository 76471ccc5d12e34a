import type { DelayQuality } from "./delay_window.ts";
import type { Estimate } from "./estimate.ts";

/**
 * Wander of the frequency that the filters assume, from quartz in an oven to the clock of a busy
 * virtual machine: standard deviation per √s.
 */
const WANDERS = [1e-11, 1e-10, 3e-10, 1e-9, 3e-9, 1e-8, 3e-8, 1e-7, 1e-6];
/**
 * What the filters assume of the noise of an offset: both directions queue alike, the delay tells
 * nothing, all queueing is on the way there, all is on the way back.
 */
const NOISES = ["queues", "independent", "outward", "return"] as const;
/**
 * An offset follows a one-sided queue to within this part of the excess, and this part of the mean
 * excess: a little always happens on the other side.
 */
const ONE_SIDED = 0.05, OTHER_SIDE = 0.02;
/** How much of what was learned of a filter's fitness is kept from one sample to the next. */
const MEMORY = 0.995;
/** How fast the noise that a filter finds changes the noise that it assumes, per sample. */
const LEARNING = 0.03;
/**
 * How far clocks of computers usually wander, and what a decade more or less costs a filter in
 * fitness: little, but it decides while the samples do not.
 */
const USUAL_WANDER = 2e-9, UNUSUAL = 0.5;
/** Samples before a filter's noise is judged. */
const WARM_UP = 8;
/** Bounds of the factor that noise learned has over noise assumed. */
const LEAST_SCALE = 0.2, GREATEST_SCALE = 1e4;
/** A surprise counts at most as so many times what was expected, squared: one wild sample says little. */
const MOST_SURPRISE = 25, MOST_LEARNED = 9;
/** Variance of what is known before anything is: an offset of a second, a frequency of 200 ppm. */
const OFFSET_PRIOR = 1, FREQUENCY_PRIOR = 2e-4 ** 2;

/** One filter: a clock with an offset and a frequency that wanders, seen through noise. */
class Filter {
  offset = 0;
  frequency = 0;
  offsetVariance = OFFSET_PRIOR;
  covariance = 0;
  frequencyVariance = FREQUENCY_PRIOR;
  /** Factor on the noise assumed. */
  scale = 1;
  readonly wander: number;
  readonly noise: typeof NOISES[number];
  /** Logarithm of how likely it is before any sample. */
  readonly #prior: number;
  /** Logarithm of how well it has foretold the samples. */
  #success = 0;

  constructor(wander: number, noise: typeof NOISES[number]) {
    this.wander = wander;
    this.noise = noise;
    this.#prior = -UNUSUAL * Math.log10(wander / USUAL_WANDER) ** 2;
  }

  /** Logarithm of how likely it is. */
  get fitness(): number {
    return this.#success + this.#prior;
  }

  predict(age: number): void {
    const q = this.wander * this.wander * age;
    this.offset += this.frequency * age;
    this.offsetVariance += 2 * age * this.covariance + age * age * this.frequencyVariance +
      q * age * age / 3;
    this.covariance += age * this.frequencyVariance + q * age / 2;
    this.frequencyVariance += q;
  }

  correct(offset: number, quality: DelayQuality, floor: number, learn: boolean): void {
    const { excess, spread, unseen, variance } = quality;
    let noise: number, seen = offset;
    // Uniform within ±x has a variance of x²/3; half of the excess is the most it can be wrong by.
    if (this.noise === "queues") noise = (excess + unseen) ** 2 / 12;
    else if (this.noise === "independent") noise = variance;
    else {
      noise = (ONE_SIDED * excess) ** 2 + (OTHER_SIDE * spread) ** 2 + unseen * unseen / 12;
      // Queued on the way there, a request comes late, and the server looks ahead.
      seen += this.noise === "outward" ? -excess / 2 : excess / 2;
    }
    noise = Math.max(floor, (noise + floor) * this.scale);
    const expected = this.offsetVariance + noise, surprise = seen - this.offset;
    const relative = surprise * surprise / expected;
    if (learn) {
      const scale = this.scale * Math.exp(LEARNING * (Math.min(relative, MOST_LEARNED) - 1));
      this.scale = Math.min(Math.max(scale, LEAST_SCALE), GREATEST_SCALE);
    }
    this.#success = MEMORY * this.#success -
      (Math.min(relative, MOST_SURPRISE) + Math.log(expected)) / 2;
    const gain = this.offsetVariance / expected, frequencyGain = this.covariance / expected;
    this.offset += gain * surprise;
    this.frequency += frequencyGain * surprise;
    // Rounding must not make a variance negative.
    this.frequencyVariance = Math.max(0, this.frequencyVariance - frequencyGain * this.covariance);
    this.covariance -= gain * this.covariance;
    this.offsetVariance = Math.max(0, this.offsetVariance - gain * this.offsetVariance);
  }
}

/**
 * Estimates offset and frequency of a clock from samples: a bank of Kalman filters, each with its
 * own idea of how the clock wanders and how the network errs, weighted by how well each has foretold
 * the samples so far.
 *
 * It stands where RFC 5905 §10 and §11.3 have clock filter and loop constants, and where others fit a
 * line through a window of samples. The data decide how far back to look, and whether a long delay
 * spoils a sample.
 */
export class FilterBank {
  readonly #filters: readonly Filter[] = NOISES.flatMap((noise) =>
    WANDERS.map((wander) => new Filter(wander, noise))
  );
  #time = 0;
  #count = 0;
  #estimate: Estimate | undefined;
  #wander = 0;

  /**
   * Makes a bank that has seen nothing.
   *
   * @param frequency what is known beforehand: as of a drift file
   */
  constructor(frequency?: { readonly value: number; readonly variance: number }) {
    if (frequency === undefined) return;
    for (const filter of this.#filters) {
      filter.frequency = frequency.value;
      filter.frequencyVariance = frequency.variance;
    }
  }

  /** Samples taken. */
  get count(): number {
    return this.#count;
  }

  /** What is known as of the last sample; undefined before the first. */
  get estimate(): Estimate | undefined {
    return this.#estimate;
  }

  /** How far the frequency wanders, as the best filters say: standard deviation per √s. */
  get wander(): number {
    return this.#wander;
  }

  /**
   * Takes a sample.
   *
   * @param time when it was, in seconds of the raw clock; not before the last
   * @param offset offset of the source from the raw clock, in seconds
   * @param quality what its delay says
   * @param floor least variance that an offset has however short the delay, in seconds²
   */
  add(time: number, offset: number, quality: DelayQuality, floor: number): Estimate {
    const first = this.#count++ === 0;
    const age = Math.max(0, time - this.#time);
    this.#time = first ? time : this.#time + age;
    for (const filter of this.#filters) {
      if (first) filter.offset = offset;
      else filter.predict(age);
      filter.correct(offset, quality, floor, this.#count > WARM_UP);
    }
    return this.#mix();
  }

  /** The reference, or the raw clock, was set by so many seconds, as both know. */
  shift(seconds: number): void {
    for (const filter of this.#filters) filter.offset += seconds;
    if (this.#estimate !== undefined) {
      this.#estimate = { ...this.#estimate, offset: this.#estimate.offset + seconds };
    }
  }

  /** The filters as one: the mean of a mixture of normal distributions, and its variance. */
  #mix(): Estimate {
    let best = -Infinity;
    for (const { fitness } of this.#filters) best = Math.max(best, fitness);
    let sum = 0, offset = 0, frequency = 0, wander = 0;
    for (const filter of this.#filters) {
      const weight = Math.exp(filter.fitness - best);
      sum += weight;
      offset += weight * filter.offset;
      frequency += weight * filter.frequency;
      wander += weight * filter.wander ** 2;
    }
    offset /= sum;
    frequency /= sum;
    let offsetVariance = 0, frequencyVariance = 0, covariance = 0;
    for (const filter of this.#filters) {
      const weight = Math.exp(filter.fitness - best) / sum;
      const x = filter.offset - offset, y = filter.frequency - frequency;
      offsetVariance += weight * (filter.offsetVariance + x * x);
      frequencyVariance += weight * (filter.frequencyVariance + y * y);
      covariance += weight * (filter.covariance + x * y);
    }
    this.#wander = Math.sqrt(wander / sum);
    return this.#estimate = {
      time: this.#time,
      offset,
      frequency,
      offsetVariance,
      frequencyVariance,
      covariance,
    };
  }
}
