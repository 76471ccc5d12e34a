import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Exchange, Measurement } from "../../src/client/measurement.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import {
  addSeconds,
  timestampDifference,
  timestampFromUnixNanoseconds,
} from "../../src/packet/timestamp.ts";
import { isSmearReferenceId } from "../../src/packet/smear_reference_id.ts";
import { type LeapMode, SyncEngine, type SyncMember } from "../../src/sync/sync_engine.ts";
import { ManualClock, sampleAt, timestampOf } from "./manual_clock.ts";

const at = (date: string): bigint =>
  timestampFromUnixNanoseconds(BigInt(Date.parse(date)) * 1_000_000n);

interface World {
  clock: ManualClock;
  engine: SyncEngine;
  member: SyncMember;
}

function world(options = {}, start = "2026-06-01T00:00:00Z"): World {
  const clock = new ManualClock(start), engine = new SyncEngine({ clock, ...options });
  return { clock, engine, member: engine.add({}, 0xc0000201) };
}

test("sync engine: before the first sample the clock is the raw one, and not synchronised", () => {
  const { clock, engine } = world();
  assertEquals(engine.clock.now(), clock.now());
  assertEquals(engine.clock.state().synchronized, false);
  assertEquals(engine.clock.state().leapIndicator, 3);
  assertEquals(engine.clock.maxError, Infinity);
  assertThrows(() => engine.clock.bounds(), Error, "has not been set");
});

test("sync engine: the first sample sets the clock, and who wants to know is told", () => {
  const { clock, engine, member } = world();
  const steps: number[] = [];
  const end = engine.clock.onStep((seconds) => steps.push(seconds));
  const outcome = engine.take(member, sampleAt(clock, 5), 64);
  assertEquals(outcome, { sample: "used", clock: "started" });
  assertAlmostEquals(timestampDifference(engine.clock.now(), clock.now()), 5, 1e-9);
  assertEquals(steps.length, 1);
  assertAlmostEquals(steps[0]!, 5, 1e-9);
  end();
  const state = engine.clock.state();
  assertEquals([state.synchronized, state.stratum, state.referenceId], [true, 2, 0xc0000201]);
  assertEquals(state.rootDelay, 0.02);
  const { earliest, latest } = engine.clock.bounds();
  const width = timestampDifference(latest, earliest);
  assert(width >= 0.02 && width < 0.05, `${width}`);
});

test("sync engine: the clock was never set in the future, not even by a step back", () => {
  const { clock, engine, member } = world();
  engine.take(member, sampleAt(clock, -5), 64);
  const { referenceTimestamp } = engine.clock.state();
  const age = timestampDifference(engine.clock.now(), referenceTimestamp);
  assert(age >= 0 && age < 1e-6, `${age}`);
  clock.elapsed += 64;
  const later = timestampDifference(engine.clock.now(), engine.clock.state().referenceTimestamp);
  assertAlmostEquals(later, 64, 1e-6);
});

test("sync engine: words and timestamp are the same time", () => {
  const { clock, engine, member } = world();
  engine.take(member, sampleAt(clock, -0.123456789), 64);
  for (const elapsed of [0.25, 1, 17.999999, 1e6]) {
    clock.elapsed = elapsed;
    const words = new Uint32Array(2);
    engine.clock.read(words);
    assertEquals(timestampOf(words), engine.clock.now());
  }
});

test("sync engine: a raw clock that is decades off, and an exchange across the era's wrap", () => {
  const clock = new ManualClock("1970-01-01T00:00:00Z");
  const engine = new SyncEngine({ clock }), member = engine.add({}, 1);
  const packet = new NTPPacket({
    mode: 4,
    stratum: 1,
    precision: -20,
    referenceId: 0x47505300,
    receiveTimestamp: at("2036-02-07T06:28:15.990Z"),
    transmitTimestamp: at("2036-02-07T06:28:16.000Z"),
  });
  const requestTimestamp = clock.now();
  clock.elapsed = 0.03;
  const exchange = {
    packet,
    requestTimestamp,
    destinationTimestamp: clock.now(),
    authentication: "none",
    offset: 0, // the engine works with what the timestamps say
    delay: 0.02,
    dispersion: 1e-6,
    rootDistance: 0.01,
  } as unknown as Exchange & Measurement;
  engine.take(member, engine.sampleOf(exchange), 64);
  const shown = timestampDifference(engine.clock.now(), at("2036-02-07T06:28:16.010Z"));
  assertAlmostEquals(shown, 0, 1e-8);
});

