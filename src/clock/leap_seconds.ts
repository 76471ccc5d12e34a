import { NTPError } from "../packet/error.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import {
  NTP_UNIX_OFFSET,
  timestampFromWords,
  timestampToUnixNanoseconds,
} from "../packet/timestamp.ts";

/** A line of a leap-second table: from when on TAI is how far ahead of UTC. */
export interface LeapSecondsEntry {
  /**
   * First UTC second to which the offset applies: seconds since 1900, midnight, not wrapped at the
   * end of an era; the leap second is the one before.
   */
  readonly since: number;
  /** TAI − UTC in seconds from then on. */
  readonly taiOffset: number;
}

/** What a {@linkcode LeapSeconds} table is made of. */
export interface LeapSecondsContent {
  /** In order of time; each offset one more, or one less, than the one before. */
  readonly entries: readonly LeapSecondsEntry[];
  /** From when on the table may lack a leap second: seconds since 1900, not wrapped. */
  readonly expires: number;
  /** When the table was last changed, likewise. */
  readonly updated?: number;
}

const DAY = 86400;
const NANOSECONDS = 1_000_000_000n;

/** Month in which TAI − UTC became 10, and of each second inserted since (IERS Bulletin C). */
const MONTHS = "1972-01 1972-07 1973-01 1974-01 1975-01 1976-01 1977-01 1978-01 1979-01 1980-01 " +
  "1981-07 1982-07 1983-07 1985-07 1988-01 1990-01 1991-01 1992-07 1993-07 1994-07 1996-01 " +
  "1997-07 1999-01 2006-01 2009-01 2012-07 2015-07 2017-01";

function secondsOf(date: string): number {
  return Date.parse(date) / 1000 + NTP_UNIX_OFFSET;
}

/** What keeps `entry` from following `previous`, if anything. */
function problemOf(entry: LeapSecondsEntry, previous: LeapSecondsEntry | undefined) {
  if (!Number.isSafeInteger(entry.since) || entry.since % DAY !== 0) {
    return `${entry.since} is not the start of a UTC day in seconds since 1900`;
  }
  if (!Number.isInteger(entry.taiOffset)) {
    return `TAI - UTC is a whole number of seconds, not ${entry.taiOffset}`;
  }
  if (previous === undefined) return undefined;
  if (entry.since <= previous.since) return `${entry.since} is not after ${previous.since}`;
  if (Math.abs(entry.taiOffset - previous.taiOffset) !== 1) {
    return `TAI - UTC goes from ${previous.taiOffset} to ${entry.taiOffset}, not by one second`;
  }
  return undefined;
}

/**
 * A table of leap seconds: which UTC days end with a second more or less, how far TAI is ahead, and
 * until when the table is known to be complete.
 *
 * Timestamps are taken within 68 years of a pivot, as everywhere; a clock passes its own time.
 *
 * @example The last leap second so far
 * ```ts
 * import { LeapSeconds } from "@ntps/ntps";
 * import { timestampFromDate } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const noon = timestampFromDate(new Date("2016-12-31T12:00:00Z"));
 * assertEquals(LeapSeconds.builtIn.indicatorAt(noon), 1);
 * assertEquals(LeapSeconds.builtIn.taiOffsetAt(noon), 36);
 * ```
 */
export class LeapSeconds {
  /**
   * The table that comes with this version of the library: from 1972 to Bulletin C of July 2026,
   * expires on 2027-06-28. {@linkcode loadLeapSeconds} reads a newer one from a file.
   */
  static readonly builtIn: LeapSeconds = new LeapSeconds({
    entries: MONTHS.split(" ").map((month, index) => ({
      since: secondsOf(month),
      taiOffset: 10 + index,
    })),
    expires: secondsOf("2027-06-28"),
    updated: secondsOf("2026-07-06T07:44:57Z"),
  });

  /** The lines of the table. */
  readonly entries: readonly LeapSecondsEntry[];
  /** From when on the table may lack a leap second: an NTP timestamp. */
  readonly expiresAt: bigint;
  /** When the table was last changed: an NTP timestamp; undefined when it does not say. */
  readonly updatedAt: bigint | undefined;
  readonly #expires: number;

  /**
   * Makes a table.
   *
   * @param content its lines and its expiry
   * @throws {RangeError} if there are no entries, if they are out of order, do not start at midnight
   * UTC or change the offset by other than one second, or if a time is no whole number
   */
  constructor(content: LeapSecondsContent) {
    if (content.entries.length === 0) {
      throw new RangeError("entries: a table has at least one line");
    }
    content.entries.forEach((entry, index) => {
      const problem = problemOf(entry, content.entries[index - 1]);
      if (problem !== undefined) throw new RangeError(`entries[${index}]: ${problem}`);
    });
    for (const [name, value] of [["expires", content.expires], ["updated", content.updated ?? 0]]) {
      if (!Number.isSafeInteger(value)) {
        throw new RangeError(`${name}: seconds since 1900 are a whole number, not ${value}`);
      }
    }
    this.entries = content.entries.map(({ since, taiOffset }) => ({ since, taiOffset }));
    this.#expires = content.expires;
    this.expiresAt = timestampFromWords(content.expires, 0);
    this.updatedAt = content.updated === undefined
      ? undefined
      : timestampFromWords(content.updated, 0);
  }

