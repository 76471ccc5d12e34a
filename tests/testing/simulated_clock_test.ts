import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { timestampDifference, timestampFromDate } from "../../src/packet/timestamp.ts";
import { RandomStream } from "../../src/testing/random_stream.ts";
import { SimulatedClock, type SimulatedClockOptions } from "../../src/testing/simulated_clock.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";

function make(options: SimulatedClockOptions, start?: Date) {
  const time = new VirtualTime(start ? { start } : {});
  return { time, clock: new SimulatedClock(time, options, new RandomStream(1)) };
}

test("simulated clock: readings are true time and the offset, whatever that is", () => {
  const offset = fc.double({ min: -1e9, max: 1e9, noNaN: true });
  const start = fc.constantFrom(new Date("2036-02-07T06:28:15Z"), new Date("2026-01-01"));
  fc.assert(
    fc.property(offset, start, fc.integer({ min: 0, max: 2 ** 40 }), (offset, start, elapsed) => {
      const { time, clock } = make({ offset }, start);
      time.advance(elapsed / 1e6);
      // A float64 of a difference of 1e9 s has 1.2e-7 s.
      const tolerance = 1e-9 + Math.abs(offset) * 2 ** -52;
      assertAlmostEquals(timestampDifference(clock.now(), time.now()), offset, tolerance);
    }),
    { numRuns: 200 },
  );
});

test("simulated clock: it wanders as its oscillator does, and is corrected", () => {
  const { time, clock } = make({ offset: 1, frequency: 1e-4, wander: 1e-9 });
  time.advance(1_000_000);
  assertAlmostEquals(clock.offset, 1.1, 1e-4);
  assertAlmostEquals(clock.frequencyError, 1e-4, 1e-6);
  clock.step(-clock.offset);
  clock.frequencyCorrection = -1e-4;
  assertEquals(clock.frequencyCorrection, -1e-4);
  time.advance(100_000);
  assertAlmostEquals(clock.offset, 0, 1e-5);
});

test("simulated clock: it steps when it is said to, looked at or not", () => {
  const steps = [{ at: 20, seconds: -0.5 }, { at: 10.5, seconds: 2 }];
  const { time, clock } = make({ frequency: 1e-3, steps });
  time.advance(10_499);
  assertAlmostEquals(clock.offset, 0.010499, 1e-12);
  time.advance(1);
  assertAlmostEquals(clock.offset, 2.0105, 1e-12);
  time.advance(100_000);
  assertAlmostEquals(clock.offset, 1.5 + 0.1105, 1e-12);
});

test("simulated clock: noise is bounded, the same at one moment, and disturbs nothing", () => {
  const { time, clock } = make({ noise: 1e-6, wander: 1e-8 });
  const quiet = make({ wander: 1e-8 });
  const noise = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    time.advance(997.3);
    quiet.time.advance(997.3);
    const difference = timestampDifference(clock.now(), time.now()) - clock.offset;
    assertEquals(timestampDifference(clock.now(), time.now()) - clock.offset, difference);
    assert(Math.abs(difference) <= 1.001e-6, `${difference}`);
    noise.add(difference);
  }
  assert(noise.size > 990);
  const squares = [...noise].reduce((sum, value) => sum + value * value, 0) / noise.size;
  assertAlmostEquals(Math.sqrt(squares), 1e-6 / Math.sqrt(3), 3e-8);
  assertAlmostEquals(clock.offset, quiet.clock.offset, 1e-15);
});

test("simulated clock: readings are rounded down to the precision", () => {
  const { time, clock } = make({ offset: 0.7, precision: -10 });
  assertEquals(clock.precision, -10);
  for (let i = 0; i < 100; i++) {
    time.advance(1.37);
    assertEquals(clock.now() & 0x3fffffn, 0n);
    const late = clock.offset - timestampDifference(clock.now(), time.now());
    assert(late > -1e-9 && late < 2 ** -10 + 1e-9, `${late}`);
  }
});

test("simulated clock: it says of itself what it is told to", () => {
  const { clock } = make({ state: { stratum: 3, leapIndicator: 2 } });
  assertEquals([clock.state().stratum, clock.state().leapIndicator], [3, 2]);
  clock.setState({ synchronized: false });
  assertEquals(clock.state().leapIndicator, 3);
  assertThrows(() => clock.setState({ rootDelay: -1 }), RangeError, "rootDelay");
});

test("simulated clock: what is out of range is refused", () => {
  assertThrows(() => make({ precision: 1 }), RangeError, "precision");
  assertThrows(() => make({ noise: -1 }), RangeError, "noise");
  assertThrows(() => make({ steps: [{ at: -1, seconds: 1 }] }), RangeError, "steps[].at");
  assertThrows(() => make({ steps: [{ at: 1, seconds: NaN }] }), RangeError, "steps[].seconds");
  const time = new VirtualTime({ start: timestampFromDate(new Date("2026-01-01")) });
  const clock = new SimulatedClock(time, {}, new RandomStream(1));
  assertEquals(clock.now(), time.now());
});