test("sync engine: a reference clock's reading is a sample without delay", () => {
  const { clock, engine, member } = world();
  const sample = engine.sampleOfReading(addSeconds(clock.now(), 0.5), clock.now(), {
    dispersion: 1e-6,
    stratum: 0,
    leapIndicator: 0,
    rootDelay: 0,
    rootDispersion: 0,
    referenceId: 0x50505300,
  });
  engine.take(member, sample, 1);
  assertAlmostEquals(timestampDifference(engine.clock.now(), clock.now()), 0.5, 1e-9);
  assertEquals(engine.clock.state().stratum, 1);
});

test("sync engine: a single liar among those still to answer does not set the clock", () => {
  const { clock, engine, member } = world();
  const others = [engine.add({}, 1), engine.add({}, 2)];
  assertEquals(engine.take(member, sampleAt(clock, 100), 64).clock, undefined);
  assertEquals(engine.take(others[0]!, sampleAt(clock, 0), 64).clock, undefined);
  assertEquals(engine.take(others[1]!, sampleAt(clock, 0.001), 64).clock, "started");
  assertEquals(engine.members.map(({ state }) => state), ["falseticker", "selected", "selected"]);
});

test("sync engine: unreachable, faulty and distant sources are not followed, and it says why", () => {
  const { clock, engine, member } = world({ maxDistance: 0.5 });
  engine.take(member, sampleAt(clock, 0), 64);
  member.reachable = false;
  assertEquals([engine.reselect(), member.state], [undefined, "unreachable"]);
  member.reachable = true;
  member.faulty = true;
  assertEquals([engine.reselect(), member.state], [undefined, "unsynchronized"]);
  engine.take(member, sampleAt(clock, 0, { rootDispersion: 1 }), 64);
  assertEquals(member.state, "too distant");
});

test("sync engine: fewer than minSources are not enough", () => {
  const { clock, engine, member } = world({ minSources: 2 });
  assertEquals(engine.take(member, sampleAt(clock, 0), 64).clock, undefined);
  assertEquals(member.state, "no majority");
  const other = engine.add({}, 1);
  assertEquals(engine.take(other, sampleAt(clock, 0), 64).clock, "started");
});

test("sync engine: with no sources the error grows, until the clock says that it is unsynchronised", () => {
  const { clock, engine, member } = world({ maxDistance: 0.5 });
  for (let i = 0; i < 20; i++) {
    engine.take(member, sampleAt(clock, 0), 64);
    clock.elapsed += 64;
  }
  const before = engine.clock.maxError;
  clock.elapsed += 86400;
  const after = engine.clock.maxError;
  assert(after > before + 0.08, `${before} ${after}`); // 1 ppm of a day at least
  assertEquals(engine.clock.state().synchronized, after <= 0.5);
  clock.elapsed += 30 * 86400;
  assertEquals(engine.clock.state().synchronized, false);
});

test("sync engine: holdover begins when the last source is lost, however seldom that was heard", () => {
  const { clock, engine, member } = world({ maxHoldover: 60 });
  engine.take(member, sampleAt(clock, 0), 1024);
  clock.elapsed += 1024;
  assertEquals(engine.clock.state().synchronized, true);
  member.reachable = false;
  engine.reconsider();
  clock.elapsed += 50;
  engine.reconsider();
  assertEquals(engine.clock.state().synchronized, true);
  clock.elapsed += 11;
  assertEquals(engine.clock.state().synchronized, false);
  engine.take(member, sampleAt(clock, 0), 1024);
  clock.elapsed += 100;
  assertEquals(engine.clock.state().synchronized, true);
});

