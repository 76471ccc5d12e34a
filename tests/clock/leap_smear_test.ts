import { test } from "node:test";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { checkLeapSmear, smearedPart } from "../../src/clock/leap_smear.ts";

test("leap smear: a day around the leap second, unless told otherwise", () => {
  assertEquals(checkLeapSmear({ shape: "linear" }), {
    shape: "linear",
    duration: 86400,
    start: -43200,
  });
  assertEquals(checkLeapSmear({ shape: "cosine", duration: 61200 }).start, -30600);
});

test("leap smear: linear", () => {
  const smear = checkLeapSmear({ shape: "linear", duration: 1000, start: 0 });
  assertEquals([-1, 0, 250, 1000, 2000].map((at) => smearedPart(smear, at)), [0, 0, 0.25, 1, 1]);
});

test("leap smear: a cosine is slow at both ends, and fastest in the middle", () => {
  const smear = checkLeapSmear({ shape: "cosine", duration: 1000, start: 0 });
  assertAlmostEquals(smearedPart(smear, 500), 0.5, 1e-12);
  assertAlmostEquals(smearedPart(smear, 250), (1 - Math.SQRT1_2) / 2, 1e-12);
  assertAlmostEquals(smearedPart(smear, 1), (Math.PI / 1000) ** 2 / 4, 1e-10);
  assertEquals(smearedPart(smear, 1000), 1);
});

test("leap smear: bad ones are errors", () => {
  assertThrows(() => checkLeapSmear({ shape: "square" as never }), TypeError, "square");
  assertThrows(() => checkLeapSmear({ shape: "linear", duration: 0 }), RangeError, "duration");
  assertThrows(() => checkLeapSmear({ shape: "linear", start: 1e6 }), RangeError, "start");
  assertThrows(() => checkLeapSmear({ shape: "linear", start: "0" as never }), TypeError, "start");
});
