import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { DelayWindow } from "../../src/sync/delay_window.ts";
import { predict } from "../../src/sync/estimate.ts";
import { FilterBank } from "../../src/sync/filter_bank.ts";
import { RandomStream } from "../../src/testing/random_stream.ts";

interface World {
  bank: FilterBank;
  /** Errors of the estimates, in their own standard deviations, and in seconds. */
  relative: number[];
  errors: number[];
}

/** Follows a clock of an offset, a frequency and a wander through noise. */
function follow(
  name: string,
  { samples = 500, interval = 64, wander = 1e-9, frequency = 2e-5 },
  noise: (random: RandomStream) => { outward: number; back: number },
): World {
  const random = new RandomStream(name), delays = new DelayWindow(), bank = new FilterBank();
  const relative: number[] = [], errors: number[] = [];
  let offset = 0.3;
  for (let i = 0; i < samples; i++) {
    for (let s = 0; s < interval; s++) offset += frequency += wander * random.normal();
    const { outward, back } = noise(random);
    const seen = offset + (outward - back) / 2;
    const estimate = bank.add((i + 1) * interval, seen, delays.add(outward + back), 1e-14);
    if (i < 50) continue;
    errors.push(estimate.offset - offset);
    relative.push((estimate.offset - offset) / Math.sqrt(estimate.offsetVariance));
  }
  return { bank, relative, errors };
}

const rms = (values: number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

test("filter bank: the first sample is the estimate", () => {
  const bank = new FilterBank();
  assertEquals(bank.estimate, undefined);
  const estimate = bank.add(10, 0.25, new DelayWindow().add(0.01), 1e-14);
  assertEquals([estimate.time, estimate.offset, estimate.frequency], [10, 0.25, 0]);
  assert(estimate.offsetVariance > 0);
});

test("filter bank: a frequency known beforehand is used", () => {
  const bank = new FilterBank({ value: 3e-5, variance: 1e-12 }), delays = new DelayWindow();
  bank.add(0, 0, delays.add(0.01), 1e-14);
  assertAlmostEquals(predict(bank.estimate!, 100, 0).offset, 3e-3, 1e-9);
});

test("filter bank: queues both ways, four times better than a sample", () => {
  const { errors, relative, bank } = follow("queues", {}, (random) => ({
    outward: 0.02 + 0.001 * random.exponential(),
    back: 0.02 + 0.001 * random.exponential(),
  }));
  const sample = 0.001 / Math.SQRT2;
  assert(rms(errors) < sample / 4, `${rms(errors)}`);
  // Its own idea of its error is right within a factor of two.
  assert(rms(relative) > 0.5 && rms(relative) < 2, `${rms(relative)}`);
  assert(bank.wander > 1e-10 && bank.wander < 1e-8, `${bank.wander}`);
});

test("filter bank: where the delay tells nothing, it does not mislead", () => {
  const { errors, relative } = follow("normal", {}, (random) => ({
    outward: 0.02 + 0.001 * random.normal(),
    back: 0.02 + 0.001 * random.normal(),
  }));
  assert(rms(errors) < 0.001 / Math.SQRT2 / 3, `${rms(errors)}`);
  assert(rms(relative) > 0.5 && rms(relative) < 2, `${rms(relative)}`);
});

for (const side of ["outward", "back"] as const) {
  test(`filter bank: a queue on one side only (${side}) is recognised`, () => {
    const { errors } = follow(`one side ${side}`, {}, (random) => ({
      outward: 0.02,
      back: 0.02,
      [side]: 0.02 + 0.005 * random.exponential(),
    }));
    // Half of the mean queue is what an average of all samples is off by.
    assert(rms(errors) < 0.0025 / 20, `${rms(errors)}`);
  });
}

test("filter bank: the wander of the clock is found out", () => {
  const near = (random: RandomStream) => ({
    outward: 1e-4 + 1e-4 * random.exponential(),
    back: 1e-4 + 1e-4 * random.exponential(),
  });
  const good = follow("good clock", { wander: 1e-11 }, near);
  const bad = follow("bad clock", { wander: 1e-7 }, near);
  assert(good.bank.wander < 1e-9, `${good.bank.wander}`);
  assert(bad.bank.wander > 2e-8, `${bad.bank.wander}`);
  assert(rms(good.errors) < 1.5e-5, `${rms(good.errors)}`);
});

test("filter bank: a shift moves the estimate and nothing else", () => {
  const { bank } = follow("shift", { samples: 60 }, () => ({ outward: 0.01, back: 0.01 }));
  const before = bank.estimate!;
  bank.shift(-1);
  assertAlmostEquals(bank.estimate!.offset, before.offset - 1, 1e-12);
  assertEquals(bank.estimate!.frequency, before.frequency);
  const next = bank.add(
    before.time + 64,
    before.offset - 1 + before.frequency * 64,
    new DelayWindow().add(0.02),
    1e-14,
  );
  assertAlmostEquals(next.offset, before.offset - 1 + before.frequency * 64, 1e-6);
});

test("filter bank: variances stay finite and above zero in a million samples' time", () => {
  const bank = new FilterBank(), delays = new DelayWindow();
  let time = 0;
  for (let i = 0; i < 3000; i++) {
    time += i % 100 === 99 ? 1e6 : i % 7 === 0 ? 1e-3 : 1024;
    const estimate = bank.add(time, (i % 5) * 1e-9, delays.add(1e-4), 1e-14);
    assert(estimate.offsetVariance > 0 && estimate.offsetVariance < 1e9);
    assert(estimate.frequencyVariance >= 0 && Number.isFinite(estimate.frequency));
  }
});

test("prediction: variance grows with age, frequency and wander", () => {
  const estimate = {
    time: 0,
    offset: 1,
    frequency: 1e-6,
    offsetVariance: 1e-8,
    frequencyVariance: 1e-14,
    covariance: 0,
  };
  const later = predict(estimate, 1000, 1e-9);
  assertAlmostEquals(later.offset, 1.001, 1e-12);
  assertAlmostEquals(later.offsetVariance, 1e-8 + 1e-8 + 1e-18 * 1e9 / 3, 1e-15);
  assertAlmostEquals(later.frequencyVariance, 1e-14 + 1e-15, 1e-20);
});
