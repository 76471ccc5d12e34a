import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { ClockState } from "../../src/clock/clock.ts";
import { FunctionClock, type FunctionClockOptions } from "../../src/clock/function_clock.ts";
import { LeapSeconds } from "../../src/clock/leap_seconds.ts";
import { SystemClock } from "../../src/clock/system_clock.ts";
import { timestampFromDate } from "../../src/packet/timestamp.ts";

const NOON = timestampFromDate(new Date("2026-11-23T12:00:00.75Z"));

test("the time is what the function tells", () => {
  const clock = new FunctionClock(() => NOON);
  const words = new Uint32Array(2);
  clock.read(words);
  assertEquals(clock.now(), NOON);
  assertEquals([...words], [Number(NOON >> 32n), 0xc0000000]);
});

test("a function that counts on past an era, or from before it, wraps", () => {
  const words = new Uint32Array(2);
  new FunctionClock(() => (2n ** 32n + 5n) << 32n).read(words);
  assertEquals([...words], [5, 0]);
  assertEquals(new FunctionClock(() => -1n).now(), 2n ** 64n - 1n);
});

test("the defaults of the state", () => {
  assertEquals(new FunctionClock(() => NOON).state(), {
    synchronized: true,
    leapIndicator: 0,
    referenceTimestamp: (NOON >> 32n) << 32n,
    rootDelay: 0,
    rootDispersion: 0.001,
  });
});

test("the state is asked for each time where it is a function", () => {
  const known: { -readonly [K in keyof ClockState]?: ClockState[K] } = { rootDispersion: 0.5 };
  const clock = new FunctionClock(() => NOON, { state: () => known });
  assertEquals(clock.state().rootDispersion, 0.5);
  known.synchronized = false;
  known.leapIndicator = 1;
  assertEquals(clock.state().leapIndicator, 3); // no warning counts while not synchronised
  Object.assign(known, { synchronized: true, stratum: 2, referenceId: 0x7f000001 });
  const { leapIndicator, stratum, referenceId } = clock.state();
  assertEquals([leapIndicator, stratum, referenceId], [1, 2, 0x7f000001]);
  known.stratum = 16;
  assertThrows(() => clock.state(), RangeError, "stratum must be a whole number from 1 to 15");
});

test("the leap indicator comes from the table unless the state has one", () => {
  const eve = timestampFromDate(new Date("2016-12-31T12:00:00Z"));
  const indicatorWith = (options: FunctionClockOptions) =>
    new FunctionClock(() => eve, options).state().leapIndicator;
  assertEquals(indicatorWith({}), 1);
  assertEquals(indicatorWith({ leapSeconds: null }), 0);
  assertEquals(indicatorWith({ state: { leapIndicator: 2 } }), 2);
});

test("the expiry of the table is reported once", () => {
  const tables: LeapSeconds[] = [];
  const late = timestampFromDate(new Date("2030-01-01T00:00:00Z"));
  const clock = new FunctionClock(() => late, {
    onLeapSecondsExpired: (table) => tables.push(table),
  });
  assertEquals(clock.leapSecondsExpired, true);
  clock.state();
  clock.state();
  assertEquals(tables, [LeapSeconds.builtIn]);
});

test("the precision is measured unless given", () => {
  const system = new SystemClock();
  const measured = new FunctionClock(() => system.now()).precision;
  assert(measured >= -32 && measured <= -7, `${measured}`);
  assertEquals(new FunctionClock(() => NOON, { precision: -20 }).precision, -20);
});

test("the function is not called before the time is asked for", () => {
  let calls = 0;
  new FunctionClock(() => BigInt(calls++));
  assertEquals(calls, 0);
});

test("what is no timestamp is refused, with the remedy", () => {
  for (const value of [Date.now(), new Date(), undefined, null]) {
    const clock = new FunctionClock(() => value as unknown as bigint);
    assertThrows(() => clock.now(), TypeError, "timestampFromDate");
    assertThrows(() => clock.read(new Uint32Array(2)), TypeError, "NTP timestamp");
  }
});

test("wrong options are refused", () => {
  const make = (options: FunctionClockOptions) => () => new FunctionClock(() => NOON, options);
  assertThrows(
    () => new FunctionClock(NOON as unknown as () => bigint),
    TypeError,
    "tell must be a function",
  );
  assertThrows(make({ precision: 0.5 }), RangeError, "precision must be a whole number");
  assertThrows(make({ precision: -33 }), RangeError, "-33");
  assertThrows(make({ state: { rootDelay: 70_000 } }), RangeError, "rootDelay");
  assertThrows(make({ state: { referenceId: -1 } }), RangeError, "referenceId");
});