  /**
   * Reads the text of a `leap-seconds.list` file, as IERS and NIST publish it and tzdata carries it.
   * The SHA-1 in its `#h` line is checked by {@linkcode verifyLeapSecondsHash}, not here.
   *
   * @param text the file's content: lines `SECONDS OFFSET`, `#$ SECONDS` (last change, may be
   * absent), `#@ SECONDS` (expiry), seconds since 1900; other lines that start with `#` are comments
   * @throws {NTPError} `malformed`, with number and content of the line
   *
   * @example A small table
   * ```ts
   * import { LeapSeconds } from "@ntps/ntps";
   * import { assertEquals } from "@std/assert";
   *
   * const table = LeapSeconds.parse("#@ 4023129600\n3644697600 36\n3692217600 37 # 1 Jan 2017\n");
   * assertEquals(table.entries.length, 2);
   * ```
   */
  static parse(text: string): LeapSeconds {
    const entries: LeapSecondsEntry[] = [];
    const header: { $?: number; "@"?: number } = {};
    text.split("\n").forEach((content, index) => {
      const line = content.trim();
      const wrong = (problem: string): NTPError =>
        new NTPError("malformed", `leap-seconds.list, line ${index + 1}: ${problem}: "${line}"`);
      const mark = line[1];
      if (line[0] === "#" && (mark === "$" || mark === "@")) {
        const value = /^\d+$/.test(line.slice(2).trim()) ? Number(line.slice(2)) : NaN;
        if (!Number.isSafeInteger(value)) {
          throw wrong(`expected seconds since 1900 behind "#${mark}"`);
        }
        if (header[mark] !== undefined) throw wrong(`a second line "#${mark}"`);
        header[mark] = value;
      } else if (line !== "" && line[0] !== "#") {
        const match = /^(\d+)\s+(-?\d+)\s*(#.*)?$/.exec(line);
        if (match === null) throw wrong("expected seconds since 1900 and TAI - UTC");
        const entry = { since: Number(match[1]), taiOffset: Number(match[2]) };
        const problem = problemOf(entry, entries.at(-1));
        if (problem !== undefined) throw wrong(problem);
        entries.push(entry);
      }
    });
    if (entries.length === 0) {
      throw new NTPError("malformed", "leap-seconds.list: no line with a leap second");
    }
    if (header["@"] === undefined) {
      throw new NTPError("malformed", 'leap-seconds.list: no line "#@ SECONDS" with the expiry');
    }
    return new LeapSeconds({ entries, expires: header["@"], updated: header.$ });
  }

  /**
   * The leap indicator for a moment: 1 or 2 during the whole UTC day at whose end a second is
   * inserted or deleted, else 0. RFC 5905 §7.3 has the warning stand for the month; a day is enough
   * and no client can take it for another midnight's.
   *
   * @param timestamp an NTP timestamp
   * @param pivot Unix nanoseconds within 68 years of `timestamp`. Default: for 1968 to 2104
   */
  indicatorAt(timestamp: bigint, pivot?: bigint): LeapIndicator {
    const seconds = unwrap(timestamp, pivot);
    for (let i = this.entries.length - 1; i > 0; i--) {
      const { since, taiOffset } = this.entries[i]!;
      if (seconds >= since) return 0;
      if (seconds >= since - DAY) return taiOffset > this.entries[i - 1]!.taiOffset ? 1 : 2;
    }
    return 0;
  }

  /**
   * TAI − UTC in seconds at a moment; undefined before the table's first line (1972).
   *
   * @param timestamp an NTP timestamp
   * @param pivot Unix nanoseconds within 68 years of `timestamp`. Default: for 1968 to 2104
   */
  taiOffsetAt(timestamp: bigint, pivot?: bigint): number | undefined {
    const seconds = unwrap(timestamp, pivot);
    return this.entries.findLast((entry) => entry.since <= seconds)?.taiOffset;
  }

  /**
   * Whether the table is too old for a moment: a leap second may have been announced that it lacks.
   *
   * @param timestamp an NTP timestamp
   * @param pivot Unix nanoseconds within 68 years of `timestamp`. Default: for 1968 to 2104
   */
  isExpired(timestamp: bigint, pivot?: bigint): boolean {
    return unwrap(timestamp, pivot) >= this.#expires;
  }
}

/** Whole seconds since 1900, not wrapped. */
function unwrap(timestamp: bigint, pivot: bigint | undefined): number {
  // Without the fraction nothing is rounded up into the next second.
  const nanoseconds = timestampToUnixNanoseconds((timestamp >> 32n) << 32n, pivot);
  return Number(nanoseconds / NANOSECONDS) + NTP_UNIX_OFFSET;
}
