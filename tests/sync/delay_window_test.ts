import { test } from "node:test";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { DelayWindow } from "../../src/sync/delay_window.ts";

test("delay window: the excess is over the shortest delay of late", () => {
  const delays = new DelayWindow();
  delays.add(0.010);
  delays.add(0.014);
  const quality = delays.add(0.012);
  assertAlmostEquals(quality.excess, 0.002, 1e-12);
  assertAlmostEquals(quality.spread, 0.002, 1e-12);
  assertEquals(delays.minimum, 0.010);
  assertEquals(delays.count, 3);
});

test("delay window: a single delay may be all queue", () => {
  const quality = new DelayWindow().add(0.010);
  assertEquals(quality.excess, 0);
  assertEquals(quality.unseen, 0.005);
});

test("delay window: a quarter of the variance of the delays, once they are many", () => {
  const delays = new DelayWindow();
  let quality = delays.add(0.010);
  for (let i = 0; i < 99; i++) quality = delays.add(i % 2 === 0 ? 0.012 : 0.010);
  // Variance of two values 2 ms apart: 1 ms², by 100 / 99; and what one delay in a hundred may hide.
  assertAlmostEquals(quality.variance, 1e-6 / 4 * (100 / 99) + (0.012 / 400) ** 2, 1e-9);
});

test("delay window: the shortest delay is forgotten with time", () => {
  const delays = new DelayWindow();
  delays.add(0.001);
  for (let i = 0; i < 127; i++) delays.add(i % 2 === 0 ? 0.002 : 0.0005 + 0.001);
  assertEquals(delays.minimum, 0.001);
  delays.add(0.002);
  assertEquals(delays.minimum, 0.0015);
});

test("delay window: twelve long delays in a row are a new path", () => {
  const delays = new DelayWindow();
  for (let i = 0; i < 31; i++) delays.add(0.010 + (i % 3) * 0.0001);
  for (let i = 0; i < 11; i++) delays.add(0.030 + (i % 3) * 0.0001);
  assertAlmostEquals(delays.minimum, 0.010, 1e-12);
  const quality = delays.add(0.0305);
  assertAlmostEquals(delays.minimum, 0.030, 1e-12);
  assertAlmostEquals(quality.excess, 0.0005, 1e-12);
  assertEquals(delays.count, 12);
});

test("delay window: cleared, it knows nothing", () => {
  const delays = new DelayWindow();
  delays.add(0.010);
  delays.clear();
  assertEquals(delays.count, 0);
  assertEquals(delays.minimum, 0);
});
