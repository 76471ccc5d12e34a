import { UNITS } from "./time_units.ts";

/** Options of {@linkcode RateLimiter}. */
export interface RateLimitOptions {
  /**
   * Seconds between requests that one address may keep up for ever, 1/4096 to 4096. Default 8, as
   * recommended: clients usually ask every 64 s at most.
   */
  interval?: number;
  /** Requests that one address may make at once after a pause, 1 to 255. Default 8. */
  burst?: number;
  /** The same for all addresses of one prefix together. Default: a 16th of `interval`. */
  prefixInterval?: number;
  /** The same for all addresses of one prefix together, 1 to 65535. Default: 16 times `burst`. */
  prefixBurst?: number;
  /** Length of an IPv4 prefix in bits, 1 to 32. Default 24. */
  ipv4Prefix?: number;
  /** Length of an IPv6 prefix in bits, 1 to 128. Default 64. */
  ipv6Prefix?: number;
  /**
   * Share of the requests above the limit that is answered all the same, at random, 0 to 1. Default
   * 0.25: a client whose address somebody else floods us with still gets answers.
   */
  leak?: number;
  /** Addresses and prefixes that are remembered, 1024 to 2^24; 8 bytes each. Default 2^17. */
  capacity?: number;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: (into: Uint8Array) => void;
}

/** Longest time that a bucket may take to fill, in seconds: a quarter of what differences hold. */
const MAX_FILL = 2 ** 18;

/** Least and greatest value of each option. */
const BOUNDS = {
  interval: [1 / UNITS, 4096],
  burst: [1, 255],
  prefixInterval: [1 / UNITS, 4096],
  prefixBurst: [1, 65535],
  ipv4Prefix: [1, 32],
  ipv6Prefix: [1, 128],
  leak: [0, 1],
  capacity: [1024, 2 ** 24],
} as const;

const WHOLE: readonly string[] = ["burst", "prefixBurst", "ipv4Prefix", "ipv6Prefix", "capacity"];

/**
 * Fills in what is left out, and refuses what is wrong.
 *
 * @param options as given
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 */
export function completeRateLimit(
  options: RateLimitOptions,
): Required<Omit<RateLimitOptions, "random">> {
  const { interval = 8, burst = 8 } = options;
  const values = {
    interval,
    burst,
    prefixInterval: options.prefixInterval ?? Math.max(1 / UNITS, interval / 16),
    prefixBurst: options.prefixBurst ?? 16 * burst,
    ipv4Prefix: options.ipv4Prefix ?? 24,
    ipv6Prefix: options.ipv6Prefix ?? 64,
    leak: options.leak ?? 0.25,
    capacity: options.capacity ?? 2 ** 17,
  };
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    const value: unknown = values[name as keyof typeof BOUNDS];
    if (typeof value !== "number") {
      throw new TypeError(`rateLimit.${name} is a number, not ${typeof value}: ${String(value)}`);
    }
    const whole = WHOLE.includes(name);
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
      throw new RangeError(
        `rateLimit.${name} is a ${
          whole ? "whole " : ""
        }number from ${least} to ${most}, not ${value}`,
      );
    }
  }
  for (
    const [interval, burst] of [["interval", "burst"], ["prefixInterval", "prefixBurst"]] as const
  ) {
    if (values[interval] * values[burst] > MAX_FILL) {
      throw new RangeError(
        `rateLimit.${interval} × ${burst} is at most ${MAX_FILL} s (3 days), not ` +
          `${values[interval]} × ${values[burst]}`,
      );
    }
  }
  return values;
}