test("sync engine: samples that contradict the rest are set aside, then believed", () => {
  const { clock, engine, member } = world();
  for (let i = 0; i < 20; i++) {
    engine.take(member, sampleAt(clock, 0), 64);
    clock.elapsed += 64;
  }
  const outcomes = [1, 2, 3].map(() => {
    const { sample } = engine.take(member, sampleAt(clock, 0.5), 64);
    clock.elapsed += 64;
    return sample;
  });
  assertEquals(outcomes, ["aside", "aside", "restarted"]);
  assert(Math.abs(timestampDifference(engine.clock.now(), clock.now()) - 0.5) < 0.01);
});

test("sync engine: in doubt the bounds include what the odd sample says", () => {
  const { clock, engine, member } = world();
  for (let i = 0; i < 20; i++) {
    engine.take(member, sampleAt(clock, 0), 64);
    clock.elapsed += 64;
  }
  assert(engine.clock.maxError < 0.02);
  engine.take(member, sampleAt(clock, 0.5), 64);
  assert(engine.clock.maxError > 0.4, `${engine.clock.maxError}`);
});

test("sync engine: after a disturbance it steps to what the sources say", () => {
  const { clock, engine, member } = world();
  for (let i = 0; i < 10; i++) {
    engine.take(member, sampleAt(clock, 0), 64);
    clock.elapsed += 64;
  }
  engine.disturb(); // the machine slept for an hour, and the raw clock with it
  assertEquals(engine.take(member, sampleAt(clock, 3600), 64).clock, "stepped");
  assertAlmostEquals(timestampDifference(engine.clock.now(), clock.now()), 3600, 1e-6);
});

test("sync engine: a report for people", () => {
  const { clock, engine, member } = world();
  for (let i = 0; i < 10; i++) {
    engine.take(member, sampleAt(clock, 0.001 * (i % 2)), 64);
    clock.elapsed += 64;
  }
  const report = engine.report(member);
  assertEquals([report.state, report.samples, report.stratum], ["selected", 10, 1]);
  assertEquals(report.delay, 0.02);
  assert(Math.abs(report.offset) < 0.002 && report.deviation > 0);
  assert(report.regression!.samples >= 4 && report.regression!.standardDeviation > 0);
  const { state, offset } = engine.report(engine.add({}, 2));
  assertEquals([state, Number.isNaN(offset)], ["no samples", true]);
});

/** Runs through the end of a day at whose end a second is inserted or deleted. */
function throughLeap(
  leap: LeapMode,
  leapIndicator: 1 | 2,
): { shown: (utc: string, leapt: boolean) => number; world: World } {
  const all = world({ leap }, "2016-12-31T10:00:00Z");
  const { clock, engine, member } = all;
  engine.take(member, sampleAt(clock, 0, { leapIndicator }), 64);
  const start = at("2016-12-31T10:00:00Z");
  let last = 0n;
  return {
    world: all,
    /** How far the clock is ahead of UTC, at a moment that is after the leap second or not. */
    shown: (utc, leapt) => {
      clock.elapsed = timestampDifference(at(utc), start) +
        (leapt ? leapIndicator === 1 ? 1 : -1 : 0);
      engine.tick();
      const now = engine.clock.now();
      if (leap !== "step" || leapIndicator === 2) assert(now >= last, "runs backwards");
      last = now;
      return timestampDifference(now, at(utc));
    },
  };
}

test("sync engine: a leap second as a step repeats a second", () => {
  const { shown, world: { engine } } = throughLeap("step", 1);
  assertEquals(engine.clock.state().leapIndicator, 1);
  assertAlmostEquals(shown("2016-12-31T23:59:59.500Z", false), 0, 1e-6);
  // The inserted second, 23:59:60, is told as 23:59:59 once more.
  assertAlmostEquals(shown("2016-12-31T23:59:59.500Z", true), 0, 1e-6);
  assertAlmostEquals(shown("2017-01-01T00:00:00.500Z", true), 0, 1e-6);
  assertEquals(engine.clock.state().leapIndicator, 0);
});

test("sync engine: a deleted second is left out", () => {
  const { shown } = throughLeap("step", 2);
  assertAlmostEquals(shown("2016-12-31T23:59:58.500Z", false), 0, 1e-6);
  assertAlmostEquals(shown("2017-01-01T00:00:00.250Z", true), 0, 1e-6);
});

