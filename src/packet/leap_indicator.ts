/**
 * Leap indicator, two bits (RFC 5905 §7.3): 0 no warning, 1 the last minute of the UTC day has 61
 * seconds, 2 it has 59, 3 unknown: the clock is not synchronised.
 */
export type LeapIndicator = 0 | 1 | 2 | 3;

const TEXTS = [
  "no leap second announced",
  "a leap second will be inserted at the end of the UTC day",
  "a leap second will be deleted at the end of the UTC day",
  "not synchronised",
] as const;

/**
 * What a leap indicator means, for people.
 *
 * @param leapIndicator 0 to 3
 *
 * @example Reading a leap indicator
 * ```ts
 * import { describeLeapIndicator } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(describeLeapIndicator(3), "not synchronised");
 * ```
 */
export function describeLeapIndicator(leapIndicator: LeapIndicator): string {
  return TEXTS[leapIndicator];
}
