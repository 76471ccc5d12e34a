import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  addSeconds,
  DEFAULT_PIVOT,
  formatTimestamp,
  type InstantConstructor,
  NTP_UNIX_OFFSET,
  timestampDifference,
  timestampFromDate,
  timestampFromInstant,
  timestampFromUnixNanoseconds,
  timestampFromWords,
  timestampToDate,
  timestampToInstant,
  timestampToUnixNanoseconds,
  timestampToWords,
} from "../../src/packet/timestamp.ts";

const SECOND = 1_000_000_000n;
/** Half an era, in nanoseconds: how far from the pivot a moment may lie. */
const HALF_ERA = 2n ** 31n * SECOND;
const runs = { numRuns: 2000 };

const timestamps = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

function nanoseconds(date: string): bigint {
  return BigInt(Date.parse(date)) * 1_000_000n;
}

// RFC 5905 figure 4, the rows that the Gregorian calendar covers.
for (
  const [date, era, seconds] of [
    ["1582-10-15", -3, 2_874_597_888],
    ["1899-12-31", -1, 4_294_880_896],
    ["1900-01-01", 0, 0],
    ["1970-01-01", 0, 2_208_988_800],
    ["1972-01-01", 0, 2_272_060_800],
    ["1999-12-31", 0, 3_155_587_200],
    ["2036-02-08", 1, 63_104],
  ] as const
) {
  test(`timestamp: ${date} is second ${seconds} of era ${era}`, () => {
    const moment = nanoseconds(`${date}T00:00:00Z`);
    const timestamp = timestampFromUnixNanoseconds(moment);
    assertEquals(timestamp, BigInt(seconds) << 32n);
    assertEquals(timestampToUnixNanoseconds(timestamp, moment), moment);
    const counted = (BigInt(era) * 2n ** 32n + BigInt(seconds) - BigInt(NTP_UNIX_OFFSET)) * SECOND;
    assertEquals(counted, moment);
  });
}

test("timestamp: nanoseconds of a whole second come back, in strides and at both ends", () => {
  const base = nanoseconds("2026-11-23T12:00:00Z");
  const check = (below: number) => {
    const moment = base + BigInt(below);
    const back = timestampToUnixNanoseconds(timestampFromUnixNanoseconds(moment));
    if (back !== moment) assertEquals(back, moment);
  };
  for (let below = 0; below < 1e9; below += 9973) check(below);
  for (let i = 0; i < 5000; i++) {
    check(i);
    check(999_999_999 - i);
    check(500_000_000 - i);
  }
});

test("timestamp: the nearest unit of 2^-32 s is taken", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -HALF_ERA * 40n, max: HALF_ERA * 40n }), (moment) => {
      const timestamp = timestampFromUnixNanoseconds(moment);
      // In units of 2^-32 ns, modulo an era: half a unit of 2^-32 s on either side.
      const exact = (moment + BigInt(NTP_UNIX_OFFSET) * SECOND) << 32n;
      const era = SECOND << 64n;
      const error = (((exact - timestamp * SECOND + SECOND / 2n) % era) + era) % era;
      return error <= SECOND;
    }),
    runs,
  );
});

test("timestamp: every moment within half an era of any pivot comes back", () => {
  const pivots = fc.bigInt({
    min: nanoseconds("-005000-01-01T00:00:00Z"),
    max: nanoseconds("+012000-01-01T00:00:00Z"),
  });
  const distances = fc.bigInt({ min: -HALF_ERA + 1n, max: HALF_ERA - 1n });
  fc.assert(
    fc.property(pivots, distances, (pivot, distance) => {
      const moment = pivot + distance;
      return timestampToUnixNanoseconds(timestampFromUnixNanoseconds(moment), pivot) === moment;
    }),
    runs,
  );
});

test("timestamp: every timestamp lands within half an era of the pivot and comes back", () => {
  fc.assert(
    fc.property(timestamps, (timestamp) => {
      const moment = timestampToUnixNanoseconds(timestamp);
      const units = timestampFromUnixNanoseconds(moment);
      // 2^-32 s is finer than a nanosecond: what comes back is at most two units away.
      const error = BigInt.asIntN(64, units - timestamp);
      return moment >= DEFAULT_PIVOT - HALF_ERA && moment <= DEFAULT_PIVOT + HALF_ERA &&
        error >= -2n && error <= 2n;
    }),
    runs,
  );
});

