import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { SteadyClock } from "../../src/clock/steady_clock.ts";
import { timestampDifference, timestampFromUnixNanoseconds } from "../../src/packet/timestamp.ts";

/** A wall clock that somebody sets. */
function machine(startMs: number) {
  const at = { wallMs: startMs, monotonicMs: 1000 };
  return {
    at,
    options: {
      monotonicMs: () => at.monotonicMs,
      wall: {
        resolutionMs: 0,
        millisecondsSince: (unixSeconds: number) => at.wallMs - unixSeconds * 1000,
      },
    },
  };
}

test("steady clock: begins at the time of the system, and counts", () => {
  const { at, options } = machine(1_780_000_000_250);
  const clock = new SteadyClock(options);
  assertEquals(clock.now(), timestampFromUnixNanoseconds(1_780_000_000_250_000_000n));
  at.monotonicMs += 86_400_000.5;
  const later = timestampFromUnixNanoseconds(1_780_086_400_250_500_000n);
  assert(Math.abs(timestampDifference(clock.now(), later)) < 1e-9);
  const words = new Uint32Array(2);
  clock.read(words);
  assertEquals((BigInt(words[0]!) << 32n) | BigInt(words[1]!), clock.now());
});

test("steady clock: nobody sets it", () => {
  const { at, options } = machine(1_780_000_000_000);
  const clock = new SteadyClock(options);
  const before = clock.now();
  at.wallMs += 3_600_000;
  assertEquals(clock.now(), before);
  assertEquals(clock.state().synchronized, false);
  assertEquals(clock.state().leapIndicator, 3);
});

test("steady clock: goes on into the next era, and knows it", () => {
  const wrap = Date.UTC(2036, 1, 7, 6, 28, 16);
  const { at, options } = machine(wrap - 500);
  const clock = new SteadyClock(options);
  at.monotonicMs += 1000;
  assertEquals(clock.now(), 1n << 31n);
  assertEquals(clock.unixNanoseconds(), BigInt(wrap + 500) * 1_000_000n);
});

test("steady clock: on the clocks of the runtime it never goes back", () => {
  const clock = new SteadyClock();
  assert(clock.precision < -8 && clock.precision > -33, `${clock.precision}`);
  const behind = Number(BigInt(Date.now()) * 1_000_000n - clock.unixNanoseconds()) / 1e9;
  assert(Math.abs(behind) < 1, `${behind}`);
  for (let i = 0, before = clock.now(); i < 10_000; i++) {
    const now = clock.now();
    assert(timestampDifference(now, before) >= 0);
    before = now;
  }
});

test("steady clock: wrong options are errors", () => {
  assertThrows(() => new SteadyClock({ monotonicMs: 3 as never }), TypeError, "monotonicMs");
});
