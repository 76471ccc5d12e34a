/** One reading of a reference clock: how far it was ahead of the raw clock. */
export interface Reading {
  /** When, in seconds on any steady scale. */
  readonly time: number;
  /** Offset, in seconds. */
  readonly offset: number;
}

/** Part of the readings that is kept, around the median; the rest are outliers. */
const KEPT = 0.6;

/**
 * Makes one of many readings: the mean of those around the median. Readings of reference clocks come
 * each second, with outliers whenever something else kept the machine busy.
 *
 * @param readings at least one
 * @returns the mean of the readings that are kept, its place in time, and their standard deviation
 */
export function filterReadings(
  readings: readonly Reading[],
): { time: number; offset: number; deviation: number } {
  const sorted = [...readings].sort((a, b) => a.offset - b.offset);
  const kept = Math.max(1, Math.round(sorted.length * KEPT));
  const first = Math.floor((sorted.length - kept) / 2);
  const middle = sorted.slice(first, first + kept);
  const time = middle.reduce((sum, reading) => sum + reading.time / kept, 0);
  const offset = middle.reduce((sum, reading) => sum + reading.offset / kept, 0);
  const squares = middle.reduce((sum, reading) => sum + (reading.offset - offset) ** 2, 0);
  return { time, offset, deviation: kept > 1 ? Math.sqrt(squares / (kept - 1)) : 0 };
}
