/** A sample as the regression takes it. Seconds. */
export interface WeightedPoint {
  /** When, in seconds of the raw clock. */
  readonly time: number;
  /** Offset. */
  readonly offset: number;
  /** Excess of the delay over the shortest. */
  readonly excess: number;
}

/** A line through the offsets of a source. */
export interface Regression {
  /** Samples that it goes through. */
  readonly samples: number;
  /** Runs of residuals of one sign. */
  readonly runs: number;
  /** Seconds between the first and the last of them. */
  readonly span: number;
  /** Offset at the last sample, in seconds. */
  readonly offset: number;
  /** Slope, in seconds per second. */
  readonly frequency: number;
  /** Bound of the error of `frequency`, with a probability of 95 %; Infinity of fewer than three samples. */
  readonly skew: number;
  /** Standard deviation of the samples around the line, in seconds. */
  readonly standardDeviation: number;
}

/** Fewest samples that a line is made of after others were dropped. */
const LEAST_SAMPLES = 4;
/** Runs may be fewer than expected by so many standard deviations: what happens by chance in 5 % of cases. */
const RUNS_QUANTILE = 1.645;

/**
 * Fits a line through the latest samples that lie along one: those of short delay weigh more, and
 * the oldest are dropped for as long as the residuals come in too few runs of one sign (the test of
 * Wald and Wolfowitz), that is, while the samples bend.
 *
 * @param points the latest samples, oldest first
 * @returns undefined without samples
 */
export function regress(points: readonly WeightedPoint[]): Regression | undefined {
  if (points.length === 0) return undefined;
  let first = 0;
  for (;;) {
    const line = fit(points, first);
    const left = points.length - first;
    if (left <= LEAST_SAMPLES || line.straight) return line.regression;
    // A quarter at a time: to drop one by one would cost the square of their number.
    first += Math.max(1, Math.min(left - LEAST_SAMPLES, left >> 2));
  }
}

function fit(
  points: readonly WeightedPoint[],
  first: number,
): { regression: Regression; straight: boolean } {
  const last = points[points.length - 1]!, samples = points.length - first;
  let spread = 0;
  for (let i = first; i < points.length; i++) spread += points[i]!.excess / samples;
  const weightOf = (point: WeightedPoint): number =>
    spread === 0 ? 1 : 1 / (1 + (point.excess / spread) ** 2);
  let sum = 0, time = 0, offset = 0;
  for (let i = first; i < points.length; i++) {
    const weight = weightOf(points[i]!);
    sum += weight;
    time += weight * (points[i]!.time - last.time);
    offset += weight * points[i]!.offset;
  }
  time /= sum;
  offset /= sum;
  let across = 0, along = 0;
  for (let i = first; i < points.length; i++) {
    const x = points[i]!.time - last.time - time, weight = weightOf(points[i]!);
    across += weight * x * (points[i]!.offset - offset);
    along += weight * x * x;
  }
  const frequency = along > 0 ? across / along : 0;
  let squares = 0, runs = 0, positive = 0, sign = 0;
  for (let i = first; i < points.length; i++) {
    const x = points[i]!.time - last.time - time;
    const residual = points[i]!.offset - offset - frequency * x;
    squares += weightOf(points[i]!) * residual * residual;
    const side = residual < 0 ? -1 : 1;
    if (side !== sign) runs++;
    if (side > 0) positive++;
    sign = side;
  }
  const freedom = samples - 2;
  // Of the weighted squares, so scaled that equal weights give the ordinary formula.
  const variance = freedom > 0 ? squares / sum * samples / freedom : 0;
  const skew = freedom > 0 && along > 0
    ? studentQuantile(freedom) * Math.sqrt(variance * sum / samples / along)
    : Infinity;
  return {
    regression: {
      samples,
      runs,
      span: last.time - points[first]!.time,
      offset: offset - frequency * time,
      frequency,
      skew,
      standardDeviation: Math.sqrt(variance),
    },
    straight: enoughRuns(runs, positive, samples - positive),
  };
}

/** Whether residuals change their sign as often as chance would have it. */
function enoughRuns(runs: number, positive: number, negative: number): boolean {
  const count = positive + negative, product = 2 * positive * negative;
  const mean = product / count + 1;
  const variance = product * (product - count) / (count * count * (count - 1));
  return runs >= mean - RUNS_QUANTILE * Math.sqrt(Math.max(0, variance));
}

/** Two-sided 95 % quantile of Student's distribution, to a percent (Cornish and Fisher's expansion from 3 on). */
function studentQuantile(freedom: number): number {
  if (freedom === 1) return 12.706;
  if (freedom === 2) return 4.303;
  const z = 1.95996, z3 = z ** 3, z5 = z ** 5;
  return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom ** 2);
}
