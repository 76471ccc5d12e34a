import type { RandomStream } from "./random_stream.ts";

/** How long a way takes, in seconds. What is left out is 0. */
export interface DelayOptions {
  /** The part that is always the same. */
  base?: number;
  /** Mean of an exponentially distributed part: queues that are nearly empty. */
  exponential?: number;
  /** Standard deviation of a normally distributed part of mean 0. */
  normal?: number;
  /** No delay is below this, 0 or more. */
  least?: number;
}

/**
 * Checks the options of a delay.
 *
 * @param name what the options are called in errors
 * @throws {TypeError} if one is not a number
 * @throws {RangeError} if one is negative or not finite
 */
export function checkDelay(name: string, options: DelayOptions): Required<DelayOptions> {
  const { base = 0, exponential = 0, normal = 0, least = 0 } = options;
  const checked = { base, exponential, normal, least };
  for (const [key, value] of Object.entries(checked)) checkSeconds(`${name}.${key}`, value);
  return checked;
}

/**
 * Checks a time span.
 *
 * @throws {TypeError} if it is not a number
 * @throws {RangeError} if it is negative or not finite
 */
export function checkSeconds(name: string, value: number): void {
  if (typeof value !== "number") throw new TypeError(`${name} is a number, not ${value}`);
  if (!(value >= 0 && value < Infinity)) {
    throw new RangeError(`${name} must be 0 or more seconds, and finite, not ${value}`);
  }
}

/**
 * A delay drawn from its distribution, in seconds: base + exponential·E + normal·N, no less than
 * `least`, where E and N are numbers of the exponential and the normal distribution. What is 0 draws
 * nothing.
 *
 * @param options as {@linkcode checkDelay} returned them
 * @param random drawn from
 */
export function drawDelay(options: Required<DelayOptions>, random: RandomStream): number {
  let delay = options.base;
  if (options.exponential !== 0) delay += options.exponential * random.exponential();
  if (options.normal !== 0) delay += options.normal * random.normal();
  return delay < options.least ? options.least : delay;
}
