import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { checkDiscipline, Discipline } from "../../src/sync/discipline.ts";

const estimate = (offset: number, frequency = 0, deviation = 1e-5) => ({
  time: 0,
  offset,
  frequency,
  offsetVariance: deviation ** 2,
  frequencyVariance: 1e-16,
  covariance: 0,
});

const make = (options = {}) => new Discipline(checkDiscipline(options));

test("discipline: nothing is corrected before the first estimate, which is a step", () => {
  const discipline = make();
  assertEquals([discipline.started, discipline.correctionAt(10)], [false, 0]);
  assertEquals(discipline.follow(10, estimate(100, 1e-5), 2), "started");
  assertEquals(discipline.correctionAt(10), 100);
  assertAlmostEquals(discipline.correctionAt(110), 100.001, 1e-9);
});

test("discipline: later offsets are slewed, over a few intervals if they may be noise", () => {
  const discipline = make();
  discipline.follow(0, estimate(0), 64);
  assertEquals(discipline.follow(100, estimate(1e-5), 64), "slewing");
  assertEquals(discipline.correctionAt(100), 0);
  assertAlmostEquals(discipline.correctionAt(100 + 64), 1e-5 / 3.5, 1e-9);
  assertAlmostEquals(discipline.correctionAt(100 + 224), 1e-5, 1e-12);
  assertAlmostEquals(discipline.correctionAt(1000), 1e-5, 1e-12);
  assertEquals(discipline.remainingAt(1000), 0);
});

test("discipline: an offset that is no noise is made good sooner", () => {
  const discipline = make();
  discipline.follow(0, estimate(0), 64);
  discipline.follow(100, estimate(4e-3), 64); // a hundred times four standard deviations
  assertAlmostEquals(discipline.correctionAt(100 + 2.24), 4e-3, 1e-9);
});

test("discipline: no faster than permitted", () => {
  const discipline = make({ maxSlewRate: 0.01 });
  discipline.follow(0, estimate(0), 64);
  discipline.follow(100, estimate(-0.5), 64);
  assertAlmostEquals(discipline.rateAt(101), -0.01, 1e-12);
  assertAlmostEquals(discipline.correctionAt(110), -0.1, 1e-9);
  assertAlmostEquals(discipline.remainingAt(110), -0.4, 1e-9);
});

test("discipline: steps from the threshold on, if there is one", () => {
  const discipline = make({ stepThreshold: 0.128 });
  discipline.follow(0, estimate(0), 64);
  assertEquals(discipline.follow(10, estimate(0.1), 64), "slewing");
  assertEquals(discipline.follow(20, estimate(-1), 64), "stepped");
  assertEquals(discipline.correctionAt(20), -1);
});

test("discipline: after a disturbance it may step once", () => {
  const discipline = make();
  discipline.follow(0, estimate(0), 64);
  assertEquals(discipline.follow(10, estimate(3600), 64, true), "stepped");
  assertEquals(discipline.correctionAt(10), 3600);
});

test("discipline: a frequency beyond all reason is cut", () => {
  const discipline = make();
  discipline.follow(0, estimate(0, 0.5), 64);
  assertAlmostEquals(discipline.rateAt(1), 1e-3, 1e-12);
});

test("discipline: a step of both clocks leaves a slew alone", () => {
  const discipline = make();
  discipline.follow(0, estimate(0), 64);
  discipline.follow(10, estimate(1e-5), 64);
  const rate = discipline.rateAt(20);
  const before = discipline.correctionAt(20);
  discipline.step(20, -1);
  assertAlmostEquals(discipline.correctionAt(20), before - 1, 1e-12);
  assertEquals(discipline.rateAt(20), rate);
  assertAlmostEquals(discipline.correctionAt(1000), 1e-5 - 1, 1e-9);
});

test("discipline: bad options are told apart", () => {
  assertThrows(() => checkDiscipline({ maxSlewRate: 0.6 }), RangeError, "0.6");
  assertThrows(() => checkDiscipline({ panicThreshold: 0 }), RangeError, "panicThreshold");
  assertThrows(() => checkDiscipline({ stepThreshold: "1" as never }), TypeError, "stepThreshold");
  assertThrows(() => checkDiscipline({ maxSlewRate: NaN }), RangeError, "NaN");
});

test("discipline: once started, the corrected clock never runs backwards, whatever it is told", () => {
  const update = fc.record({
    after: fc.double({ min: 0, max: 2000, noNaN: true }),
    offset: fc.double({ min: -900, max: 900, noNaN: true }),
    frequency: fc.double({ min: -1, max: 1, noNaN: true }),
    deviation: fc.double({ min: 0, max: 1, noNaN: true }),
    interval: fc.constantFrom(2, 64, 1024),
  });
  fc.assert(
    fc.property(fc.array(update, { minLength: 2, maxLength: 30 }), (updates) => {
      const discipline = make();
      let time = 0, last = -Infinity;
      for (const { after, offset, frequency, deviation, interval } of updates) {
        for (const part of [0.1, 0.5, 1]) {
          const at = time + after * part, shown = at + discipline.correctionAt(at);
          if (discipline.started) assert(shown >= last - 1e-9, `${shown} after ${last}`);
          last = discipline.started ? shown : -Infinity;
        }
        time += after;
        discipline.follow(time, estimate(offset, frequency, deviation), interval);
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});
