import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { LeapSeconds } from "../../src/clock/leap_seconds.ts";
import { SystemClock, type SystemClockOptions } from "../../src/clock/system_clock.ts";
import {
  timestampDifference,
  timestampFromDate,
  timestampToDate,
} from "../../src/packet/timestamp.ts";
import { randomNumbers, SimulatedMachine } from "./simulated_machine.ts";

const words = new Uint32Array(2);

function clockOn(machine: SimulatedMachine, options: SystemClockOptions = {}): SystemClock {
  const { monotonicMs, wall } = machine;
  return new SystemClock({ monotonicMs, wall, maxSlew: 0, ...options });
}

/** Reads the clock; returns by how many milliseconds it is ahead of the wall clock. */
function errorOf(clock: SystemClock, machine: SimulatedMachine): number {
  clock.read(words);
  return machine.errorMs(words);
}

/** Reads for a while; returns the largest error, and fails if the time ever went back. */
function worstOf(
  clock: SystemClock,
  machine: SimulatedMachine,
  { readings, waitMs }: { readings: number; waitMs: () => number },
): number {
  let worst = 0, last = clock.now();
  for (let i = 0; i < readings; i++) {
    machine.wait(waitMs());
    worst = Math.max(worst, Math.abs(errorOf(clock, machine)));
    const now = (BigInt(words[0]!) << 32n) | BigInt(words[1]!);
    assert(timestampDifference(now, last) >= 0, `back by ${timestampDifference(last, now)} s`);
    last = now;
  }
  return worst;
}

test("the first reading is right to a microsecond on a wall clock of microseconds", () => {
  const machine = new SimulatedMachine();
  assertAlmostEquals(errorOf(clockOn(machine), machine), 0, 0.001);
});

test("the first reading is right to a microsecond on a wall clock of milliseconds", () => {
  const machine = new SimulatedMachine({ resolutionMs: 1 });
  assertAlmostEquals(errorOf(clockOn(machine), machine), 0, 0.001);
});

test("the clock is right at every moment, also around whole seconds", () => {
  for (const resolutionMs of [0, 0.001, 1]) {
    const machine = new SimulatedMachine({ resolutionMs: resolutionMs || 1e-9 });
    const random = randomNumbers(7);
    const worst = worstOf(clockOn(machine), machine, {
      readings: 20_000,
      waitMs: () => random() < 0.5 ? random() * 0.01 : random() * 400,
    });
    assert(worst < 0.002, `${worst} ms with a resolution of ${resolutionMs} ms`);
  }
});

test("the wall clock is asked once a millisecond at most", () => {
  const machine = new SimulatedMachine();
  const clock = clockOn(machine);
  machine.wallReadings = 0;
  for (let i = 0; i < 10_000; i++) errorOf(clock, machine); // takes 1 ms and a little
  assert(machine.wallReadings <= 3, `${machine.wallReadings} readings`);
});

for (const seconds of [10, -10, 0.005, -0.005]) {
  for (const resolutionMs of [0.001, 1]) {
    test(`a step of ${seconds} s is followed, counted and reported (${resolutionMs} ms)`, () => {
      const machine = new SimulatedMachine({ resolutionMs });
      const reported: number[] = [];
      const clock = clockOn(machine, { onStep: (step) => reported.push(step) });
      worstOf(clock, machine, { readings: 100, waitMs: () => 0.3 });
      assertEquals(clock.steps, 0);
      machine.step(seconds * 1000);
      machine.wait(1);
      assertAlmostEquals(errorOf(clock, machine), 0, 0.001);
      assertEquals(clock.steps, 1);
      assertEquals(reported.length, 1);
      assertAlmostEquals(reported[0]!, seconds, 2e-6);
      assert(worstOf(clock, machine, { readings: 5000, waitMs: () => 0.3 }) < 0.001);
      assertEquals(clock.steps, 1);
    });
  }
}

test("a step is seen after a day without readings", () => {
  const machine = new SimulatedMachine();
  const clock = clockOn(machine);
  machine.wait(86_400_000);
  machine.step(-5);
  assertAlmostEquals(errorOf(clock, machine), 0, 0.001);
  assertEquals(clock.steps, 1);
});

test("a suspended machine: the monotonic clock stands still, the wall clock does not", () => {
  const machine = new SimulatedMachine();
  const clock = clockOn(machine);
  errorOf(clock, machine);
  machine.step(3 * 3_600_000);
  machine.wait(1.5);
  assertAlmostEquals(errorOf(clock, machine), 0, 0.001);
  assertEquals(clock.steps, 1);
});

