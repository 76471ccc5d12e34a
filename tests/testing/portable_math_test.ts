import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { ln, sineOfTurns } from "../../src/testing/portable_math.ts";
import { RandomStream } from "../../src/testing/random_stream.ts";

test("portable math: the logarithm is the engine's, within 3 units in the last place", () => {
  const random = new RandomStream(1);
  for (let i = 0; i < 20_000; i++) {
    const x = (random.uniform() + 2 ** -53) * 2 ** (random.integer(80) - 60);
    const expected = Math.log(x);
    assert(Math.abs(ln(x) - expected) <= 3 * 2 ** -53 * Math.max(Math.abs(expected), 0.35), `${x}`);
  }
  assertEquals(ln(1), 0);
  assertEquals(ln(2), Math.LN2);
  assert(ln(Number.MIN_VALUE) < -744);
});

test("portable math: the sine is the engine's, and exact at the quarters", () => {
  const random = new RandomStream(2);
  for (let i = 0; i < 20_000; i++) {
    const turns = random.uniform() - 0.5;
    assert(Math.abs(sineOfTurns(turns) - Math.sin(2 * Math.PI * turns)) < 4e-16, `${turns}`);
  }
  for (const [turns, sine] of [[0, 0], [0.25, 1], [0.5, 0], [0.75, -1], [1e6 + 0.25, 1]] as const) {
    assert(Math.abs(sineOfTurns(turns) - sine) < 1e-15, `${turns}`);
  }
});
