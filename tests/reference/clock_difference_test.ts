import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { clockDifference } from "../../src/reference/clock_difference.ts";

const MICROSECOND = 2n ** 32n / 1_000_000n, SECOND = 2n ** 32n;

/** Two clocks that are so far apart, on a machine whose calls take so long, one after the other. */
function clocks(ahead: bigint, took: readonly bigint[]) {
  let time = 0n, calls = 0;
  const read = () => {
    time += took[calls++] ?? 0n;
    return time;
  };
  return {
    clock: { now: () => BigInt.asUintN(64, read() + ahead) },
    other: { now: () => BigInt.asUintN(64, read()) },
    calls: () => calls,
  };
}

test("clock difference: that at one moment, when reading is quick", () => {
  const { clock, other, calls } = clocks(7n * SECOND, [0n, MICROSECOND, MICROSECOND]);
  assertEquals(clockDifference(clock, other), 7n * SECOND);
  assertEquals(calls(), 3);
});

test("clock difference: the quickest of some tries counts", () => {
  // Something else has the processor between the first readings, and a little between the last.
  const slow = [0n, 90n, 500n].map((one) => one * MICROSECOND);
  const better = [0n, 3n, 3n].map((one) => one * MICROSECOND);
  const worse = [0n, 2n, 80n].map((one) => one * MICROSECOND);
  const { clock, other, calls } = clocks(-SECOND, [...slow, ...better, ...worse, ...slow]);
  assertEquals(clockDifference(clock, other), BigInt.asUintN(64, -SECOND));
  assertEquals(calls(), 12);
});

test("clock difference: a clock that is set back while it is read still gives an answer", () => {
  const { clock, other } = clocks(SECOND, [0n, 0n, -3n * SECOND]);
  assertEquals(clockDifference(clock, other), SECOND);
});
