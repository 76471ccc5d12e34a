import {
  NTP_UNIX_OFFSET,
  timestampFromWords,
  timestampToUnixNanoseconds,
} from "../packet/timestamp.ts";
import type { Clock, ClockState } from "./clock.ts";
import {
  checkFunction,
  completeClockState,
  type LeapSecondsOptions,
  LeapSecondsWatch,
} from "./clock_state.ts";
import { measurePrecision } from "./precision.ts";
import { systemWallSource, WALL_ROUNDING_MS, type WallSource } from "./wall_source.ts";

/** Options of {@linkcode SystemClock}. */
export interface SystemClockOptions extends LeapSecondsOptions {
  /** Whether the operating system keeps its clock on UTC. Default true. */
  synchronized?: boolean;
  /** Round-trip delay to the primary reference, in seconds, 0 to 65535. Default 0. */
  rootDelay?: number;
  /** Largest error against the primary reference, in seconds, 0 to 65535. Default 0.001. */
  rootDispersion?: number;
  /**
   * Called when the system clock was stepped, with by how many seconds (positive: forwards). Runs
   * within the reading that noticed, before it returns; must not throw.
   */
  onStep?: (seconds: number) => void;
  /**
   * Fastest that the system clock may run against `monotonicMs` without being stepped, in seconds
   * per second. Default: 0.000001 on Linux, where the kernel slews both alike, elsewhere 0.0005
   * (500 ppm, the most that common kernels slew).
   */
  maxSlew?: number;
  /** A steady clock in milliseconds with a fraction. Default: `performance.now`. */
  monotonicMs?: () => number;
  /** A clock that follows the system clock. Default: the best of this runtime. */
  wall?: WallSource;
}

/** How often the wall source is asked, at most: every millisecond. */
const CHECK_MS = 1;
/** Corrections up to this are no steps, whatever the time since the last check. */
const NO_STEP_MS = 0.1;
/**
 * Anchoring ends when the time is known this well, or to this part of the wall source's tick, which
 * takes one tick to happen; at the latest after some ticks, since other processes may have taken
 * the moment, or after so many readings.
 */
const ANCHORED_MS = 2 * WALL_ROUNDING_MS + 0.0005;
const ANCHORED_PART = 0.002;
const ANCHOR_TICKS = 3.2;
const ANCHOR_MIN_READINGS = 20;
const ANCHOR_MAX_READINGS = 100_000;
/** 2^-32 s in a millisecond. The largest float64 below 1000 times this is still below 2^32. */
const UNITS_PER_MS = 2 ** 32 / 1000;

/**
 * The system clock: wall-clock true, finer than a microsecond, cheap to read.
 *
 * The time is a steady, fine clock of the runtime plus a difference. Once a millisecond at most
 * the sum is compared with a clock that follows the system clock but may be coarse (see
 * {@linkcode WallSource}). Such a reading is an interval that contains the time; the difference is
 * moved by the least that puts the sum inside, so it follows slews, and on a coarse wall clock gets
 * better with every reading. What no slew explains is a step: it is followed at once, counted in
 * {@linkcode SystemClock.steps}, and reported.
 *
 * Between steps the time never runs backwards. A step, or a suspension of the machine, may go
 * unseen for a millisecond. Steps of less than 0.1 ms, and on a wall clock of milliseconds some of
 * less than 1.1 ms, pass as slews: they are followed and not counted.
 *
 * @example Telling the time
 * ```ts
 * import { SystemClock } from "@ntps/ntps";
 * import { timestampToDate } from "@ntps/ntps/packet";
 * import { assert } from "@std/assert";
 *
 * const clock = new SystemClock({ onStep: (seconds) => console.log(`stepped by ${seconds} s`) });
 * assert(Math.abs(timestampToDate(clock.now()).getTime() - Date.now()) < 1000);
 * ```
 */