for (const drift of [3e-4, -3e-4]) {
  test(`a slew of ${drift * 1e6} ppm is followed, without a step and never backwards`, () => {
    const machine = new SimulatedMachine({ drift });
    const clock = clockOn(machine, { maxSlew: 5e-4 });
    const worst = worstOf(clock, machine, { readings: 100_000, waitMs: () => 0.7 });
    assert(worst < 0.003, `${worst} ms`);
    machine.wait(86_400_000);
    assertAlmostEquals(errorOf(clock, machine), 0, 0.003);
    assertEquals(clock.steps, 0);
  });

  test(`a slew of ${drift * 1e6} ppm against a wall clock of milliseconds is followed`, () => {
    const machine = new SimulatedMachine({ drift, resolutionMs: 1 });
    const clock = clockOn(machine, { maxSlew: 5e-4 });
    const random = randomNumbers(3);
    const worst = worstOf(clock, machine, { readings: 100_000, waitMs: () => random() * 3 });
    assert(worst < 0.2, `${worst} ms`);
    assertEquals(clock.steps, 0);
  });
}

test("a process held up while it anchors counts no step later", () => {
  const machine = new SimulatedMachine({ resolutionMs: 1 });
  machine.onWallReading = () => machine.wait(0.9); // every reading takes 0.9 ms
  const clock = clockOn(machine);
  machine.onWallReading = () => {};
  const random = randomNumbers(5);
  worstOf(clock, machine, { readings: 3000, waitMs: () => random() * 3 });
  assertEquals(clock.steps, 0);
  assertAlmostEquals(errorOf(clock, machine), 0, 0.01);
});

test("a step amid anchoring voids what was read before", () => {
  const machine = new SimulatedMachine({ resolutionMs: 1 });
  machine.onWallReading = (reading) => {
    if (reading === 1000) machine.step(-60_000);
  };
  assertAlmostEquals(errorOf(clockOn(machine), machine), 0, 0.001);
});

test("anchoring ends although no clock moves", () => {
  const clock = new SystemClock({
    monotonicMs: () => 5,
    wall: { resolutionMs: 1, millisecondsSince: (second) => 1_795_435_200_250 - second * 1000 },
  });
  const milliseconds = timestampToDate(clock.now()).getTime() - 1_795_435_200_250;
  assert(milliseconds === 0 || milliseconds === 1, `${milliseconds} ms`);
});

for (const read of [false, true]) {
  test(`a callback that takes its time${read ? " and reads the clock" : ""} leaves it right`, () => {
    const machine = new SimulatedMachine();
    const inner: number[] = [];
    const clock: SystemClock = clockOn(machine, {
      onStep: () => {
        machine.wait(2750);
        if (read) inner.push(errorOf(clock, machine));
      },
    });
    machine.step(60_000);
    machine.wait(2);
    assertAlmostEquals(errorOf(clock, machine), 0, 0.001);
    if (read) assertAlmostEquals(inner[0]!, 0, 0.001);
  });
}

test("the last moment of a second is not taken for the first", () => {
  let milliseconds = 0; // of both clocks, the wall clock being exact
  const clock = new SystemClock({
    monotonicMs: () => milliseconds,
    wall: {
      resolutionMs: 0,
      millisecondsSince: (second) => (1_795_435_200 - second) * 1000 + milliseconds,
    },
  });
  const before = clock.now();
  milliseconds = 999.9999999999999;
  assertEquals(clock.now(), before + 0xffffffffn);
  milliseconds = 1000;
  assertEquals(clock.now(), before + 0x100000000n);
});

test("a small correction backwards holds the clock until the time has caught up", () => {
  const machine = new SimulatedMachine();
  const clock = clockOn(machine);
  const dense = { readings: 2000, waitMs: () => 0.001 };
  worstOf(clock, machine, dense);
  machine.step(-0.05);
  worstOf(clock, machine, dense);
  assertAlmostEquals(errorOf(clock, machine), 0, 0.002);
  assertEquals(clock.steps, 0);
});

test("the seconds word wraps in 2036", () => {
  const machine = new SimulatedMachine({ unixSeconds: 2085978494 });
  const clock = clockOn(machine);
  const before = clock.now();
  assertEquals(before >> 32n, 0xfffffffen);
  assert(worstOf(clock, machine, { readings: 1000, waitMs: () => 5 }) < 0.001);
  const after = clock.now();
  assertEquals(after >> 32n, 3n);
  assertAlmostEquals(timestampDifference(after, before), 5, 0.01);
  assertEquals(clock.state().referenceTimestamp, 3n << 32n);
});

