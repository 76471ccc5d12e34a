import { timestampToWords } from "../packet/timestamp.ts";
import type { Clock, ClockState } from "./clock.ts";
import { completeClockState, type LeapSecondsOptions, LeapSecondsWatch } from "./clock_state.ts";
import { measurePrecision } from "./precision.ts";

/** Options of {@linkcode FunctionClock}. */
export interface FunctionClockOptions extends LeapSecondsOptions {
  /**
   * Precision of a reading, log2 of seconds, -32 to 32. Default: measured when first asked for, as
   * {@linkcode measurePrecision} says.
   */
  precision?: number;
  /**
   * What is known of the clock besides the time: fixed, or a function that is asked each time. What
   * is missing is taken as: synchronised, leap indicator from the table, set at the last whole
   * second, root delay 0, root dispersion 0.001 s.
   */
  state?: Partial<ClockState> | (() => Partial<ClockState>);
}

/**
 * A clock made of a function that tells the time: the way to serve a time source of one's own.
 *
 * @example A receiver that knows how good its fix is
 * ```ts
 * import { FunctionClock } from "@ntps/ntps";
 * import { timestampFromDate } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const receiver = { time: new Date("2026-11-23T12:00:00Z"), hasFix: false };
 * const clock = new FunctionClock(() => timestampFromDate(receiver.time), {
 *   precision: -10, // milliseconds
 *   state: () => ({ synchronized: receiver.hasFix, rootDispersion: 0.0001 }),
 * });
 * assertEquals(clock.state().leapIndicator, 3); // not synchronised
 * ```
 */
export class FunctionClock implements Clock {
  readonly #tell: () => bigint;
  readonly #known: () => Partial<ClockState>;
  readonly #leapSeconds: LeapSecondsWatch;
  #precision: number | undefined;

  /**
   * Makes a clock. Does not call `tell` yet.
   *
   * @param tell tells the time: a 64-bit NTP timestamp
   * @param options see {@linkcode FunctionClockOptions}
   * @throws {TypeError} if an argument has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(tell: () => bigint, options: FunctionClockOptions = {}) {
    const { precision, state = {} } = options;
    if (typeof tell !== "function") throw new TypeError(`tell must be a function, not ${tell}`);
    if (precision !== undefined && !(Number.isInteger(precision) && Math.abs(precision) <= 32)) {
      throw new RangeError(`precision must be a whole number from -32 to 32, not ${precision}`);
    }
    this.#tell = tell;
    if (typeof state !== "function") completeClockState(state, 0n, 0); // refuse wrong values now
    this.#known = typeof state === "function" ? state : () => state;
    this.#leapSeconds = new LeapSecondsWatch(options);
    this.#precision = precision;
  }

  /** Precision of a reading, log2 of seconds, signed (RFC 5905 §7.3). */
  get precision(): number {
    this.#precision ??= measurePrecision((into) => this.read(into));
    return this.#precision;
  }

  /** Whether the leap-second table is too old for today: load a newer one. */
  get leapSecondsExpired(): boolean {
    return this.#leapSeconds.isExpired(this.now());
  }

  /**
   * The time now: a 64-bit NTP timestamp.
   *
   * @throws {TypeError} if the function gave something else than a bigint
   */
  now(): bigint {
    const timestamp: unknown = this.#tell();
    if (typeof timestamp !== "bigint") {
      throw new TypeError(
        `The time must be told as an NTP timestamp, a bigint, not ${typeof timestamp} ${timestamp}; ` +
          "timestampFromDate and timestampFromUnixNanoseconds make one",
      );
    }
    return BigInt.asUintN(64, timestamp);
  }

  /**
   * The time now as two words. The bigint of the function is all that is allocated.
   *
   * @param into written: seconds word, fraction word
   * @throws {TypeError} if the function gave something else than a bigint
   */
  read(into: Uint32Array): void {
    timestampToWords(this.now(), into);
  }

  /**
   * What is known of the clock besides the time.
   *
   * @throws {RangeError} if the `state` function gave a value out of its range
   */
  state(): ClockState {
    const now = this.now();
    return completeClockState(this.#known(), now, this.#leapSeconds.indicatorAt(now));
  }
}
