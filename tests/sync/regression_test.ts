import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { regress, type WeightedPoint } from "../../src/sync/regression.ts";
import { RandomStream } from "../../src/testing/random_stream.ts";

function line(count: number, offsetAt: (i: number) => number): WeightedPoint[] {
  return Array.from({ length: count }, (_, i) => ({
    time: 1000 + 64 * i,
    offset: offsetAt(i),
    excess: 0,
  }));
}

test("regression: nothing of no samples", () => {
  assertEquals(regress([]), undefined);
});

test("regression: one sample has an offset, and no frequency", () => {
  const found = regress(line(1, () => 0.5))!;
  assertEquals([found.samples, found.span, found.offset, found.frequency], [1, 0, 0.5, 0]);
  assertEquals(found.skew, Infinity);
});

test("regression: a straight line is found exactly", () => {
  const found = regress(line(10, (i) => 0.1 + 64 * i * 2e-6))!;
  assertAlmostEquals(found.frequency, 2e-6, 1e-15);
  assertAlmostEquals(found.offset, 0.1 + 64 * 9 * 2e-6, 1e-12);
  assertEquals(found.span, 64 * 9);
});

test("regression: known figures of ordinary least squares", () => {
  // y = 0, 1, 1, 2 at x = 0, 64, 128, 192: slope 0.6 / 64, residual squares 0.2, two degrees of freedom.
  const found = regress(line(4, (i) => [0, 1, 1, 2][i]!))!;
  assertAlmostEquals(found.frequency, 0.6 / 64, 1e-12);
  assertAlmostEquals(found.standardDeviation, Math.sqrt(0.1), 1e-12);
  assertAlmostEquals(found.skew, 4.303 * Math.sqrt(0.1 / 5) / 64, 1e-12);
});

test("regression: skew holds the true frequency in 95 of 100 cases", () => {
  const random = new RandomStream("skew");
  let inside = 0;
  for (let round = 0; round < 400; round++) {
    const points = line(20, (i) => 64 * i * 1e-6 + 1e-4 * random.normal());
    const { frequency, skew, samples } = regress(points)!;
    if (Math.abs(frequency - 1e-6) <= skew) inside++;
    assert(samples >= 4);
  }
  assert(inside > 400 * 0.9 && inside < 400 * 0.99, `${inside}`);
});

test("regression: samples from before a bend are dropped", () => {
  const random = new RandomStream("bend");
  const points = line(40, (i) => (i < 20 ? 0 : (i - 20) * 64 * 1e-5) + 1e-5 * random.normal());
  const found = regress(points)!;
  assert(found.samples <= 24, `${found.samples}`);
  assertAlmostEquals(found.frequency, 1e-5, 1e-6);
});

test("regression: a long delay weighs little", () => {
  const points = line(20, () => 0);
  points[10] = { ...points[10]!, offset: 1, excess: 2 };
  const found = regress(points)!;
  assert(Math.abs(found.offset) < 0.001, `${found.offset}`);
});