test("the clock goes on past 2104, where the default pivot ends", () => {
  const machine = new SimulatedMachine({ unixSeconds: 4233462143 });
  const expired: LeapSeconds[] = [];
  const clock = clockOn(machine, { onLeapSecondsExpired: (table) => expired.push(table) });
  assert(worstOf(clock, machine, { readings: 1000, waitMs: () => 5 }) < 0.001);
  assertEquals(clock.now() >> 32n, BigInt((4233462143 + 2208988800 + 5) % 2 ** 32));
  assertEquals(clock.leapSecondsExpired, true);
  assertEquals(clock.state().leapIndicator, 0);
  assertEquals(expired, [LeapSeconds.builtIn]);
});

test("the state is that of a synchronised clock by default", () => {
  const machine = new SimulatedMachine();
  const clock = clockOn(machine);
  machine.wait(1500);
  assertEquals(clock.state(), {
    synchronized: true,
    leapIndicator: 0,
    referenceTimestamp: timestampFromDate(new Date("2026-11-23T12:00:01Z")),
    rootDelay: 0,
    rootDispersion: 0.001,
  });
});

test("the state is what the options say", () => {
  const machine = new SimulatedMachine();
  const options = { synchronized: false, rootDelay: 0.25, rootDispersion: 2 };
  const { synchronized, leapIndicator, rootDelay, rootDispersion } = clockOn(machine, options)
    .state();
  assertEquals({ synchronized, rootDelay, rootDispersion }, options);
  assertEquals(leapIndicator, 3);
});

test("the leap indicator comes from the table", () => {
  const unixSeconds = Date.parse("2016-12-31T23:59:59Z") / 1000;
  for (const [leapSeconds, expected] of [[LeapSeconds.builtIn, 1], [null, 0]] as const) {
    const machine = new SimulatedMachine({ unixSeconds });
    const clock = clockOn(machine, { leapSeconds });
    assertEquals(clock.state().leapIndicator, expected);
    machine.wait(1000);
    assertEquals(clock.state().leapIndicator, 0);
  }
});

test("the expiry of the table is reported once, by the state", () => {
  const unixSeconds = Date.parse("2027-06-27T23:59:59Z") / 1000;
  const machine = new SimulatedMachine({ unixSeconds });
  let reported = 0;
  const clock = clockOn(machine, { onLeapSecondsExpired: () => reported++ });
  clock.state();
  assertEquals([reported, clock.leapSecondsExpired], [0, false]);
  machine.wait(1000);
  clock.state();
  clock.state();
  assertEquals([reported, clock.leapSecondsExpired], [1, true]);
  assertEquals(clockOn(machine, { leapSeconds: null }).leapSecondsExpired, false);
});

test("the precision is what a reading takes", () => {
  const machine = new SimulatedMachine({ readingMs: 0.0008 });
  assertEquals(clockOn(machine).precision, -20); // 0.8 µs, rounded up to 2^-20 s = 0.95 µs
});

test("wrong options are refused", () => {
  const wrong: [SystemClockOptions, typeof TypeError | typeof RangeError, string][] = [
    [{ rootDelay: -1 }, RangeError, "rootDelay must be a number from 0 to 65535, not -1"],
    [{ rootDispersion: NaN }, RangeError, "rootDispersion"],
    [{ maxSlew: 1 }, RangeError, "maxSlew must be from 0 to below 1 s/s, not 1"],
    [{ synchronized: "yes" as unknown as boolean }, TypeError, "synchronized"],
    [{ onStep: 1 as unknown as () => void }, TypeError, "onStep must be a function, not 1"],
    [{ monotonicMs: 1 as unknown as () => number }, TypeError, "monotonicMs"],
    [{ leapSeconds: "table" as unknown as null }, TypeError, "leapSeconds"],
    [{ onLeapSecondsExpired: 1 as unknown as () => void }, TypeError, "onLeapSecondsExpired"],
    [
      { wall: {} as SystemClockOptions["wall"] },
      TypeError,
      "wall must have a method millisecondsSince",
    ],
  ];
  for (const [options, errorClass, message] of wrong) {
    assertThrows(() => new SystemClock(options), errorClass, message);
  }
});

test("on this runtime the clock agrees with Date.now and does not go back", () => {
  const clock = new SystemClock();
  let last = clock.now();
  for (let i = 0; i < 20_000; i++) {
    const before = Date.now();
    const now = clock.now();
    const after = Date.now();
    const milliseconds = timestampToDate(now).getTime();
    // One millisecond each way: the two may round to different sides of one.
    assert(milliseconds >= before - 1 && milliseconds <= after + 1, `${milliseconds} ms`);
    assert(timestampDifference(now, last) >= 0);
    last = now;
  }
  assertEquals(clock.steps, 0);
  assert(clock.precision <= -10 && clock.precision >= -32, `precision ${clock.precision}`);
});
