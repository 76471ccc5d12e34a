import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { describeLeapIndicator, type LeapIndicator } from "../../src/packet/leap_indicator.ts";

test("leap indicator: each of the four means something else (RFC 5905 figure 9)", () => {
  const texts = ([0, 1, 2, 3] satisfies LeapIndicator[]).map(describeLeapIndicator);
  assertEquals(new Set(texts).size, 4);
  assert(texts[0]!.startsWith("no "));
  assert(texts[1]!.includes("inserted"));
  assert(texts[2]!.includes("deleted"));
  assertEquals(texts[3], "not synchronised");
});