test("timestamp: without pivot, moments from 1968 to 2104", () => {
  const first = nanoseconds("1968-01-20T03:14:08Z");
  const end = nanoseconds("2104-02-26T09:42:24Z");
  assertEquals(DEFAULT_PIVOT - HALF_ERA, first);
  assertEquals(DEFAULT_PIVOT + HALF_ERA, end);
  for (const moment of [first, end - 1n, -1n, 0n, nanoseconds("2036-02-07T06:28:15.999Z")]) {
    assertEquals(timestampToUnixNanoseconds(timestampFromUnixNanoseconds(moment)), moment);
  }
  // One step beyond either end is taken for the era on the other side.
  assertEquals(timestampToUnixNanoseconds(timestampFromUnixNanoseconds(end)), first);
  assertEquals(timestampToUnixNanoseconds(timestampFromUnixNanoseconds(first - 1n)), end - 1n);
});

test("timestamp: the same bits, seen from 1900, 2036, 2104 and 2172", () => {
  const seen = (pivot: string) => formatTimestamp(0n, nanoseconds(pivot));
  assertEquals(seen("1900-01-01T00:00:00Z"), "1900-01-01T00:00:00.000000000Z");
  assertEquals(seen("1968-01-20T03:14:07Z"), "1900-01-01T00:00:00.000000000Z");
  assertEquals(seen("1968-01-20T03:14:09Z"), "2036-02-07T06:28:16.000000000Z");
  assertEquals(seen("2036-02-07T06:28:16Z"), "2036-02-07T06:28:16.000000000Z");
  assertEquals(seen("2104-02-26T09:42:23Z"), "2036-02-07T06:28:16.000000000Z");
  assertEquals(seen("2104-02-26T09:42:25Z"), "2172-03-15T12:56:32.000000000Z");
  assertEquals(seen("2172-03-15T12:56:32Z"), "2172-03-15T12:56:32.000000000Z");
});

test("timestamp: before 1970 and before 1900", () => {
  const moment = nanoseconds("1969-12-31T23:59:59Z") + 999_999_999n;
  assertEquals(moment, -1n);
  // One nanosecond is 4.29 units of 2^-32 s.
  assertEquals(timestampFromUnixNanoseconds(-1n), (2208988800n << 32n) - 4n);
  const old = nanoseconds("1858-11-17T00:00:00Z") + 1n;
  assertEquals(timestampToUnixNanoseconds(timestampFromUnixNanoseconds(old), old), old);
  assertEquals(
    formatTimestamp(timestampFromUnixNanoseconds(old), old),
    "1858-11-17T00:00:00.000000001Z",
  );
});

test("timestamp: words", () => {
  const words = new Uint32Array(2);
  fc.assert(
    fc.property(timestamps, (timestamp) => {
      timestampToWords(timestamp, words);
      return words[0] === Number(timestamp >> 32n) &&
        words[1] === Number(timestamp & 0xffffffffn) &&
        timestampFromWords(words[0]!, words[1]!) === timestamp;
    }),
    runs,
  );
  assertEquals(timestampFromWords(0xffffffff, 0xffffffff), 2n ** 64n - 1n);
});

test("timestamp: dates", () => {
  const largest = 8_640_000_000_000_000;
  fc.assert(
    fc.property(fc.integer({ min: -largest, max: largest }), (milliseconds) => {
      const date = new Date(milliseconds);
      const back = timestampToDate(timestampFromDate(date), BigInt(milliseconds) * 1_000_000n);
      return back.getTime() === milliseconds;
    }),
    runs,
  );
  assertThrows(() => timestampFromDate(new Date(NaN)), RangeError, "Invalid Date");
});

test("timestamp: a date is rounded down, before 1970 too", () => {
  const at = (moment: bigint) => timestampToDate(timestampFromUnixNanoseconds(moment)).getTime();
  assertEquals(at(1_999_999n), 1);
  assertEquals(at(2_000_000n), 2);
  assertEquals(at(-1n), -1);
  assertEquals(at(-1_000_000n), -1);
  assertEquals(at(-1_000_001n), -2);
});

class Instant {
  readonly epochNanoseconds: bigint;
  constructor(epochNanoseconds: bigint) {
    this.epochNanoseconds = epochNanoseconds;
  }
  static fromEpochNanoseconds(epochNanoseconds: bigint): Instant {
    return new this(epochNanoseconds); // as in Temporal.Instant, `this` matters
  }
}

test("timestamp: instants, with a stand-in class", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -HALF_ERA * 5n, max: HALF_ERA * 5n }), (moment) => {
      const instant = timestampToInstant(
        timestampFromInstant(new Instant(moment)),
        Instant,
        moment,
      );
      return instant instanceof Instant && instant.epochNanoseconds === moment;
    }),
    runs,
  );
});

