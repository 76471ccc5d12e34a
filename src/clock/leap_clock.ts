import { smearReferenceId } from "../packet/smear_reference_id.ts";
import {
  addSeconds,
  NTP_UNIX_OFFSET,
  timestampFromWords,
  timestampToUnixNanoseconds,
} from "../packet/timestamp.ts";
import type { Clock, ClockState } from "./clock.ts";
import { checkFunction } from "./clock_state.ts";
import { LeapSeconds, type LeapSecondsEntry } from "./leap_seconds.ts";
import { checkLeapSmear, type LeapSmear, smearedPart } from "./leap_smear.ts";

/** Options of {@linkcode LeapClock}. */
export interface LeapClockOptions {
  /** The clock that is told when leap seconds are. */
  clock: Clock;
  /** When they are. Default: `LeapSeconds.builtIn`; `loadLeapSeconds()` reads a file. */
  leapSeconds?: LeapSeconds;
  /** What to do: let them happen, which is announced; or smear them. Default `"step"`. */
  leap?: "step" | LeapSmear;
  /**
   * How `clock` counts: `"utc"`, it leaps by itself, as the clock of a system whose kernel was told;
   * `"uniform"`, it knows of no leap seconds after the moment at which this clock was made, as a
   * laboratory's. Default `"utc"`.
   */
  scale?: "utc" | "uniform";
  /** Milliseconds on a steady scale: shows when `clock` leaps. Default: `performance.now()`. */
  monotonicMs?: () => number;
}

const DAY = 86400, WORD = 2 ** 32;
/** A clock that leaps by itself is watched from so many seconds before. */
const CLOSE = 3600;
/** What a clock goes back by, at least and at most, when it leaps. */
const LEAST_LEAP = 0.5, MOST_LEAP = 1.5;

/** The leap second that is next, or being smeared. */
interface Plan {
  /** Seconds word at which the count changes; when it does, in seconds since 1900. */
  readonly word: number;
  readonly second: number;
  /** Seconds that the count goes back. */
  readonly inserted: 1 | -1;
}

/**
 * A clock that lets leap seconds happen, or smears them, as a table says: around any other clock, for
 * servers. (A clock that `NTPSync` keeps does so by itself: option `leap`.)
 *
 * A leap second that is inserted repeats the last second of the day; one that is deleted leaves it
 * out. Smeared, neither happens: the clock runs slower or faster for hours, announces no leap second,
 * and its reference identifier says by how much it is off (254.x, as ntpd has it), since clients must
 * not mix such servers with others. A clock that leaps late, when its system is told at last, is
 * followed without a jump as long as the smear lasts.
 *
 * @example The leap second of 2016, smeared from noon to noon
 * ```ts
 * import { FunctionClock, LeapClock } from "@ntps/ntps";
 * import { formatTimestamp, timestampFromDate } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * let date = new Date("2016-12-31T18:00:00Z");
 * const utc = new FunctionClock(() => timestampFromDate(date), { precision: -10 });
 * const clock = new LeapClock({ clock: utc, leap: { shape: "linear" } });
 * assertEquals(formatTimestamp(clock.now()).slice(11, 23), "17:59:59.750");
 * assertEquals(clock.state().leapIndicator, 0);
 * ```
 */
export class LeapClock implements Clock {
  readonly #clock: Clock;
  readonly #table: LeapSeconds;
  readonly #smear: Required<LeapSmear> | undefined;
  readonly #isUniform: boolean;
  readonly #monotonicMs: () => number;
  readonly #words = new Uint32Array(2);
  /** How long after a leap second there is nothing more of it, in seconds. */
  readonly #end: number;
  #plan: Plan | undefined;
  /** Which line of the table that is. */
  #next = 0;
  /** Seconds that a uniform count is ahead of UTC by now. */
  #ahead = 0;
  /** Whether the clock has leapt by itself. */
  #leapt = false;
  /** The clock less the steady scale, in seconds from the leap second; NaN, not looked at yet. */
  #anchor = NaN;

