import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { type Candidate, select, type SourcePreference } from "../../src/sync/selection.ts";

function candidate(
  offset: number,
  distance: number,
  more: SourcePreference & { smeared?: boolean; frequency?: number } = {},
): Candidate {
  const { smeared = false, frequency = 0, ...preference } = more;
  const estimate = {
    time: 0,
    offset,
    frequency,
    offsetVariance: 1e-10,
    frequencyVariance: 1e-16,
    covariance: 0,
  };
  return { ...preference, estimate, distance, smeared };
}

test("selection: nobody of nobody", () => {
  const { states, estimate } = select([], 0);
  assertEquals(states, []);
  assertEquals(estimate, undefined);
});

test("selection: one source is followed", () => {
  const { states, estimate, low, high } = select([candidate(0.5, 0.01)], 1);
  assertEquals(states, ["selected"]);
  assertEquals(estimate!.offset, 0.5);
  assertAlmostEquals(low, 0.49, 1e-12);
  assertAlmostEquals(high, 0.51, 1e-12);
});

test("selection: a falseticker is left out", () => {
  const sources = [candidate(0.001, 0.01), candidate(0.5, 0.01), candidate(-0.001, 0.01)];
  const { states, estimate } = select(sources, 3);
  assertEquals(states, ["selected", "falseticker", "selected"]);
  assertAlmostEquals(estimate!.offset, 0, 1e-9);
});

test("selection: falsetickers that agree are left out while they are fewer", () => {
  const sources = [0, 0.001, -0.001, 0.5, 0.5].map((offset) => candidate(offset, 0.01));
  assertEquals(select(sources, 5).states.slice(3), ["falseticker", "falseticker"]);
});

test("selection: two that contradict each other are no majority", () => {
  const { states, estimate } = select([candidate(0, 0.01), candidate(0.5, 0.01)], 2);
  assertEquals(states, ["no majority", "no majority"]);
  assertEquals(estimate, undefined);
});

test("selection: two of four are no majority", () => {
  const sources = [0, 0, 0.5, 1].map((offset) => candidate(offset, 0.01));
  assertEquals(select(sources, 4).estimate, undefined);
});

test("selection: who may still answer has a say", () => {
  const sources = [candidate(0.5, 0.01)];
  assertEquals(select(sources, 3).states, ["no majority"]);
  assertEquals(select(sources, 1).states, ["selected"]);
});

test("selection: smeared and plain sources are not mixed, the greater number is followed", () => {
  const smeared = [candidate(0.3, 0.5, { smeared: true }), candidate(0.31, 0.5, { smeared: true })];
  const plain = [candidate(0, 0.5), candidate(0.01, 0.5), candidate(0.02, 0.5)];
  assertEquals(select([...smeared, ...plain], 5).states, [
    "smeared",
    "smeared",
    "selected",
    "selected",
    "selected",
  ]);
  assertEquals(select([...smeared, plain[0]!], 3).states, ["selected", "selected", "smeared"]);
  assertEquals(select([smeared[0]!, plain[0]!], 2).states, ["smeared", "selected"]);
  assertEquals(select(smeared, 2).states, ["selected", "selected"]);
});

test("selection: preferred ones alone, while they tell the truth", () => {
  const prefer = { prefer: true };
  const honest = [candidate(0, 0.01, prefer), candidate(0.001, 0.01), candidate(0.002, 0.01)];
  assertEquals(select(honest, 3).states, ["selected", "not preferred", "not preferred"]);
  const lying = [candidate(0.5, 0.01, prefer), candidate(0.001, 0.01), candidate(0.002, 0.01)];
  assertEquals(select(lying, 3).states, ["falseticker", "selected", "selected"]);
});

test("selection: nobody without the one that is required", () => {
  const sources = [
    candidate(0.5, 0.01, { require: true }),
    candidate(0, 0.01),
    candidate(0, 0.01),
  ];
  const { states, estimate } = select(sources, 3);
  assertEquals(states, ["falseticker", "required missing", "required missing"]);
  assertEquals(estimate, undefined);
});

test("selection: trusted ones are right, however many others there are", () => {
  const sources = [
    candidate(0, 0.01, { trust: true }),
    candidate(0.5, 0.01),
    candidate(0.5, 0.01),
  ];
  assertEquals(select(sources, 3).states, ["selected", "falseticker", "falseticker"]);
});

test("selection: one that is only watched has no say", () => {
  const sources = [candidate(0, 0.01), candidate(0.5, 0.01, { noSelect: true })];
  assertEquals(select(sources, 2).states, ["selected", "watched"]);
});

test("selection: who agrees least is left out of many", () => {
  const sources = [0, 0.0001, -0.0001, 0.0002, 0.009].map((offset) => candidate(offset, 0.01));
  const { states } = select(sources.with(0, candidate(0, 0.0095)), 5);
  assertEquals(states.at(-1), "outlier");
  assertEquals(states.filter((state) => state === "selected").length, 4);
});

test("selection: the nearer source weighs more", () => {
  const { estimate } = select([candidate(0, 0.001), candidate(0.01, 0.05)], 2);
  assert(Math.abs(estimate!.offset) < 1e-4, `${estimate!.offset}`);
});

test("selection: bounds are what a majority agrees on, not what the most do", () => {
  // Three of three agree on 0 ± 1 ms, but two of them do on more, and one may be lying.
  const sources = [candidate(0, 0.001), candidate(0.005, 0.01), candidate(-0.005, 0.01)];
  const { low, high } = select(sources, 3);
  assertAlmostEquals(low, -0.005, 1e-12);
  assertAlmostEquals(high, 0.005, 1e-12);
});

test("selection: whatever a minority says, the result stays within an honest source's distance, and the bounds hold", () => {
  const honest = fc.array(
    fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: 1, max: 1000 })),
    { minLength: 1, maxLength: 6 },
  );
  const liar = fc.tuple(
    fc.double({ min: -2, max: 2, noNaN: true }),
    fc.double({ min: 1e-6, max: 3, noNaN: true }),
  );
  fc.assert(
    fc.property(honest, fc.array(liar, { maxLength: 5 }), (honest, liars) => {
      const minority = liars.slice(0, honest.length - 1);
      const sources = [
        // The truth is 0; an honest source is off by up to its distance.
        ...honest.map(([error, distance]) => candidate(error * distance / 1000, distance / 1000)),
        ...minority.map(([offset, distance]) => candidate(offset, distance)),
      ];
      const { estimate, low, high } = select(sources, sources.length);
      assert(estimate !== undefined);
      const widest = Math.max(...honest.map(([, distance]) => distance / 1000));
      assert(Math.abs(estimate.offset) <= 2 * widest + 1e-9);
      assert(low <= 1e-12 && high >= -1e-12, `${low} ${high}`);
    }),
    { numRuns: 500, seed: 1 },
  );
});
