/**
 * The 32-bit short format (RFC 5905 §6): unsigned, 16 bits of seconds and 16 of fraction. As a
 * number of seconds it is exact in float64.
 */

const UNITS = 65536;
const LARGEST = 0xffffffff;

/**
 * Seconds of a short-format word.
 *
 * @param word 32 bits, unsigned
 * @returns seconds, 0 up to 65536, exact
 *
 * @example One and a half seconds
 * ```ts
 * import { shortToSeconds } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(shortToSeconds(0x00018000), 1.5);
 * ```
 */
export function shortToSeconds(word: number): number {
  return (word >>> 0) / UNITS;
}

/**
 * Short-format word of a duration. Saturates at both ends, and rounds up: a root delay or root
 * dispersion must never claim to be better than it is. What is not a number becomes the largest.
 *
 * @param seconds a duration
 * @returns 32 bits, unsigned
 *
 * @example Rounded up and saturated
 * ```ts
 * import { shortFromSeconds } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(shortFromSeconds(0.000001), 1);
 * assertEquals(shortFromSeconds(-1), 0);
 * assertEquals(shortFromSeconds(1e9), 0xffffffff);
 * ```
 */
export function shortFromSeconds(seconds: number): number {
  if (!(seconds * UNITS <= LARGEST)) return LARGEST;
  return seconds > 0 ? Math.ceil(seconds * UNITS) : 0;
}
