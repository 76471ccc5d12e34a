// What shared_tables_test.ts and its thread do alike.
import type { RateLimitOptions } from "../../src/server/rate_limit_options.ts";
import type { RateLimiter } from "../../src/server/rate_limiter.ts";

/** Not random: the same in every run. Prefixes play no part. */
export const OPTIONS: RateLimitOptions = {
  interval: 64,
  burst: 16,
  prefixInterval: 1 / 4096,
  prefixBurst: 65535,
  leak: 0,
  random: (into) => into.forEach((_, i) => into[i] = 37 * i + 11),
};

/** Addresses that are asked for, each far beyond its burst. */
export const ADDRESSES = 2000;
const ROUNDS = 200;

/** How many requests of each address are within the limits. */
export function countWithin(limiter: RateLimiter): number[] {
  const within = new Array<number>(ADDRESSES).fill(0);
  const now = new Uint32Array([3_900_000_000, 0]);
  const address = new Uint8Array(16);
  address.set([255, 255, 10], 10);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < ADDRESSES; i++) {
      address[14] = i >> 8;
      address[15] = i;
      if (limiter.check(address, now) === "within") within[i]!++;
    }
  }
  return within;
}
