import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { formatColumn, formatSeconds } from "../../src/cli/quantity.ts";

test("a duration has the unit that suits it", () => {
  const cases: [seconds: number, text: string][] = [
    [0, "0 s"],
    [64, "64 s"],
    [1.5, "1.500 s"],
    [12345.678, "12345.678 s"],
    [2 ** 31, "2.147e+9 s"],
    [0.015625, "15.63 ms"],
    [-0.25, "-250 ms"],
    [2 ** -20, "953.7 ns"],
    [2 ** -16, "15.26 µs"],
    [2 ** -32, "0.2328 ns"],
  ];
  for (const [seconds, text] of cases) assertEquals(formatSeconds(seconds), text);
});

test("durations below each other have one unit and microseconds", () => {
  assertEquals(formatColumn([0.000123, -0.5]), ["0.123 ms", "-500.000 ms"]);
  assertEquals(formatColumn([0.000123, -1]), ["0.000123 s", "-1.000000 s"]);
  assertEquals(formatColumn([]), []);
});

test("signed: also where there is no minus", () => {
  assertEquals(formatColumn([0.001, -0.001, 0], { signed: true }), [
    "+1.000 ms",
    "-1.000 ms",
    "+0.000 ms",
  ]);
});