  /**
   * Makes a clock around another one.
   *
   * @param options the other one, and what to do
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if a smear is out of range
   */
  constructor(options: LeapClockOptions) {
    const { clock, leapSeconds = LeapSeconds.builtIn, leap = "step", scale = "utc" } = options;
    for (const method of ["now", "read", "state"] as const) {
      if (typeof clock?.[method] !== "function") {
        throw new TypeError(`clock is a Clock, and so has ${method}(), unlike ${String(clock)}`);
      }
    }
    if (!(leapSeconds instanceof LeapSeconds)) {
      throw new TypeError(`leapSeconds is a LeapSeconds table, not ${String(leapSeconds)}`);
    }
    if (leap !== "step" && typeof leap !== "object") {
      throw new TypeError(`leap is "step" or a smear, not ${String(leap)}`);
    }
    if (scale !== "utc" && scale !== "uniform") {
      throw new TypeError(`scale is "utc" or "uniform", not ${String(scale)}`);
    }
    checkFunction("monotonicMs", options.monotonicMs);
    this.#clock = clock;
    this.#table = leapSeconds;
    this.#smear = leap === "step" ? undefined : checkLeapSmear(leap);
    this.#isUniform = scale === "uniform";
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#end = Math.max(
      1,
      this.#smear === undefined ? 0 : this.#smear.start + this.#smear.duration,
    );
    const now = this.#secondsNow();
    this.#goOn(now);
    // After a leap second that is still being smeared the other clock has had it already.
    if (this.#plan === undefined || now < this.#plan.second) return;
    if (this.#isUniform) this.#ahead = -this.#plan.inserted;
    else this.#leapt = true;
  }

  /** Precision of the other clock. */
  get precision(): number {
    return this.#clock.precision;
  }

  /** Whether the table is too old: a leap second may come that it does not have. */
  get leapSecondsExpired(): boolean {
    return this.#table.isExpired(this.now(), this.unixNanoseconds());
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
    this.#clock.read(into);
    const added = this.#added(into);
    if (added === 0) return;
    const fraction = into[1]! + added * WORD, carry = Math.floor(fraction / WORD);
    into[0] = into[0]! + carry;
    into[1] = fraction - carry * WORD;
  }

  /** The time now in Unix nanoseconds, of the era that the other clock knows, or up to 2104. */
  unixNanoseconds(): bigint {
    return timestampToUnixNanoseconds(this.now(), this.#clock.unixNanoseconds?.());
  }

  /** What is known of it: what the other one knows, and of leap seconds what the table says. */
  state(): ClockState {
    const { leapIndicator: _, ...known } = this.#clock.state();
    const words = this.#words;
    this.#clock.read(words);
    const added = this.#added(words), plan = this.#plan;
    // Else the clock would have been set after the time that it shows, were it by what is rounded.
    const referenceTimestamp = added === 0
      ? known.referenceTimestamp
      : BigInt.asUintN(64, addSeconds(known.referenceTimestamp, added) - 1n);
    const state = { ...known, referenceTimestamp };
    if (plan === undefined) return { ...state, leapIndicator: state.synchronized ? 0 : 3 };
    const since = this.#since(words, plan);
    // How far it is from UTC, which leaps whatever the other clock does.
    const utc = this.#isUniform ? -this.#ahead - (since >= 0 ? plan.inserted : 0) : 0;
    const smear = this.#smear === undefined ? 0 : added - utc;
    const isComing = this.#smear === undefined && since < 0 && since >= -DAY;
    const announced = isComing ? plan.inserted === 1 ? 1 : 2 : 0;
    return {
      ...state,
      leapIndicator: state.synchronized ? announced : 3,
      ...(smear !== 0 && { referenceId: smearReferenceId(smear) }),
    };
  }

  /** Seconds since the leap second, on a count of its own that a uniform clock does not share. */
  #since(words: Uint32Array, plan: Plan): number {
    return ((words[0]! - plan.word) | 0) + words[1]! / WORD - this.#ahead;
  }

  /** Seconds to add to a reading of the clock. */
  #added(words: Uint32Array): number {
    let plan = this.#plan;
    if (plan !== undefined && this.#since(words, plan) > this.#end) {
      this.#goOn(plan.second + this.#since(words, plan));
      plan = this.#plan;
    }
    if (plan === undefined) return -this.#ahead;
    const since = this.#since(words, plan);
    if (this.#isUniform) return -this.#ahead - plan.inserted * this.#partAt(since);
    if (this.#smear === undefined) return 0;
    if (!this.#leapt && since >= -CLOSE) this.#watch(since, plan.inserted);
    const own = this.#leapt ? plan.inserted : 0;
    return own - plan.inserted * this.#partAt(since + own);
  }

  /** How much of the leap second there has been so many seconds after it. */
  #partAt(since: number): number {
    return this.#smear === undefined ? since >= 0 ? 1 : 0 : smearedPart(this.#smear, since);
  }

  /** Finds out whether a clock that leaps by itself has done so. */
  #watch(since: number, inserted: 1 | -1): void {
    const ahead = since - this.#monotonicMs() / 1000;
    const back = (this.#anchor - ahead) * inserted;
    // Not looked at before, it is taken to be right.
    const isUnseen = Number.isNaN(back) && since >= 0;
    if (isUnseen || (back >= LEAST_LEAP && back <= MOST_LEAP)) this.#leapt = true;
    else this.#anchor = ahead;
  }

  /**
   * Goes on in the table, to the leap second that is next or being smeared.
   *
   * @param now seconds since 1900, not wrapped
   */
  #goOn(now: number): void {
    const { entries } = this.#table;
    if (this.#isUniform && this.#plan !== undefined) this.#ahead += this.#plan.inserted;
    this.#plan = undefined;
    this.#leapt = false;
    this.#anchor = NaN;
    while (this.#plan === undefined && ++this.#next < entries.length) {
      const plan = planOf(entries[this.#next]!, entries[this.#next - 1]!);
      if (now <= plan.second + this.#end) this.#plan = plan;
    }
  }

  /** Seconds since 1900, not wrapped, of the other clock. */
  #secondsNow(): number {
    const nanoseconds = timestampToUnixNanoseconds(
      this.#clock.now(),
      this.#clock.unixNanoseconds?.(),
    );
    return Number(nanoseconds) / 1e9 + NTP_UNIX_OFFSET;
  }
}

/** The leap second before a line of the table. */
function planOf(entry: LeapSecondsEntry, previous: LeapSecondsEntry): Plan {
  const inserted = entry.taiOffset > previous.taiOffset ? 1 : -1;
  const second = entry.since - (inserted === 1 ? 0 : 1);
  return { word: second % WORD, second, inserted };
}
