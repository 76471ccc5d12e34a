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
  | { readonly event: "rejected"; readonly reason: NmeaProblem };

const DAY = 86400;
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
  /** What the latest sentence with a quality said; undefined before the first. */
  #valid: boolean | undefined;
  /** The latest date, and the second of it that came with it. */
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
    if (typeof time === "string") return { event: "rejected", reason: time };
    if (time.secondOfDay !== this.#second) {
      this.#second = time.secondOfDay;
      this.#stamp = stamp;
      this.#used = false;
    }
    this.#note(time);
    if (this.#valid === false) return { event: "no fix" };
    // A leap second's number is that of the second after it.
    if (this.#used || this.#day === undefined || time.secondOfDay >= DAY) {
      return { event: "nothing" };
    }
    this.#used = true;
    const seconds = mendRollover(this.#day, this.#notBefore) * DAY + time.secondOfDay;
    const unixNanoseconds = BigInt(Math.round(seconds * 1000)) * 1_000_000n;
    return { event: "time", unixNanoseconds, stamp: this.#stamp };
  }

  #note({ day, valid, secondOfDay }: NmeaTime): void {
    if (valid !== undefined) this.#valid = valid;
    if (day !== undefined) this.#day = day;
    // Without a date of its own, a sentence just after midnight belongs to the next day.
    else if (this.#day !== undefined && secondOfDay < this.#dayAt - DAY / 2) this.#day++;
    this.#dayAt = secondOfDay;
  }
}
