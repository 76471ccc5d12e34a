/**
 * Seconds between the first requests to a server: the first ones quickly, to learn the offset, then
 * further apart, to learn the frequency before the clock is left to itself for a whole poll interval.
 * Eight requests, as many as RFC 5905 §13.2 has in a burst (BCOUNT), but over a minute.
 */
export const INITIAL_INTERVALS: readonly number[] = [2, 2, 2, 4, 8, 16, 32];