for (const leapIndicator of [1, 2] as const) {
  test(`sync engine: slewed, a leap second (${leapIndicator}) is made good in 20 s, and the clock never runs backwards`, () => {
    const { shown, world: { engine } } = throughLeap("slew", leapIndicator);
    const sign = leapIndicator === 1 ? 1 : -1;
    assertEquals(engine.clock.state().leapIndicator, leapIndicator);
    assertAlmostEquals(shown("2016-12-31T23:59:58.900Z", false), 0, 1e-6);
    if (leapIndicator === 1) {
      // 23:59:60 begins: the clock goes on to midnight, half of a second ahead of UTC and more.
      assertAlmostEquals(shown("2016-12-31T23:59:59.500Z", true), 1 - 0.5 / 20, 1e-6);
    }
    assertAlmostEquals(
      shown("2017-01-01T00:00:09.000Z", true),
      sign * (leapIndicator === 1 ? 1 - 10 / 20 : 1 - 9 / 20),
      1e-6,
    );
    const { least, most } = { least: engine.clock.bounds(), most: engine.clock.now() };
    assert(least.earliest <= most && most <= least.latest);
    assert(
      least.earliest <= at("2017-01-01T00:00:09.000Z") &&
        at("2017-01-01T00:00:09.000Z") <= least.latest,
    );
    assertAlmostEquals(shown("2017-01-01T00:00:30.000Z", true), 0, 1e-6);
    assertAlmostEquals(shown("2017-01-01T01:00:00.000Z", true), 0, 1e-6);
  });
}

test("sync engine: smeared from noon to noon, and the reference identifier says so", () => {
  const { shown, world: { engine } } = throughLeap({ shape: "linear" }, 1);
  assertEquals(engine.clock.state().leapIndicator, 0);
  assertAlmostEquals(shown("2016-12-31T11:00:00.000Z", false), 0, 1e-6);
  assertEquals(isSmearReferenceId(engine.clock.state().referenceId!), false);
  assertAlmostEquals(shown("2016-12-31T18:00:00.000Z", false), -0.25, 1e-6);
  assertEquals(engine.clock.state().referenceId, 0xfef00000);
  assertAlmostEquals(shown("2017-01-01T00:00:00.000Z", true), 0.5, 1e-4);
  assertAlmostEquals(shown("2017-01-01T06:00:00.000Z", true), 0.25, 1e-4);
  assertAlmostEquals(shown("2017-01-01T12:00:00.000Z", true), 0, 1e-4);
  assertEquals(isSmearReferenceId(engine.clock.state().referenceId!), false);
});

test("sync engine: somebody else's business", () => {
  const { shown } = throughLeap("ignore", 1);
  assertAlmostEquals(shown("2017-01-01T00:00:00.500Z", true), 1, 1e-6);
});

test("sync engine: after a leap second the sources' samples fit at once", () => {
  const { world: { clock, engine, member }, shown } = throughLeap("slew", 1);
  for (let i = 0; i < 12; i++) {
    clock.elapsed += 64;
    engine.take(member, sampleAt(clock, 0, { leapIndicator: 1 }), 64);
  }
  shown("2017-01-01T00:01:00.000Z", true);
  assertEquals(engine.take(member, sampleAt(clock, -1), 64).sample, "used");
  assertAlmostEquals(shown("2017-01-01T00:02:00.000Z", true), 0, 1e-3);
});

test("sync engine: bad options are errors", () => {
  const clock = new ManualClock("2026-01-01T00:00:00Z");
  assertThrows(() => new SyncEngine({ clock: {} as never }), TypeError, "read()");
  assertThrows(() => new SyncEngine({ clock, minSources: 0 }), RangeError, "minSources");
  assertThrows(() => new SyncEngine({ clock, maxDistance: -1 }), RangeError, "maxDistance");
  assertThrows(() => new SyncEngine({ clock, frequency: 1 }), RangeError, "frequency");
  assertThrows(() => new SyncEngine({ clock, leap: "jump" as never }), TypeError, "jump");
  assertThrows(
    () => new SyncEngine({ clock, leap: { shape: "square" as never } }),
    TypeError,
    "square",
  );
});
