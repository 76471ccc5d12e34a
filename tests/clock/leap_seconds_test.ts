import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { LeapSeconds } from "../../src/clock/leap_seconds.ts";
import { NTPError } from "../../src/packet/error.ts";
import { timestampFromDate, timestampFromUnixNanoseconds } from "../../src/packet/timestamp.ts";
import { LEAP_SECONDS_LIST } from "./leap_seconds_list.ts";

const DAY = 86400;
/** Midnight after the leap second of 2016, seconds since 1900. */
const JANUARY_2017 = 3692217600;

function at(date: string): bigint {
  return timestampFromDate(new Date(date));
}

test("the built-in table is the one that IERS published in July 2026", () => {
  const table = LeapSeconds.parse(LEAP_SECONDS_LIST);
  assertEquals(LeapSeconds.builtIn.entries, table.entries);
  assertEquals(LeapSeconds.builtIn.entries.length, 28);
  assertEquals(LeapSeconds.builtIn.expiresAt, table.expiresAt);
  assertEquals(LeapSeconds.builtIn.updatedAt, table.updatedAt);
  assertEquals(table.expiresAt, at("2027-06-28T00:00:00Z"));
  assertEquals(table.updatedAt, at("2026-07-06T07:44:57Z"));
});

test("a leap second is announced during its whole day and no longer", () => {
  const indicators = [
    ["2016-12-30T23:59:59.999Z", 0],
    ["2016-12-31T00:00:00Z", 1],
    ["2016-12-31T23:59:59.999Z", 1],
    ["2017-01-01T00:00:00Z", 0],
    ["2015-06-30T12:00:00Z", 1],
    ["2026-12-31T12:00:00Z", 0],
    ["1971-12-31T12:00:00Z", 0], // the table begins then: no second was inserted
  ] as const;
  for (const [date, expected] of indicators) {
    assertEquals(LeapSeconds.builtIn.indicatorAt(at(date)), expected, date);
  }
  const lastUnit = (BigInt(JANUARY_2017) << 32n) - 1n;
  assertEquals(LeapSeconds.builtIn.indicatorAt(lastUnit), 1);
  assertEquals(LeapSeconds.builtIn.indicatorAt(lastUnit + 1n), 0);
});

test("each of the 27 leap seconds is announced", () => {
  const table = LeapSeconds.builtIn;
  const announced = table.entries.filter(({ since }) =>
    table.indicatorAt(BigInt(since - 1) << 32n) === 1
  );
  assertEquals(announced, table.entries.slice(1));
});

test("a negative leap second is announced as such", () => {
  const table = new LeapSeconds({
    entries: [{ since: JANUARY_2017, taiOffset: 37 }, {
      since: JANUARY_2017 + 10 * DAY,
      taiOffset: 36,
    }],
    expires: JANUARY_2017 + 20 * DAY,
  });
  assertEquals(table.indicatorAt(BigInt(JANUARY_2017 + 10 * DAY - 1) << 32n), 2);
  assertEquals(table.indicatorAt(BigInt(JANUARY_2017 + 10 * DAY) << 32n), 0);
  assertEquals(table.taiOffsetAt(BigInt(JANUARY_2017 + 10 * DAY) << 32n), 36);
  assertEquals(table.updatedAt, undefined);
});

test("TAI - UTC at a moment", () => {
  const { builtIn } = LeapSeconds;
  assertEquals(builtIn.taiOffsetAt(at("2026-11-23T12:00:00Z")), 37);
  assertEquals(builtIn.taiOffsetAt(at("2016-12-31T23:59:59Z")), 36);
  assertEquals(builtIn.taiOffsetAt(at("1972-01-01T00:00:00Z")), 10);
  assertEquals(builtIn.taiOffsetAt(at("1971-12-31T23:59:59Z")), undefined);
});

