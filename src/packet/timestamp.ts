/**
 * The 64-bit NTP timestamp (RFC 5905 §6): seconds since 1900-01-01 in the upper 32 bits, fraction
 * of a second in the lower, both unsigned; in the API one bigint, on hot paths two words.
 *
 * The seconds wrap every 2^32 s (136 years; next on 2036-02-07). Differences are therefore taken
 * modulo 2^64 and need no era; only the way to another calendar needs to know which era is meant,
 * and it takes the one that lies within 68 years of a pivot.
 */

/** Seconds from the NTP epoch, 1900-01-01, to the Unix epoch, 1970-01-01 (RFC 5905 §6). */
export const NTP_UNIX_OFFSET = 2208988800;

/**
 * The pivot that conversions use when none is given, in Unix nanoseconds: the start of era 1,
 * 2036-02-07T06:28:16Z. Timestamps are then taken to lie between 1968 and 2104. Code that must
 * work beyond passes its own clock's time as pivot.
 */
export const DEFAULT_PIVOT: bigint = (2n ** 32n - BigInt(NTP_UNIX_OFFSET)) * 1_000_000_000n;

const NANOSECONDS = 1_000_000_000n;
const WORD = 4294967296;

/** The class with `fromEpochNanoseconds`, as `Temporal.Instant` is. */
export interface InstantConstructor<T> {
  /** Makes an instant from Unix nanoseconds. */
  fromEpochNanoseconds(epochNanoseconds: bigint): T;
}

function checkTimestamp(timestamp: bigint): void {
  if (typeof timestamp !== "bigint") {
    throw new TypeError(`An NTP timestamp is a bigint, not ${typeof timestamp}: ${timestamp}`);
  }
  if (timestamp < 0n || BigInt.asUintN(64, timestamp) !== timestamp) {
    throw new RangeError(`An NTP timestamp has 64 bits and no sign: ${timestamp}`);
  }
}

/**
 * Puts the two words of a timestamp together.
 *
 * @param seconds seconds since 1900, 32 bits
 * @param fraction units of 2^-32 s, 32 bits
 *
 * @example Half a second past the start of the era
 * ```ts
 * import { timestampFromWords } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(timestampFromWords(0, 0x80000000), 0x80000000n);
 * ```
 */
export function timestampFromWords(seconds: number, fraction: number): bigint {
  return (BigInt(seconds >>> 0) << 32n) | BigInt(fraction >>> 0);
}

/**
 * Takes a timestamp apart into its two words.
 *
 * @param timestamp an NTP timestamp
 * @param into written: seconds word, fraction word
 *
 * @example The seconds word
 * ```ts
 * import { timestampToWords } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const words = new Uint32Array(2);
 * timestampToWords(0x0000000180000000n, words);
 * assertEquals([...words], [1, 0x80000000]);
 * ```
 */
export function timestampToWords(timestamp: bigint, into: Uint32Array): void {
  into[0] = Number(BigInt.asUintN(32, timestamp >> 32n));
  into[1] = Number(BigInt.asUintN(32, timestamp));
}

/**
 * The timestamp of a moment on the Unix time scale, rounded to the nearest unit of 2^-32 s; exact
 * enough that every nanosecond comes back unchanged.
 *
 * @param nanoseconds nanoseconds since 1970-01-01, of any era, negative before 1970
 *
 * @example The Unix epoch
 * ```ts
 * import { timestampFromUnixNanoseconds } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(timestampFromUnixNanoseconds(0n), 2208988800n << 32n);
 * ```
 */
export function timestampFromUnixNanoseconds(nanoseconds: bigint): bigint {
  const scaled = (nanoseconds << 32n) + NANOSECONDS / 2n;
  // Division truncates towards zero; rounding down keeps moments before 1970 right.
  const remainder = scaled % NANOSECONDS;
  const units = scaled / NANOSECONDS - (remainder < 0n ? 1n : 0n);
  return BigInt.asUintN(64, units + (BigInt(NTP_UNIX_OFFSET) << 32n));
}

/**
 * The moment on the Unix time scale that a timestamp stands for, rounded to the nanosecond.
 *
 * @param timestamp an NTP timestamp
 * @param pivot Unix nanoseconds; of the eras, the result is the one within 2^31 s (68 years) of it.
 * Default: {@linkcode DEFAULT_PIVOT}, for moments from 1968 to 2104
 * @throws {TypeError} if `timestamp` is not a bigint
 * @throws {RangeError} if `timestamp` does not fit in 64 bits
 *
 * @example The first second of era 1, and the same bits seen from 1900
 * ```ts
 * import { timestampToUnixNanoseconds } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(timestampToUnixNanoseconds(0n), 2085978496_000000000n);
 * assertEquals(timestampToUnixNanoseconds(0n, -2208988800_000000000n), -2208988800_000000000n);
 * ```
 */
export function timestampToUnixNanoseconds(
  timestamp: bigint,
  pivot: bigint = DEFAULT_PIVOT,
): bigint {
  checkTimestamp(timestamp);
  const pivotUnits = ((pivot << 32n) / NANOSECONDS) + (BigInt(NTP_UNIX_OFFSET) << 32n);
  const units = pivotUnits + BigInt.asIntN(64, timestamp - pivotUnits) -
    (BigInt(NTP_UNIX_OFFSET) << 32n);
  return (units * NANOSECONDS + 0x80000000n) >> 32n;
}

