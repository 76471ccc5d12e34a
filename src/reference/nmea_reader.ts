import { timestampDifference } from "../packet/timestamp.ts";
import { mendRollover, type NmeaProblem, type NmeaTime, parseNmea } from "./nmea.ts";

/** What a sentence has told. */
export type NmeaEvent =
  /** A time, and what the raw clock showed when the first sentence of this second arrived. */
  | { readonly event: "time"; readonly unixNanoseconds: bigint; readonly stamp: bigint }
  /** The receiver has no fix. */
  | { readonly event: "no fix" }
  /** Nothing: more of the same second, or not yet all that is needed. */
  | { readonly event: "nothing" }
  /** Not a sentence to be used. */
  | { readonly event: "rejected"; readonly reason: NmeaProblem | "no date" };

const DAY = 86400;
/** A receiver whose sentences have had no time for so many seconds has none. */
const TIMELESS = 1.5;
/** The first day of this software: no receiver can have an earlier date. */
const NOT_BEFORE = Date.UTC(2026, 10, 1) / (DAY * 1000);

/**
 * Makes times of a receiver's sentences. Receivers send several a second, in a burst that begins at a
 * fixed time after the second: the time of the first of them counts, whichever of them tells date and
 * quality.
 */
export class NmeaReader {
  readonly #notBefore: number;
  /** The second that is being told, when its first sentence arrived, and whether it was used. */
  #second: number | undefined;
  #stamp = 0n;
  #used = false;
  /** When a time was last told, with a fix or without. */
  #toldAt: bigint | undefined;
  /** What the latest sentence with a quality said; undefined before the first. */
  #valid: boolean | undefined;
  /** The latest date since there is a fix, and the latest second of that day. */
  #day: number | undefined;
  #dayAt = 0;

  /**
   * @param notBefore days since 1970-01-01 that no date can be before
   */
  constructor(notBefore: number = NOT_BEFORE) {
    this.#notBefore = notBefore;
  }

  /**
   * Takes a line.
   *
   * @param line a sentence, or not
   * @param stamp what the raw clock showed when it began to arrive
   */
  push(line: string, stamp: bigint): NmeaEvent {
    const time = parseNmea(line);
    if (time === "no time") return this.#onTimeless(stamp);
    if (typeof time === "string") return { event: "rejected", reason: time };
    this.#toldAt = stamp;
    if (time.secondOfDay !== this.#second) {
      this.#second = time.secondOfDay;
      this.#stamp = stamp;
      this.#used = false;
    }
    this.#note(time);
    if (this.#valid === false) return this.#noFix();
    if (this.#day === undefined) return { event: "rejected", reason: "no date" };
    // A leap second's number is that of the second after it.
    if (this.#used || time.secondOfDay >= DAY) return { event: "nothing" };
    this.#used = true;
    const seconds = mendRollover(this.#day, this.#notBefore) * DAY + time.secondOfDay;
    const unixNanoseconds = BigInt(Math.round(seconds * 1000)) * 1_000_000n;
    return { event: "time", unixNanoseconds, stamp: this.#stamp };
  }

  /** Receivers may know the time before they know the date, and tell it in one sentence, not in another. */
  #onTimeless(stamp: bigint): NmeaEvent {
    const age = this.#toldAt === undefined ? Infinity : timestampDifference(stamp, this.#toldAt);
    if (age < TIMELESS) return { event: "rejected", reason: "no time" };
    if (this.#valid !== undefined) this.#valid = false;
    return this.#noFix();
  }

  /** What it says next may be anything: a sentence without a date must not go with this one. */
  #noFix(): NmeaEvent {
    this.#day = undefined;
    return { event: "no fix" };
  }

  #note({ day, valid, secondOfDay }: NmeaTime): void {
    if (valid !== undefined) this.#valid = valid;
    if (day !== undefined) this.#day = day;
    // Without a date of its own, a sentence just after midnight belongs to the next day.
    else if (this.#day !== undefined && secondOfDay < this.#dayAt - DAY / 2) this.#day++;
    this.#dayAt = secondOfDay;
  }
}