export class SystemClock implements Clock {
  readonly #monotonicMs: () => number;
  readonly #wall: WallSource;
  readonly #maxSlew: number;
  readonly #isOfSystem: boolean;
  readonly #onStep: ((seconds: number) => void) | undefined;
  readonly #leapSeconds: LeapSecondsWatch;
  readonly #known: Partial<ClockState>;
  readonly #words = new Uint32Array(2);
  /** The Unix second that readings are counted from, and its seconds word. */
  #second = 0;
  #secondsWord = 0;
  /** The monotonic reading at which `#second` began. */
  #start = 0;
  /** No reading is below this, in milliseconds after `#second`. */
  #floor = 0;
  /** What is no step but an error of the anchor. */
  #noStep = 0;
  /** Monotonic readings: of the last check, and at which the next is due. */
  #checked = 0;
  #due = 0;
  #steps = 0;
  #precision: number | undefined;

  /**
   * Makes a clock. Where the wall clock has only milliseconds it waits for one to end.
   *
   * @param options see {@linkcode SystemClockOptions}
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: SystemClockOptions = {}) {
    const { monotonicMs, wall, onStep, maxSlew, synchronized, rootDelay, rootDispersion } = options;
    checkFunction("monotonicMs", monotonicMs);
    checkFunction("onStep", onStep);
    if (
      wall !== undefined &&
      !(typeof wall.millisecondsSince === "function" && wall.resolutionMs >= 0)
    ) {
      throw new TypeError("wall must have a method millisecondsSince and a resolutionMs from 0");
    }
    if (maxSlew !== undefined && !(maxSlew >= 0 && maxSlew < 1)) {
      throw new RangeError(`maxSlew must be from 0 to below 1 s/s, not ${maxSlew}`);
    }
    this.#monotonicMs = monotonicMs ?? (() => performance.now());
    this.#wall = wall ?? systemWallSource();
    this.#maxSlew = maxSlew ?? defaultMaxSlew();
    this.#isOfSystem = monotonicMs === undefined && wall === undefined;
    this.#onStep = onStep;
    this.#leapSeconds = new LeapSecondsWatch(options);
    this.#known = { synchronized, rootDelay, rootDispersion };
    completeClockState(this.#known, 0n, 0); // refuses wrong values here rather than later
    this.#anchor();
  }

  /**
   * Precision of a reading, log2 of seconds, signed (RFC 5905 §7.3); measured when first asked for,
   * which takes 5 ms at most.
   */
  get precision(): number {
    this.#precision ??= measurePrecision((into) => this.read(into), this.#monotonicMs);
    return this.#precision;
  }

  /** Whether it follows the system's own clock, and not a source that it was given. */
  get isOfSystem(): boolean {
    return this.#isOfSystem;
  }

  /** How many steps of the system clock were noticed. */
  get steps(): number {
    return this.#steps;
  }

  /** Whether the leap-second table is too old for today: load a newer one. */
  get leapSecondsExpired(): boolean {
    return this.#leapSeconds.isExpired(this.now(), this.#pivot());
  }

