import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Oscillator, type OscillatorOptions } from "../../src/testing/oscillator.ts";
import { RandomStream } from "../../src/testing/random_stream.ts";

function after(seconds: number, options: OscillatorOptions, seed = 1): Oscillator {
  const oscillator = new Oscillator(options, new RandomStream(seed));
  oscillator.advanceTo(seconds);
  return oscillator;
}

test("oscillator: without options it is right for ever", () => {
  const oscillator = after(1e6, {});
  assertEquals([oscillator.offset, oscillator.frequencyError], [0, 0]);
});

test("oscillator: offset, frequency, drift and sinusoid are what they say", () => {
  assertAlmostEquals(after(1000.5, { offset: 0.1, frequency: 5e-5 }).offset, 0.150025, 1e-13);
  // In second k the drift is constant at d·k: T seconds make d·T(T − 1)/2.
  assertAlmostEquals(after(1000, { drift: 1e-9 }).offset, 1e-9 * 999 * 1000 / 2, 1e-13);
  const sinusoid = { amplitude: 1e-6, period: 7200 };
  assertAlmostEquals(after(1800, { sinusoid }).frequencyError, 1e-6, 1e-15);
  assertAlmostEquals(after(5400, { sinusoid }).frequencyError, -1e-6, 1e-15);
  // Its integral over half a period: amplitude·period/π.
  assertAlmostEquals(after(3600, { sinusoid }).offset, 1e-6 * 7200 / Math.PI, 1e-9);
  assertAlmostEquals(after(7200, { sinusoid }).offset, 0, 1e-12);
});

test("oscillator: the walk of the frequency has the sigma w·√T", () => {
  const seeds = 2000, seconds = 400, wander = 1e-9;
  let squares = 0;
  for (let seed = 0; seed < seeds; seed++) {
    squares += after(seconds - 1, { wander }, seed).frequencyError ** 2;
  }
  const sigma = Math.sqrt(squares / seeds);
  // The standard error of sigma is sigma/√4000, 1.6 %.
  assertAlmostEquals(sigma / (wander * Math.sqrt(seconds)), 1, 0.05);
});

test("oscillator: the walk has the Allan deviation w·√(τ/3)", () => {
  const wander = 1e-9, seconds = 400_000;
  const oscillator = new Oscillator({ wander }, new RandomStream(5));
  const phases = new Float64Array(seconds);
  for (let second = 0; second < seconds; second++) {
    oscillator.advanceTo(second);
    phases[second] = oscillator.offset;
  }
  for (const [tau, tolerance] of [[1, 0.01], [10, 0.02], [100, 0.05], [1000, 0.15]] as const) {
    let squares = 0, count = 0;
    for (let i = 0; i + 2 * tau < seconds; i++, count++) {
      squares += ((phases[i + 2 * tau]! - 2 * phases[i + tau]! + phases[i]!) / tau) ** 2;
    }
    const deviation = Math.sqrt(squares / count / 2);
    // Of frequencies that are constant for a second the closed form is w·√(τ/3 + 1/(6τ)).
    const expected = wander * Math.sqrt(tau / 3 + 1 / (6 * tau));
    assert(Math.abs(deviation / expected - 1) < tolerance, `${tau} s: ${deviation / expected}`);
  }
});

test("oscillator: corrections of frequency and phase act at once and on top", () => {
  const oscillator = after(100, { frequency: 1e-4 });
  oscillator.frequencyCorrection = -1e-4;
  assertAlmostEquals(oscillator.frequencyError, -1e-8, 1e-18); // (1 + 1e-4)·(1 − 1e-4) − 1
  assertAlmostEquals(oscillator.ownFrequencyError, 1e-4, 1e-18);
  oscillator.step(-0.01);
  oscillator.advanceTo(200);
  assertAlmostEquals(oscillator.offset, -1e-6, 1e-15);
});

test("oscillator: it does not matter in which steps time passes", () => {
  const steps = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { maxLength: 30 });
  fc.assert(
    fc.property(steps, fc.integer(), (steps, seed) => {
      const options = { wander: 1e-8, frequency: 1e-5, sinusoid: { amplitude: 1e-6, period: 60 } };
      const oscillator = new Oscillator(options, new RandomStream(seed));
      let time = 0;
      for (const step of steps) oscillator.advanceTo(time += step);
      oscillator.advanceTo(time - 1); // the past is ignored
      const direct = after(time, options, seed);
      assertAlmostEquals(oscillator.offset, direct.offset, 1e-15);
      assertEquals(oscillator.frequencyError, direct.frequencyError);
      assertEquals(oscillator.time, time);
    }),
    { numRuns: 100 },
  );
});

test("oscillator: what is out of range is refused", () => {
  const make = (options: OscillatorOptions) => () => new Oscillator(options, new RandomStream(1));
  assertThrows(make({ wander: -1e-9 }), RangeError, "wander");
  assertThrows(make({ frequency: NaN }), RangeError, "frequency");
  assertThrows(make({ frequency: -1 }), RangeError, "frequency");
  assertThrows(make({ sinusoid: { amplitude: 1, period: 0 } }), RangeError, "period");
  assertThrows(make({ offset: "1" as unknown as number }), TypeError, "offset");
  const oscillator = after(1, {});
  assertThrows(() => oscillator.step(Infinity), RangeError, "Infinity");
  assertThrows(() => oscillator.frequencyCorrection = -2, RangeError, "-2");
});