test("the table expires, also past the end of an era", () => {
  const { builtIn } = LeapSeconds;
  assertEquals(builtIn.isExpired(at("2027-06-27T23:59:59Z")), false);
  assertEquals(builtIn.isExpired(at("2027-06-28T00:00:00Z")), true);
  assertEquals(builtIn.isExpired(at("2036-02-07T06:28:16Z")), true);
  const nanoseconds = BigInt(Date.parse("2110-01-01T00:00:00Z")) * 1_000_000n;
  const timestamp = timestampFromUnixNanoseconds(nanoseconds);
  assertEquals(builtIn.isExpired(timestamp, nanoseconds), true);
  assertEquals(builtIn.isExpired(timestamp), false); // taken for 1973
});

test("leap seconds after 2036", () => {
  const since = Date.parse("2040-07-01T00:00:00Z") / 1000 + 2208988800; // more than 2^32
  const table = LeapSeconds.parse(`#@ ${since + DAY}\n${JANUARY_2017} 37\n${since} 38\n`);
  assertEquals(table.indicatorAt(at("2040-06-30T12:00:00Z")), 1);
  assertEquals(table.indicatorAt(at("2035-12-31T12:00:00Z")), 0);
  assertEquals(table.taiOffsetAt(at("2040-07-01T00:00:00Z")), 38);
  assertEquals(table.expiresAt, at("2040-07-02T00:00:00Z"));
});

test("line ends of Windows, comments and blank lines are understood", () => {
  const table = LeapSeconds.parse(LEAP_SECONDS_LIST.replaceAll("\n", "\r\n"));
  assertEquals(table.entries, LeapSeconds.builtIn.entries);
});

test("a bad line is named with its number and content", () => {
  const bad: [string, string][] = [
    ["#@ 4023129600\nhello\n", 'line 2: expected seconds since 1900 and TAI - UTC: "hello"'],
    ["#@ 4023129600\n3692217600\n", 'TAI - UTC: "3692217600"'],
    ["#@ 4023129600\n3692217600 37 Jan\n", "line 2: expected"],
    ["#@ 4023129600\n3692217601 37\n", "line 2: 3692217601 is not the start of a UTC day"],
    ["#@ 4023129600\n99999999999999999999 37\n", "line 2"],
    ["3644697600 36\n3644697600 37\n", "line 2: 3644697600 is not after 3644697600"],
    ["3644697600 36\n3692217600 38\n", "line 2: TAI - UTC goes from 36 to 38"],
    ["3644697600 36\n3692217600 36\n", "line 2: TAI - UTC goes from 36 to 36"],
    ["#@ soon\n", 'line 1: expected seconds since 1900 behind "#@": "#@ soon"'],
    ["#$ -5\n", 'line 1: expected seconds since 1900 behind "#$"'],
    ["#@ 1\n#@ 2\n", 'line 2: a second line "#@"'],
    ["3644697600 36\n", 'no line "#@ SECONDS" with the expiry'],
    ["#@ 4023129600\n", "no line with a leap second"],
    ["", "no line with a leap second"],
  ];
  for (const [text, message] of bad) {
    const error = assertThrows(() => LeapSeconds.parse(text), NTPError, message);
    assertEquals(error.code, "malformed");
    assert(error.message.startsWith("leap-seconds.list"), error.message);
  }
});

test("a wrong table is refused", () => {
  const entries = [{ since: JANUARY_2017, taiOffset: 37 }];
  const make = (content: ConstructorParameters<typeof LeapSeconds>[0]) => () =>
    new LeapSeconds(content);
  assertThrows(make({ entries: [], expires: 0 }), RangeError, "entries");
  assertThrows(make({ entries, expires: 0.5 }), RangeError, "expires");
  assertThrows(make({ entries, expires: 0, updated: NaN }), RangeError, "updated");
  assertThrows(make({ entries: [...entries, ...entries], expires: 0 }), RangeError, "entries[1]");
  assertThrows(
    make({ entries: [{ since: JANUARY_2017, taiOffset: 1.5 }], expires: 0 }),
    RangeError,
    "entries[0]: TAI - UTC is a whole number of seconds, not 1.5",
  );
});