  /** The time now: a 64-bit NTP timestamp. */
  now(): bigint {
    this.read(this.#words);
    return timestampFromWords(this.#words[0]!, this.#words[1]!);
  }

  /**
   * The time now, without allocation.
   *
   * @param into written: seconds word, fraction word
   */
  read(into: Uint32Array): void {
    let reading = this.#monotonicMs();
    if (reading >= this.#due) {
      this.#check(reading);
      reading = this.#checked; // a result of #check() would be a number on the heap
    }
    const milliseconds = reading - this.#start;
    into[0] = this.#secondsWord;
    into[1] = (milliseconds > this.#floor ? milliseconds : this.#floor) * UNITS_PER_MS;
  }

  /** The time now in Unix nanoseconds, of whatever era. */
  unixNanoseconds(): bigint {
    return timestampToUnixNanoseconds(this.now(), this.#pivot());
  }

  /** What is known of the clock besides the time; its reference time is the last whole second. */
  state(): ClockState {
    const now = this.now();
    return completeClockState(this.#known, now, this.#leapSeconds.indicatorAt(now, this.#pivot()));
  }

  /** The clock's own time in Unix nanoseconds, which tells the era. */
  #pivot(): bigint {
    return BigInt(this.#second) * 1_000_000_000n;
  }

  /** Holds the clock to the wall source; `#checked` is the monotonic reading to go on with. */
  #check(before: number): void {
    const since = this.#wall.millisecondsSince(this.#second);
    const after = this.#monotonicMs();
    const earliest = this.#earliestStart(before, since);
    const latest = latestStart(after, since);
    const start = Math.min(Math.max(this.#start, earliest), latest);
    const moved = start - this.#start; // positive sets the clock back
    const slewed = this.#maxSlew * (after - this.#checked);
    if (Math.abs(moved) > this.#noStep + slewed) return this.#step();
    // What was read so far was read before the check was due.
    if (moved > 0) this.#floor = Math.max(this.#floor, Math.min(after, this.#due) - this.#start);
    this.#start = start;
    this.#proceed(after);
  }

  /** Follows a step of the system clock. */
  #step(): void {
    const second = this.#second, start = this.#start;
    this.#anchor();
    this.#steps++;
    this.#onStep?.(this.#second - second - (this.#start - start) / 1000);
    const reading = this.#monotonicMs();
    if (reading >= this.#due) this.#proceed(reading); // the callback took its time
  }

  /** Finds the difference between the two clocks anew, as well as the wall source allows. */
  #anchor(): void {
    const began = this.#monotonicMs();
    const { resolutionMs } = this.#wall;
    const enough = ANCHORED_MS + ANCHORED_PART * resolutionMs;
    const patience = ANCHOR_TICKS * resolutionMs;
    // A second earlier, since a float64 of milliseconds since 1970 may be rounded up.
    this.#setSecond(Math.floor(this.#wall.millisecondsSince(0) / 1000) - 1);
    let earliest = -Infinity, latest = Infinity, before = began;
    for (let i = 0; i < ANCHOR_MAX_READINGS; i++) {
      const since = this.#wall.millisecondsSince(this.#second);
      const after = this.#monotonicMs();
      earliest = Math.max(earliest, this.#earliestStart(before, since));
      latest = Math.min(latest, latestStart(after, since));
      if (earliest > latest) { // stepped in this very moment: what was read before is void
        earliest = this.#earliestStart(before, since);
        latest = latestStart(after, since);
      }
      before = after;
      if (latest - earliest <= enough) break;
      if (i >= ANCHOR_MIN_READINGS && after - began > patience) break;
    }
    this.#start = (earliest + latest) / 2;
    this.#noStep = NO_STEP_MS + (latest - earliest) / 2;
    this.#floor = -Infinity;
    this.#proceed(before);
  }

  /** Goes on to the second of `reading`, and sets when the next check is due. */
  #proceed(reading: number): void {
    const whole = Math.floor(Math.max(reading - this.#start, this.#floor) / 1000);
    if (whole !== 0) {
      this.#setSecond(this.#second + whole);
      this.#start += whole * 1000;
      this.#floor = Math.max(0, this.#floor - whole * 1000);
    }
    this.#checked = reading;
    // No later than the end of the second, so that read() need not carry.
    this.#due = Math.min(reading + CHECK_MS, this.#start + 1000);
  }

  #setSecond(second: number): void {
    this.#second = second;
    this.#secondsWord = (second + NTP_UNIX_OFFSET) % 2 ** 32;
  }

  /** Bounds of where `#second` began, from a reading of the wall taken after `before` … */
  #earliestStart(before: number, since: number): number {
    return before - since - this.#wall.resolutionMs - WALL_ROUNDING_MS;
  }
}

/** … and before `after`. */
function latestStart(after: number, since: number): number {
  return after - since + WALL_ROUNDING_MS;
}

function defaultMaxSlew(): number {
  const { Deno: deno } = globalThis as { Deno?: { build: { os: string } } };
  // Not asked of Deno: touching `process` there costs 20 ms.
  const process = deno ? undefined : (globalThis as { process?: { platform: string } }).process;
  return (deno?.build.os ?? process?.platform) === "linux" ? 1e-6 : 5e-4;
}
