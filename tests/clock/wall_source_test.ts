import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { nanosecondSource, systemWallSource } from "../../src/clock/wall_source.ts";

const START = 1795435200_123456789n;

/** Readings 777 ns apart, cut to multiples of `step` and passed through a float64 of ms or not. */
function readings(step: bigint, float: boolean): () => bigint {
  let time = START;
  return () => {
    time += 777n;
    const cut = time - time % step;
    return float ? BigInt(Math.floor(Number(cut) / 1e6 * 4096)) * 1_000_000n / 4096n : cut;
  };
}

test("the resolution is found by looking", () => {
  assertEquals(nanosecondSource(readings(1n, false)).resolutionMs, 0);
  assertEquals(nanosecondSource(readings(100n, false)).resolutionMs, 0);
  assertEquals(nanosecondSource(readings(1000n, false)).resolutionMs, 0.001);
  assertEquals(nanosecondSource(readings(1000n, true)).resolutionMs, 0.001);
  assertEquals(nanosecondSource(readings(100_000n, false)).resolutionMs, 0.1);
  assertEquals(nanosecondSource(readings(1_000_000n, false)).resolutionMs, 1);
});

test("nanoseconds survive, relative to a second nearby", () => {
  const source = nanosecondSource(() => START);
  assertAlmostEquals(source.millisecondsSince(1795435200), 123.456789, 1e-9);
  assertAlmostEquals(source.millisecondsSince(1795435201), 123.456789 - 1000, 1e-9);
  assertAlmostEquals(source.millisecondsSince(1795435200), 123.456789, 1e-9);
});

test("the wall clock of this runtime agrees with Date.now", () => {
  const source = systemWallSource();
  assert(source.resolutionMs <= 1);
  const before = Date.now();
  const reading = source.millisecondsSince(0);
  const after = Date.now();
  assert(reading >= before - 1 && reading <= after + 1);
});

test("a polyfill of Temporal is not trusted", () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "Temporal");
  const value = { Now: { instant: () => ({ epochNanoseconds: START }) } };
  Object.defineProperty(globalThis, "Temporal", { value, configurable: true });
  try {
    const source = systemWallSource();
    assertEquals(source.resolutionMs, 1);
    assert(Math.abs(source.millisecondsSince(0) - Date.now()) < 60_000);
  } finally {
    if (before) Object.defineProperty(globalThis, "Temporal", before);
    else delete (globalThis as { Temporal?: unknown }).Temporal;
  }
});
