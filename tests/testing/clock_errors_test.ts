import { test } from "node:test";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ClockErrors } from "../../src/testing/clock_errors.ts";

function record(...times: number[]): ClockErrors {
  const errors = new ClockErrors({ capacity: 2 }); // so that it has to grow
  times.forEach((time, at) => errors.add(at, time, time / 10));
  return errors;
}

test("clock errors: statistics are what their names say", () => {
  const statistics = record(0.3, -0.4, 0.1, 0, 0.2).statistics();
  assertEquals(statistics.count, 5);
  assertAlmostEquals(statistics.rmsTime, Math.sqrt(0.06), 1e-15);
  assertAlmostEquals(statistics.meanTime, 0.04, 1e-15);
  assertEquals([statistics.maxTime, statistics.medianTime, statistics.p99Time], [0.4, 0.2, 0.4]);
  assertAlmostEquals(statistics.rmsFrequency, Math.sqrt(0.0006), 1e-15);
  assertAlmostEquals(statistics.maxFrequency, 0.04, 1e-15);
});

test("clock errors: a span leaves out what is before and after", () => {
  const errors = record(9, 1, 2, 3, 9);
  assertEquals(errors.statistics({ from: 1, until: 3 }).maxTime, 3);
  assertEquals(errors.statistics({ from: 1, until: 3 }).count, 3);
  assertThrows(() => errors.statistics({ from: 5 }), RangeError, "from 5");
});

test("clock errors: a clock has converged after the last error above the threshold", () => {
  assertEquals(record(1, 0, 0.002, 0, 0).statistics().converged, 2);
  assertEquals(record(1, 0, 0.002, 0, 0).statistics({ threshold: 0.01 }).converged, 0);
  assertEquals(record(0, 0).statistics().converged, -Infinity);
  assertEquals(record(0, 1).statistics().converged, Infinity);
  assertEquals(record(0, NaN).statistics().converged, Infinity);
});

test("clock errors: all can be had in order", () => {
  const errors = record(0.5, -1);
  assertEquals([...errors], [
    { at: 0, time: 0.5, frequency: 0.05 },
    { at: 1, time: -1, frequency: -0.1 },
  ]);
  assertEquals(errors.count, 2);
});
