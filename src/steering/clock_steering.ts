import { systemTimers, type Timers } from "../clock/timers.ts";
import { NTPError } from "../packet/error.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { timestampDifference } from "../packet/timestamp.ts";
import type { Adjustment, SteerableClock } from "./steerable_clock.ts";
import { MAX_FREQUENCY } from "./timex.ts";

/** Readings of both clocks, of which the quickest counts. */
const READINGS = 3;
/** Intervals in which an offset falls to a third. */
const TIME_CONSTANT = 4;
/** Seconds before and after a leap second in which nothing is changed. */
const LEAP_GUARD = 4;
const DAY = 86400n;

/** The clock that a system clock is made to follow: that of an `NTPSync`. */
export interface SteeringReference {
  /** The right time: an NTP timestamp. */
  now(): bigint;
  /** How much faster it runs than the hardware, in seconds per second. */
  readonly frequency: number;
  /** How wrong it can be, in seconds. */
  readonly maxError: number;
  /** Whether it is right, and what leap second is coming. */
  state(): { readonly synchronized: boolean; readonly leapIndicator: LeapIndicator };
}

/** What was done, or would have been. */
export interface SteeringAction {
  /** `"hold"`: the right time is not known; `"slew"`: it runs faster or slower; `"step"`: it is set. */
  readonly kind: "hold" | "slew" | "step";
  /** How far the right time was ahead of the system clock, in seconds. */
  readonly offset: number;
  /** How much faster the system clock runs than its hardware from now on, in seconds per second. */
  readonly frequency: number;
}

/** Options of {@linkcode ClockSteering}. */
export interface ClockSteeringOptions {
  /**
   * The right time. Its raw clock must be one that steering does not touch, such as
   * {@linkcode SystemTime.rawMs} in a `SteadyClock`: else it would chase itself.
   */
  readonly reference: SteeringReference;
  /** What to steer. */
  readonly system: SteerableClock;
  /** Seconds between two changes, 0.1 to 60. Default 1. */
  readonly interval?: number;
  /** Offset above which the clock is set instead of slewed, in seconds, above 0. Default 1. */
  readonly stepThreshold?: number;
  /** How often it may be set, 0 to Infinity; then it is slewed, however long that takes. Default 1. */
  readonly maxSteps?: number;
  /** Offset above which nothing is believed any more and steering ends, in seconds. Default 1000. */
  readonly panicThreshold?: number;
  /** Fastest slew besides the frequency, in seconds per second, up to 0.0005. Default 0.0004. */
  readonly maxSlew?: number;
  /** Change nothing, and tell what would be. Default false. */
  readonly dryRun?: boolean;
  /** How to wait. Default: the runtime's timers. */
  readonly timers?: Timers;
  /** Told of each action. */
  readonly onAction?: (action: SteeringAction) => void;
  /** Told why steering has ended by itself. */
  readonly onError?: (error: Error) => void;
}

/**
 * Makes the clock of the operating system follow a disciplined clock. Its frequency alone is changed,
 * so that it never runs backwards, but for a step where that is permitted.
 *
 * What it follows does not depend on it, so there is no loop but the one here: the frequency is that
 * of the disciplined clock, plus what makes up for the offset, both known without noise of a network.
 *
 * @example What would be done
 * ```ts ignore
 * import { NTPSync, SteadyClock } from "@ntps/ntps";
 * import { ClockSteering, openSystemTime } from "@ntps/ntps/steering";
 *
 * const system = await openSystemTime({ readOnly: true });
 * const sync = await NTPSync.start({
 *   servers: ["ntp.example.com"],
 *   clock: new SteadyClock({ monotonicMs: () => system.rawMs() }),
 *   wallMs: () => system.bootMs(),
 * });
 * const steering = new ClockSteering({
 *   reference: sync.clock,
 *   system,
 *   dryRun: true,
 *   onAction: ({ kind, offset }) => console.log(kind, offset),
 * });
 * steering.start();
 * ```
 */
export class ClockSteering implements Disposable {
  readonly #options: ClockSteeringOptions;
  readonly #intervalMs: number;
  readonly #timers: Timers;
  #cancel: (() => void) | undefined;
  #steps = 0;
  /** The latest leap second that was announced. */
  #leapAt: bigint | undefined;
  /** Whether anything was changed that is to be left in order. */
  #isTouched = false;

  /**
   * Makes it; it does nothing before {@linkcode ClockSteering.start}.
   *
   * @param options reference, clock and limits
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   *
   * @example See {@linkcode ClockSteering}
   * ```ts ignore
   * new ClockSteering({ reference: sync.clock, system });
   * ```
   */
  constructor(options: ClockSteeringOptions) {
    const {
      interval = 1,
      stepThreshold = 1,
      maxSteps = 1,
      panicThreshold = 1000,
      maxSlew = 400e-6,
    } = options;
    const ranges = [
      ["interval", interval, 0.1, 60],
      ["stepThreshold", stepThreshold, Number.MIN_VALUE, Infinity],
      ["maxSteps", maxSteps, 0, Infinity],
      ["panicThreshold", panicThreshold, Number.MIN_VALUE, Infinity],
      ["maxSlew", maxSlew, 1e-6, MAX_FREQUENCY],
    ] as const;
    for (const [name, value, least, most] of ranges) {
      if (typeof value !== "number") {
        throw new TypeError(`${name} is a number, not ${typeof value}: ${String(value)}`);
      }
      if (!(value >= least && value <= most)) {
        throw new RangeError(`${name} lies from ${least} to ${most}, not ${value}`);
      }
    }
    const { reference, system, dryRun = false } = options;
    if (typeof reference?.now !== "function" || typeof reference.state !== "function") {
      throw new TypeError(`reference has now() and state(), unlike ${String(reference)}`);
    }
    if (typeof system?.now !== "function" || typeof system.adjust !== "function") {
      throw new TypeError(`system has now() and adjust(), unlike ${String(system)}`);
    }
    if (typeof dryRun !== "boolean") {
      throw new TypeError(`dryRun is a boolean, not ${String(dryRun)}`);
    }
    this.#options = options;
    this.#intervalMs = interval * 1000;
    this.#timers = options.timers ?? systemTimers;
  }

