import type { LeapIndicator } from "../packet/leap_indicator.ts";
import type { ClockState } from "./clock.ts";
import { LeapSeconds } from "./leap_seconds.ts";

/** Where a clock learns of leap seconds. */
export interface LeapSecondsOptions {
  /**
   * The table that {@linkcode ClockState.leapIndicator} is taken from; null never announces a leap
   * second, as suits a clock that is smeared. Default: {@linkcode LeapSeconds.builtIn}.
   */
  leapSeconds?: LeapSeconds | null;
  /**
   * Called once, when the state is first read after the table's expiry: from then on a leap second
   * may go unannounced. Default: only the property `leapSecondsExpired` tells.
   */
  onLeapSecondsExpired?: (table: LeapSeconds) => void;
}

/** Largest error assumed of a clock that does not know its own, in seconds. */
const DEFAULT_ROOT_DISPERSION = 0.001;

/** A leap-second table that says once that it has expired. */
export class LeapSecondsWatch {
  readonly #table: LeapSeconds | null;
  readonly #onExpired: ((table: LeapSeconds) => void) | undefined;
  #reported = false;

  /** Checks and keeps the options. */
  constructor(options: LeapSecondsOptions) {
    const { leapSeconds = LeapSeconds.builtIn, onLeapSecondsExpired } = options;
    if (leapSeconds !== null && !(leapSeconds instanceof LeapSeconds)) {
      throw new TypeError(`leapSeconds must be a LeapSeconds table or null, not ${leapSeconds}`);
    }
    checkFunction("onLeapSecondsExpired", onLeapSecondsExpired);
    this.#table = leapSeconds;
    this.#onExpired = onLeapSecondsExpired;
  }

  /** Whether there is a table and it is too old for `timestamp`. */
  isExpired(timestamp: bigint, pivot?: bigint): boolean {
    return this.#table?.isExpired(timestamp, pivot) ?? false;
  }

  /** The table's leap indicator; reports the expiry the first time. */
  indicatorAt(timestamp: bigint, pivot?: bigint): LeapIndicator {
    if (this.#table === null) return 0;
    if (!this.#reported && this.#table.isExpired(timestamp, pivot)) {
      this.#reported = true;
      this.#onExpired?.(this.#table);
    }
    return this.#table.indicatorAt(timestamp, pivot);
  }
}

/**
 * Completes what is known of a clock with the defaults all clocks share: synchronised, set at the
 * last whole second, no delay, an error of one millisecond.
 *
 * @param known what the clock or its user says
 * @param now the clock's time
 * @param leapIndicator what the leap-second table says
 * @throws {RangeError} if a value is out of its range
 */
export function completeClockState(
  known: Partial<ClockState>,
  now: bigint,
  leapIndicator: LeapIndicator,
): ClockState {
  const synchronized = known.synchronized ?? true;
  if (typeof synchronized !== "boolean") {
    throw new TypeError(`synchronized must be true or false, not ${synchronized}`);
  }
  const state: ClockState = {
    synchronized,
    // RFC 5905 §7.3: 3 is "unknown (clock unsynchronized)".
    leapIndicator: synchronized ? known.leapIndicator ?? leapIndicator : 3,
    referenceTimestamp: known.referenceTimestamp ?? (now >> 32n) << 32n,
    rootDelay: known.rootDelay ?? 0,
    rootDispersion: known.rootDispersion ?? DEFAULT_ROOT_DISPERSION,
    ...(known.stratum !== undefined && { stratum: known.stratum }),
    ...(known.referenceId !== undefined && { referenceId: known.referenceId }),
  };
  // The short format holds just under 65536 s (RFC 5905 §6).
  checkNumber("rootDelay", state.rootDelay, 0, 65535, false);
  checkNumber("rootDispersion", state.rootDispersion, 0, 65535, false);
  checkNumber("leapIndicator", state.leapIndicator, 0, 3, true);
  if (state.stratum !== undefined) checkNumber("stratum", state.stratum, 1, 15, true);
  if (state.referenceId !== undefined) {
    checkNumber("referenceId", state.referenceId, 0, 0xffffffff, true);
  }
  return state;
}

function checkNumber(name: string, value: number, least: number, most: number, whole: boolean) {
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return;
  throw new RangeError(
    `${name} must be a ${whole ? "whole " : ""}number from ${least} to ${most}, not ${value}`,
  );
}

/**
 * Refuses an option that is given and is no function.
 *
 * @throws {TypeError} naming the option and the value
 */
export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") {
    throw new TypeError(`${name} must be a function, not ${value}`);
  }
}
