/** Units of time in a second, a power of two. 32 bits of them are 12 days; differences wrap. */
export const UNITS = 4096;
const FRACTION_SHIFT = 20;

/**
 * A time in units of {@linkcode UNITS}, 32 bits of it.
 *
 * @param now seconds and fraction words of an NTP timestamp
 */
export function timeUnits(now: Uint32Array): number {
  return ((now[0]! << (32 - FRACTION_SHIFT)) | (now[1]! >>> FRACTION_SHIFT)) | 0;
}