  /** How often the clock was set, or would have been. */
  get steps(): number {
    return this.#steps;
  }

  /** Begins to steer, at once and then once an interval. */
  start(): void {
    if (this.#cancel !== undefined) return;
    this.#again();
  }

  /** Ends it: the clock goes on at the frequency that is right by what is known. Harmless again. */
  close(): void {
    if (this.#cancel === undefined) return;
    this.#end();
    this.#leave({});
  }

  /** {@linkcode ClockSteering.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #again(): void {
    this.#cancel = this.#timers.after(this.#intervalMs, () => this.#again());
    try {
      const action = this.#steer();
      if (action !== undefined) this.#options.onAction?.(action);
    } catch (error) {
      this.#end();
      this.#leave({ leapIndicator: 3 });
      this.#options.onError?.(error as Error);
    }
  }

  #adjust(adjustment: Adjustment): void {
    if (this.#options.dryRun) return;
    this.#options.system.adjust(adjustment);
    this.#isTouched = true;
  }

  /** Leaves the clock at its frequency, without a slew; a clock that was not touched as it is. */
  #leave(rest: Adjustment): void {
    if (!this.#isTouched) return;
    try {
      this.#adjust({ frequency: this.#frequency(0), ...rest });
    } catch (error) {
      this.#options.onError?.(error as Error);
    }
  }

  #end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #steer(): SteeringAction | undefined {
    const { reference, system } = this.#options;
    const { stepThreshold = 1, maxSteps = 1, panicThreshold = 1000 } = this.#options;
    const { synchronized, leapIndicator } = reference.state();
    if (!synchronized) {
      const frequency = this.#frequency(0);
      this.#adjust({ frequency, leapIndicator: 3 });
      return { kind: "hold", offset: 0, frequency };
    }
    if (this.#isLeaping(leapIndicator)) return undefined;
    const offset = offsetOf(reference, system);
    if (Math.abs(offset) > panicThreshold) {
      throw new NTPError(
        "bogus",
        `The system clock is ${-offset} s ahead, more than ${panicThreshold} s: it is not steered. ` +
          "Look whose time is wrong, and set the clock by hand or allow more",
      );
    }
    const isStep = Math.abs(offset) > stepThreshold && this.#steps < maxSteps;
    const frequency = this.#frequency(isStep ? 0 : offset);
    if (isStep) this.#steps++;
    this.#adjust({
      ...(isStep && { step: offset }),
      frequency,
      // What is still to be slewed is error.
      maxError: reference.maxError + (isStep ? 0 : Math.abs(offset)),
      estimatedError: isStep ? 0 : Math.abs(offset),
      leapIndicator,
    });
    return { kind: isStep ? "step" : "slew", offset, frequency };
  }

  /** Whether a leap second is so near that both clocks need not have made it at the same moment. */
  #isLeaping(leapIndicator: LeapIndicator): boolean {
    const now = this.#options.reference.now();
    const isNear = (): boolean =>
      this.#leapAt !== undefined &&
      Math.abs(timestampDifference(now, this.#leapAt)) < LEAP_GUARD;
    // Right after it some still announce it, and others no more.
    if (leapIndicator !== 0 && !isNear()) this.#leapAt = endOfDay(now);
    return isNear();
  }

  /** Frequency that makes up for an offset. */
  #frequency(offset: number): number {
    const { reference, system, maxSlew = 400e-6 } = this.#options;
    const wanted = offset / (TIME_CONSTANT * this.#intervalMs / 1000);
    const slew = Math.min(maxSlew, Math.max(-maxSlew, wanted));
    const frequency = reference.frequency - system.state().tickFrequency + slew;
    return Math.min(MAX_FREQUENCY, Math.max(-MAX_FREQUENCY, frequency));
  }
}

/** How far the reference is ahead, in seconds. */
function offsetOf(reference: SteeringReference, system: SteerableClock): number {
  let best = 0, shortest = Infinity;
  for (let i = 0; i < READINGS; i++) {
    const before = system.now(), right = reference.now();
    const took = timestampDifference(system.now(), before);
    if (took < 0 || took >= shortest) continue; // it was set meanwhile
    shortest = took;
    best = timestampDifference(right, before) - took / 2;
  }
  return best;
}

/** The end of the UTC day that a time lies in: NTP's seconds begin at midnight, and count no leap seconds. */
function endOfDay(now: bigint): bigint {
  return ((now >> 32n) / DAY + 1n) * DAY << 32n;
}
