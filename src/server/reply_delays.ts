/**
 * How long replies take from the arrival of their requests, in a histogram whose bounds are powers of
 * two: to find the place of a time takes a few instructions.
 */

/** Units of NTP's fractions in a second. */
const UNITS = 4294967296;
/** The first bound is 2^12 of them, just below a microsecond; the last 2^28, a sixteenth of a second. */
const FIRST = 12, LAST = 28;

/** Bounds of the histogram, in seconds, upwards; what is above the last has a place of its own. */
export const REPLY_DELAY_BOUNDS: readonly number[] = Array.from(
  { length: LAST - FIRST + 1 },
  (_, i) => 2 ** (FIRST + i) / UNITS,
);

/** How many places there are. */
export const REPLY_DELAY_PLACES: number = REPLY_DELAY_BOUNDS.length + 1;

/**
 * The time between two moments, in units of 2^-32 s: none if the clock was set back meanwhile, a second
 * if it is that or more.
 *
 * @param from seconds and fraction words
 * @param to seconds and fraction words
 */
export function unitsBetween(from: Uint32Array, to: Uint32Array): number {
  const units = (to[0]! - from[0]!) * UNITS + to[1]! - from[1]!;
  return units <= 0 ? 0 : units < UNITS ? units : UNITS - 1;
}

/**
 * Where a time is counted.
 *
 * @param units of 2^-32 s, below 2^32
 */
export function replyDelayPlace(units: number): number {
  const bits = 32 - Math.clz32(units - (units > 0 ? 1 : 0));
  return bits <= FIRST ? 0 : bits > LAST ? LAST - FIRST + 1 : bits - FIRST;
}

/** Units of 2^-32 s as seconds. */
export function secondsOf(units: number): number {
  return units / UNITS;
}
