import { test } from "node:test";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { NTP_UNIX_OFFSET } from "../../src/packet/timestamp.ts";
import { leapDone, planLeap, smearTerm } from "../../src/sync/leap_plan.ts";

const unix = (date: string): number => Date.parse(date) / 1000;
const midnight = unix("2017-01-01T00:00:00Z") + NTP_UNIX_OFFSET;

test("leap plan: at the end of the last day of a month", () => {
  const plan = planLeap(unix("2016-12-31T01:00:00Z"), 1, undefined, true)!;
  assertEquals(plan, {
    second: midnight,
    inserted: 1,
    smear: undefined,
    isAnnounced: true,
  });
});

test("leap plan: a deleted second is the last of the day", () => {
  const plan = planLeap(unix("2016-12-31T23:00:00Z"), 2, undefined, true)!;
  assertEquals([plan.second, plan.inserted], [midnight - 1, -1]);
});

test("leap plan: an announcement on another day is not acted upon", () => {
  assertEquals(planLeap(unix("2016-12-30T23:00:00Z"), 1, undefined, true), undefined);
  assertEquals(planLeap(unix("2016-02-28T23:00:00Z"), 1, undefined, true), undefined);
  assertEquals(planLeap(unix("2016-02-29T23:00:00Z"), 1, undefined, true)?.inserted, 1);
});

test("leap plan: beyond the wrap of 2036, days are still days of UTC", () => {
  const plan = planLeap(unix("2040-06-30T12:00:00Z"), 1, undefined, true)!;
  assertEquals(plan.second, (unix("2040-07-01T00:00:00Z") + NTP_UNIX_OFFSET) % 2 ** 32);
});

test("leap plan: a smear leads to the leap second and away from it", () => {
  const smear = { shape: "linear", duration: 86400, start: -43200 } as const;
  const plan = { second: midnight, inserted: 1, smear, isAnnounced: false } as const;
  assertEquals(smearTerm(plan, -50000), 0);
  assertAlmostEquals(smearTerm(plan, -21600), -0.25, 1e-12);
  assertAlmostEquals(smearTerm(plan, -1e-9), -0.5, 1e-9);
  assertAlmostEquals(smearTerm(plan, 0), 0.5, 1e-12);
  assertAlmostEquals(smearTerm(plan, 21600), 0.25, 1e-12);
  assertEquals(smearTerm(plan, 43200), 0);
  assertEquals([leapDone(plan, 43199), leapDone(plan, 43200)], [false, true]);
});

test("leap plan: a cosine begins and ends gently", () => {
  const smear = { shape: "cosine", duration: 1000, start: 0 } as const;
  const plan = { second: midnight, inserted: -1, smear, isAnnounced: false } as const;
  assertEquals(smearTerm(plan, 0), -1);
  assertAlmostEquals(smearTerm(plan, 10), -1, 3e-4);
  assertAlmostEquals(smearTerm(plan, 500), -0.5, 1e-12);
});

test("leap plan: a step leaves nothing to be smeared", () => {
  const plan = { second: midnight, inserted: 1, smear: undefined, isAnnounced: true } as const;
  assertEquals([smearTerm(plan, -1), smearTerm(plan, 1)], [0, 0]);
  assertEquals([leapDone(plan, -1), leapDone(plan, 0)], [false, true]);
});
