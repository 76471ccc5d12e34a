import { type Estimate, predict } from "./estimate.ts";

/** To ask half as often is good if the error then grows by no more than this factor. */
const PATIENT = 2.5;
/** To ask twice as often is good if the error grows by more than this factor as it is. */
const HASTY = 4;
/** Samples before a source is asked less often. */
const SETTLED = 8;

/**
 * How often to ask: as seldom as the time gets no worse by it. While the noise of the network is the
 * larger part of the error, a sample more or less hardly matters; when the clock wanders off between
 * two samples, it does.
 *
 * @param estimate what is known right after a sample
 * @param wander of the clock's frequency: standard deviation per √s
 * @param samples that the estimate is made of
 * @param poll present poll exponent, log2 of seconds
 * @returns the poll exponent to go on with, one more or less at most
 */
export function advisePoll(
  estimate: Estimate,
  wander: number,
  samples: number,
  poll: number,
): number {
  const growth = (interval: number): number =>
    Math.sqrt(
      predict(estimate, estimate.time + interval, wander).offsetVariance / estimate.offsetVariance,
    );
  if (growth(2 ** poll) > HASTY) return poll - 1;
  return samples > SETTLED && growth(2 ** (poll + 1)) < PATIENT ? poll + 1 : poll;
}
