import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { filterReadings } from "../../src/reference/reading_filter.ts";

test("reading filter: one reading is itself", () => {
  assertEquals(filterReadings([{ time: 3, offset: 0.5 }]), { time: 3, offset: 0.5, deviation: 0 });
});

test("reading filter: outliers on either side do not count", () => {
  const readings = Array.from({ length: 10 }, (_, i) => ({ time: i, offset: 0.001 * (i % 2) }));
  readings[3] = { time: 3, offset: 9 };
  readings[7] = { time: 7, offset: -9 };
  const { offset, deviation, time } = filterReadings(readings);
  assertAlmostEquals(offset, 0.0005, 3e-4);
  assert(deviation < 0.001 && time > 2 && time < 7);
});

test("reading filter: the order of readings does not matter", () => {
  const readings = [5, 1, 4, 2, 3].map((offset, time) => ({ time, offset }));
  assertEquals(filterReadings(readings).offset, 3);
  assertAlmostEquals(filterReadings([...readings].reverse()).offset, 3, 1e-12);
});

test("reading filter: the deviation is that of what is kept, as of a sample", () => {
  const readings = [1, 2, 3, 4, 5].map((offset, time) => ({ time, offset }));
  // 2, 3 and 4 are kept.
  assertEquals(filterReadings(readings), { time: 2, offset: 3, deviation: 1 });
  const pair = [{ time: 0, offset: 1 }, { time: 1, offset: 2 }];
  assertEquals(filterReadings(pair).deviation, 0);
});
