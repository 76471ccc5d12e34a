import type { LeapIndicator } from "../packet/leap_indicator.ts";

/**
 * What a clock knows of itself besides the time: the system variables of RFC 5905 §11.1 that change
 * seldom. A server reads them about once a second.
 */
export interface ClockState {
  /** Whether the clock follows UTC. A server on a clock that does not says so in every reply. */
  readonly synchronized: boolean;
  /** Whether the last minute of the UTC day has 61 or 59 seconds. */
  readonly leapIndicator: LeapIndicator;
  /** When the clock was last set or corrected: an NTP timestamp. */
  readonly referenceTimestamp: bigint;
  /** Round-trip delay to the primary reference, in seconds, 0 to 65535. */
  readonly rootDelay: number;
  /** Largest error against the primary reference, in seconds, 0 to 65535. */
  readonly rootDispersion: number;
  /**
   * Stratum to announce, 1 to 15, where the clock knows it (a clock that follows servers does).
   * Absent: the server's own setting.
   */
  readonly stratum?: number;
  /** Reference identifier to announce, 32 bits, where the clock knows it. */
  readonly referenceId?: number;
}

/**
 * Where time comes from. A clock is passed in wherever time is needed, so that the same code runs
 * on the system clock, on a reference clock, on a disciplined clock and in a simulation.
 *
 * @example A clock that is always ten seconds fast
 * ```ts
 * import { addSeconds, type Clock, SystemClock } from "@ntps/ntps";
 *
 * const system = new SystemClock();
 * const fast: Clock = {
 *   precision: system.precision,
 *   now: () => addSeconds(system.now(), 10),
 *   read(into) {
 *     system.read(into);
 *     into[0] = into[0]! + 10;
 *   },
 *   state: () => system.state(),
 * };
 * ```
 */
export interface Clock {
  /** Precision of a reading, log2 of seconds, signed: -20 is about a microsecond (RFC 5905 §7.3). */
  readonly precision: number;
  /** The time now: a 64-bit NTP timestamp. */
  now(): bigint;
  /**
   * The time now, for hot paths: writes the seconds word to `into[0]` and the fraction word to
   * `into[1]`, and allocates nothing.
   *
   * @param into two unsigned 32-bit words
   */
  read(into: Uint32Array): void;
  /** What the clock knows of itself besides the time. */
  state(): ClockState;
  /**
   * The time now in Unix nanoseconds, where the clock knows the era: the pivot for what is compared
   * with it. Absent: timestamps of this clock are read with `DEFAULT_PIVOT`.
   */
  unixNanoseconds?(): bigint;
}