type RealInstant = { epochNanoseconds: bigint; toString(): string };
const { Temporal } = globalThis as unknown as {
  Temporal?: { Instant: InstantConstructor<RealInstant> & { from(text: string): RealInstant } };
};

test("timestamp: instants, with Temporal.Instant", { skip: Temporal === undefined }, () => {
  const { Instant } = Temporal!;
  const text = "2040-02-29T23:59:59.123456789Z";
  const timestamp = timestampFromInstant(Instant.from(text));
  assertEquals(timestampToInstant(timestamp, Instant).toString(), text);
  assertEquals(formatTimestamp(timestamp), text);
  const old = Instant.from("1899-12-31T23:59:59.999999999Z");
  const back = timestampToInstant(timestampFromInstant(old), Instant, old.epochNanoseconds);
  assertEquals(back.toString(), "1899-12-31T23:59:59.999999999Z");
});

test("timestamp: differences wrap", () => {
  const second = 1n << 32n;
  assertEquals(timestampDifference(0n, 0n), 0);
  assertEquals(timestampDifference(5n * second, 3n * second), 2);
  assertEquals(timestampDifference(3n * second, 5n * second), -2);
  assertEquals(timestampDifference(0n, 2n ** 64n - 1n), 2 ** -32);
  assertEquals(timestampDifference(2n ** 64n - 1n, 0n), -(2 ** -32));
  // The largest distance counts as the past (RFC 5905 §6: two's complement).
  assertEquals(timestampDifference(2n ** 63n, 0n), -(2 ** 31));
  assertEquals(timestampDifference(2n ** 63n - second, 0n), 2 ** 31 - 1);
});

test("timestamp: differences and sums are inverse, in every era position", () => {
  // Multiples of 2^-32 s up to 2^20 s are exact in float64.
  const units = fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n });
  fc.assert(
    fc.property(timestamps, units, (timestamp, moved) => {
      const seconds = Number(moved) / 2 ** 32;
      const sum = addSeconds(timestamp, seconds);
      return sum === BigInt.asUintN(64, timestamp + moved) &&
        timestampDifference(sum, timestamp) === seconds &&
        timestampDifference(timestamp, sum) === 0 - seconds;
    }),
    runs,
  );
});

test("timestamp: sums round to the unit and wrap", () => {
  assertEquals(addSeconds(0n, 0.1), 429496730n);
  assertEquals(addSeconds(0n, -0.1), 2n ** 64n - 429496730n);
  assertEquals(addSeconds(7n, 1e-20), 7n);
  assertEquals(addSeconds(7n, -1e-20), 7n);
  assertEquals(addSeconds(2n ** 64n - 1n, 2 ** -32), 0n);
  assertEquals(addSeconds(3n, 2 ** 32), 3n);
  for (const seconds of [NaN, Infinity, -Infinity]) {
    assertThrows(() => addSeconds(0n, seconds), RangeError, String(seconds));
  }
});

test("timestamp: text", () => {
  const format = (moment: bigint) => formatTimestamp(timestampFromUnixNanoseconds(moment));
  assertEquals(format(0n), "1970-01-01T00:00:00.000000000Z");
  assertEquals(format(1n), "1970-01-01T00:00:00.000000001Z");
  assertEquals(format(-1n), "1969-12-31T23:59:59.999999999Z");
  assertEquals(format(-SECOND), "1969-12-31T23:59:59.000000000Z");
  assertEquals(format(1_000_000_010n), "1970-01-01T00:00:01.000000010Z");
  // Half a unit below a full second: shown as that second, to the nanosecond.
  assertEquals(formatTimestamp((2208988801n << 32n) - 1n), "1970-01-01T00:00:01.000000000Z");
});

test("timestamp: what is no timestamp is refused", () => {
  const takers = [
    timestampToUnixNanoseconds,
    timestampToDate,
    formatTimestamp,
    (timestamp: bigint) => timestampToInstant(timestamp, Instant),
  ];
  for (const take of takers) {
    assertThrows(() => take(-1n), RangeError, "-1");
    assertThrows(() => take(2n ** 64n), RangeError, "18446744073709551616");
    assertThrows(() => take(5 as unknown as bigint), TypeError, "number: 5");
    assertThrows(() => take(undefined as unknown as bigint), TypeError, "undefined");
  }
  assert(timestampToUnixNanoseconds(2n ** 64n - 1n) > 0n);
});