/**
 * The timestamp of a `Date`.
 *
 * @param date any valid date
 * @throws {RangeError} if the date is invalid
 *
 * @example There and back
 * ```ts
 * import { timestampFromDate, timestampToDate } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const date = new Date("2026-11-23T12:00:00.123Z");
 * assertEquals(timestampToDate(timestampFromDate(date)), date);
 * ```
 */
export function timestampFromDate(date: Date): bigint {
  const milliseconds = date.getTime();
  if (Number.isNaN(milliseconds)) throw new RangeError(`Not a valid date: ${date}`);
  return timestampFromUnixNanoseconds(BigInt(milliseconds) * 1_000_000n);
}

/**
 * The `Date` of a timestamp, rounded down to the millisecond.
 *
 * @param timestamp an NTP timestamp
 * @param pivot as for {@linkcode timestampToUnixNanoseconds}
 * @throws {TypeError} if `timestamp` is not a bigint
 * @throws {RangeError} if `timestamp` does not fit in 64 bits
 *
 * @example Era 1
 * ```ts
 * import { timestampToDate } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(timestampToDate(0n).toISOString(), "2036-02-07T06:28:16.000Z");
 * ```
 */
export function timestampToDate(timestamp: bigint, pivot: bigint = DEFAULT_PIVOT): Date {
  const nanoseconds = timestampToUnixNanoseconds(timestamp, pivot);
  const remainder = nanoseconds % 1_000_000n;
  const milliseconds = nanoseconds / 1_000_000n - (remainder < 0n ? 1n : 0n);
  return new Date(Number(milliseconds));
}

/**
 * The timestamp of a `Temporal.Instant`.
 *
 * @param instant a `Temporal.Instant`, or anything that has its `epochNanoseconds`
 *
 * @example From an instant
 * ```ts
 * import { timestampFromInstant } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(timestampFromInstant({ epochNanoseconds: 0n }), 2208988800n << 32n);
 * ```
 */
export function timestampFromInstant(instant: { readonly epochNanoseconds: bigint }): bigint {
  return timestampFromUnixNanoseconds(instant.epochNanoseconds);
}

/**
 * The `Temporal.Instant` of a timestamp. The class is passed in, since not every runtime has it and
 * a polyfill does as well.
 *
 * @param timestamp an NTP timestamp
 * @param instantClass `Temporal.Instant`
 * @param pivot as for {@linkcode timestampToUnixNanoseconds}
 * @throws {TypeError} if `timestamp` is not a bigint
 * @throws {RangeError} if `timestamp` does not fit in 64 bits
 *
 * @example With `Temporal.Instant`, or here with a stand-in for it
 * ```ts
 * import { timestampToInstant } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const Instant = { fromEpochNanoseconds: (epochNanoseconds: bigint) => ({ epochNanoseconds }) };
 * const instant = timestampToInstant(2208988800n << 32n, Instant);
 * assertEquals(instant.epochNanoseconds, 0n);
 * ```
 */
export function timestampToInstant<T>(
  timestamp: bigint,
  instantClass: InstantConstructor<T>,
  pivot: bigint = DEFAULT_PIVOT,
): T {
  return instantClass.fromEpochNanoseconds(timestampToUnixNanoseconds(timestamp, pivot));
}

/**
 * `a − b` in seconds, by subtraction modulo 2^64 (RFC 5905 §6), so right across the wrap of an era
 * whenever the two lie within 68 years of each other. Exact up to 2^21 s (24 days), else rounded to
 * float64.
 *
 * @param a an NTP timestamp
 * @param b an NTP timestamp
 * @returns seconds, from -2^31 up to 2^31
 *
 * @example Across the wrap of 2036
 * ```ts
 * import { timestampDifference } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(timestampDifference(1n << 32n, 0xffffffff00000000n), 2);
 * ```
 */
export function timestampDifference(a: bigint, b: bigint): number {
  return Number(BigInt.asIntN(64, a - b)) / WORD;
}

/**
 * A timestamp moved by a duration, wrapping at the end of the era.
 *
 * @param timestamp an NTP timestamp
 * @param seconds finite, negative to go back; rounded to 2^-32 s
 * @throws {RangeError} if `seconds` is not finite
 *
 * @example Half a second back
 * ```ts
 * import { addSeconds } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(addSeconds(0n, -0.5), 0xffffffff80000000n);
 * ```
 */
export function addSeconds(timestamp: bigint, seconds: number): bigint {
  if (!Number.isFinite(seconds)) {
    throw new RangeError(`A timestamp can be moved by a finite number of seconds, not ${seconds}`);
  }
  const whole = Math.floor(seconds);
  const fraction = Math.round((seconds - whole) * WORD);
  return BigInt.asUintN(64, timestamp + (BigInt(whole) << 32n) + BigInt(fraction));
}

/**
 * A timestamp as ISO 8601 text in UTC with nanoseconds.
 *
 * @param timestamp an NTP timestamp
 * @param pivot as for {@linkcode timestampToUnixNanoseconds}
 * @throws {TypeError} if `timestamp` is not a bigint
 * @throws {RangeError} if `timestamp` does not fit in 64 bits
 *
 * @example Nanoseconds are shown in full
 * ```ts
 * import { formatTimestamp } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatTimestamp(2208988800n << 32n), "1970-01-01T00:00:00.000000000Z");
 * ```
 */
export function formatTimestamp(timestamp: bigint, pivot: bigint = DEFAULT_PIVOT): string {
  const nanoseconds = timestampToUnixNanoseconds(timestamp, pivot);
  const below = ((nanoseconds % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  const date = new Date(Number((nanoseconds - below) / 1_000_000n));
  return `${date.toISOString().slice(0, -5)}.${below.toString().padStart(9, "0")}Z`;
}
