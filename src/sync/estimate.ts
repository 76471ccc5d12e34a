/**
 * What is known of the offset and frequency of a clock at some moment. Seconds, and seconds per
 * second; positive: the reference is ahead, and runs faster.
 */
export interface Estimate {
  /** Moment that it holds for, in seconds of the raw clock. */
  readonly time: number;
  /** Offset of the reference from the raw clock. */
  readonly offset: number;
  /** Frequency of the reference against the raw clock. */
  readonly frequency: number;
  /** Variance of `offset`. */
  readonly offsetVariance: number;
  /** Variance of `frequency`. */
  readonly frequencyVariance: number;
  /** Covariance of the two. */
  readonly covariance: number;
}

/**
 * Moves an estimate to another moment, on the frequency that it says. How the frequency itself
 * wanders in between is left to `wander`.
 *
 * @param estimate what is known
 * @param time seconds of the raw clock
 * @param wander how far the frequency wanders in a second: standard deviation per √s
 */
export function predict(estimate: Estimate, time: number, wander: number): Estimate {
  const age = time - estimate.time, q = wander * wander * Math.abs(age);
  const { offsetVariance, frequencyVariance, covariance } = estimate;
  return {
    time,
    offset: estimate.offset + estimate.frequency * age,
    frequency: estimate.frequency,
    offsetVariance: offsetVariance + 2 * age * covariance + age * age * frequencyVariance +
      q * age * age / 3,
    frequencyVariance: frequencyVariance + q,
    covariance: covariance + age * frequencyVariance + q * age / 2,
  };
}
