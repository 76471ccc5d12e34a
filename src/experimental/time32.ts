/**
 * The 32-bit time of NTPv5 (draft-ietf-ntp-ntpv5, "Data Types"): unsigned, 4 bits of seconds and 28 of
 * fraction, where versions before have 16 and 16. As a number of seconds it is exact in float64.
 */

const UNITS = 2 ** 28;
const LARGEST = 0xffffffff;

/**
 * Seconds of a time32 word.
 *
 * @param word 32 bits, unsigned
 * @returns seconds, 0 up to 16, exact
 *
 * @example One and a half seconds
 * ```ts
 * import { time32ToSeconds } from "@ntps/ntps/experimental";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(time32ToSeconds(0x18000000), 1.5);
 * ```
 */
export function time32ToSeconds(word: number): number {
  return (word >>> 0) / UNITS;
}

/**
 * Time32 word of a duration. Saturates at both ends, and rounds up: a root delay or root dispersion
 * must never claim to be better than it is. What is not a number becomes the largest.
 *
 * @param seconds a duration
 * @returns 32 bits, unsigned
 *
 * @example Rounded up and saturated
 * ```ts
 * import { time32FromSeconds } from "@ntps/ntps/experimental";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(time32FromSeconds(1), 0x10000000);
 * assertEquals(time32FromSeconds(1e-12), 1);
 * assertEquals(time32FromSeconds(16), 0xffffffff);
 * ```
 */
export function time32FromSeconds(seconds: number): number {
  if (!(seconds * UNITS <= LARGEST)) return LARGEST;
  return seconds > 0 ? Math.ceil(seconds * UNITS) : 0;
}
