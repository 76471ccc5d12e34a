import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { measurePrecision } from "../../src/clock/precision.ts";

/** The precision found for a clock that ticks every `tick` and takes `reading` to read, seconds. */
function precisionOf(
  tick: number,
  reading: number,
  { begin = 0.3, step = (): number => 0 } = {},
): number {
  let elapsed = 0;
  return measurePrecision((into) => {
    elapsed += reading;
    const time = Math.floor((begin + elapsed + step()) / tick) * tick;
    into[0] = Math.floor(time);
    into[1] = (time % 1) * 2 ** 32;
  }, () => elapsed * 1000);
}

test("the time it takes to read a clock finer than that", () => {
  assertEquals(precisionOf(1e-9, 50e-9), -24); // 2^-24 s is 59.6 ns
  assertEquals(precisionOf(1e-9, 70e-9), -23);
  assertEquals(precisionOf(1e-9, 0.002), -8);
});

test("the resolution of a clock that is quicker to read than that", () => {
  assertEquals(precisionOf(0.001, 50e-9), -9);
  assertEquals(precisionOf(1e-6, 50e-9), -19);
});

test("steps backwards do not count", () => {
  let readings = 0;
  const step = () => Math.floor(readings++ / 10) * -0.0001;
  assertEquals(precisionOf(1e-9, 70e-9, { step }), -23);
});

test("one small correction of the clock is not its precision", () => {
  let readings = 0;
  const step = () => readings++ < 50 ? 0 : -60e-9; // one change of 10 ns, then as before
  assertEquals(precisionOf(1e-9, 70e-9, { step }), -23);
});

test("across a whole second", () => {
  assertEquals(precisionOf(1e-9, 70e-9, { begin: 0.999999 }), -23);
});

test("a clock that tells whole seconds", () => {
  assertEquals(precisionOf(1, 50e-9), 0);
});

test("a clock that stands still is only known as long as it was watched", () => {
  let elapsed = 0;
  const precision = measurePrecision((into) => {
    into.set([1, 2]);
    elapsed += 0.001;
  }, () => elapsed);
  assertEquals(precision, -7); // a little over 5 ms
});

test("a slow clock is not read for long", () => {
  let readings = 0;
  measurePrecision((into) => {
    into[0] = readings++;
    into[1] = 0;
  }, () => readings * 1000);
  assertEquals(readings, 17);
});
