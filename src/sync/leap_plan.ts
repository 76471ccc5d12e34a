import { NTP_UNIX_OFFSET } from "../packet/timestamp.ts";
import { type LeapSmear, smearedPart } from "../clock/leap_smear.ts";

/** A leap second that is coming, or being smeared. */
export interface LeapPlan {
  /**
   * Seconds word of the NTP timestamp at which the count of seconds changes: the first second of the
   * next day if one is inserted, the last of this day if one is deleted.
   */
  readonly second: number;
  /** Seconds that the count goes back: 1 if one is inserted, -1 if one is deleted. */
  readonly inserted: 1 | -1;
  /** How the clock gets there; undefined, it steps. */
  readonly smear: Required<LeapSmear> | undefined;
  /** Whether the clock lets it happen, and others are to be told; else it is smeared away. */
  readonly isAnnounced: boolean;
}

const DAY = 86400;

/**
 * The leap second that servers announce for the end of the day (RFC 5905 §7.3). There are some only at
 * the end of a month: an earlier announcement is a day's, not to be acted upon.
 *
 * @param unixSeconds the time
 * @param leapIndicator 1, a second is inserted; 2, one is deleted
 * @param smear how to get there
 * @param isAnnounced whether others are to be told
 * @returns undefined if it is not the last day of a month
 */
export function planLeap(
  unixSeconds: number,
  leapIndicator: 1 | 2,
  smear: Required<LeapSmear> | undefined,
  isAnnounced: boolean,
): LeapPlan | undefined {
  const nextDay = (Math.floor(unixSeconds / DAY) + 1) * DAY;
  if (new Date(nextDay * 1000).getUTCDate() !== 1) return undefined;
  const inserted = leapIndicator === 1 ? 1 : -1;
  const second = nextDay - (inserted === 1 ? 0 : 1);
  return { second: (second + NTP_UNIX_OFFSET) % 2 ** 32, inserted, smear, isAnnounced };
}

/**
 * What a smear adds to a clock that follows UTC.
 *
 * @param plan the leap second
 * @param sinceLeap seconds since it, on a count that did not change
 */
export function smearTerm(plan: LeapPlan, sinceLeap: number): number {
  if (plan.smear === undefined) return 0;
  const left = (sinceLeap >= 0 ? 1 : 0) - smearedPart(plan.smear, sinceLeap);
  return plan.inserted * left;
}

/** Whether nothing is left of a leap second that is over. */
export function leapDone(plan: LeapPlan, sinceLeap: number): boolean {
  const end = plan.smear === undefined ? 0 : plan.smear.start + plan.smear.duration;
  return sinceLeap >= Math.max(0, end);
}
