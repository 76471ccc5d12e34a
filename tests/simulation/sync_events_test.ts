import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { LeapMode } from "../../src/sync/sync_engine.ts";
import { FALSETICKER_PATTERNS, falsetickers } from "../../src/testing/falsetickers.ts";
import type { LinkOptions } from "../../src/testing/link.ts";
import { stage } from "./sync_scene.ts";

const LAN: LinkOptions = { base: 1e-4, exponential: 1e-4 };
const CLOCK = { offset: 0.3, frequency: 3e-5, wander: 1e-9 };
const THREE = [{}, {}, {}];

/** A clock that meets a leap second after four hours, and what its error is then. */
async function leapt(kind: "insert" | "delete", leap: LeapMode) {
  // A deleted second is the last of the day.
  const at = 4 * 3600 - (kind === "insert" ? 0 : 1);
  const { simulation, sync, seen } = await stage({
    start: new Date("2026-12-31T20:00:00Z"),
    leap: { at, kind },
    servers: THREE,
    link: LAN,
    client: { clock: CLOCK },
    sync: { leap },
  });
  const errors = new Map<number, number>();
  const indicators = new Map<number, number>();
  const stop = simulation.time.observe(500, () => {
    errors.set(simulation.elapsed - at, simulation.errorOf(sync.clock));
    indicators.set(simulation.elapsed - at, sync.clock.state().leapIndicator);
  });
  const referenceIds = new Set<number>();
  simulation.time.observe(60_000, () => referenceIds.add(sync.clock.state().referenceId! >>> 24));
  await simulation.run(30_000);
  stop();
  assert(seen.outside <= 1, `${seen.outside} of ${seen.looks} outside`);
  assertEquals(sync.sources().map(({ restarts, setAside }) => [restarts, setAside]), [
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  await sync.close();
  return { errors, indicators, referenceIds, backwards: seen.backwards };
}

const near = (actual: number | undefined, expected: number) =>
  assert(Math.abs(actual! - expected) < 0.001, `${actual}, not ${expected}`);

for (const [kind, sign] of [["insert", 1], ["delete", -1]] as const) {
  test(`leap second, ${kind}, slewed: made good in 20 s, and the clock never goes back`, async () => {
    const { errors, backwards } = await leapt(kind, "slew");
    near(errors.get(-1), 0);
    near(errors.get(0.5), sign * 0.975);
    near(errors.get(10), sign * 0.5);
    near(errors.get(21), 0);
    near(errors.get(3600), 0);
    assertEquals(backwards, 0);
  });

  test(`leap second, ${kind}, stepped: as UTC does, announced before`, async () => {
    const { errors, indicators } = await leapt(kind, "step");
    for (const at of [-3600, -1, 0.5, 1, 10, 3600]) near(errors.get(at), 0);
    assertEquals(indicators.get(-3600), kind === "insert" ? 1 : 2);
    assertEquals(indicators.get(10), 0);
  });

  test(`leap second, ${kind}, smeared over two hours: half of it before, announced by the reference`, async () => {
    const smear = { shape: "linear", duration: 7200, start: -3600 } as const;
    const { errors, referenceIds, indicators, backwards } = await leapt(kind, smear);
    near(errors.get(-3700), 0);
    near(errors.get(-1800), sign * -0.25);
    near(errors.get(1800), sign * 0.25);
    near(errors.get(3700), 0);
    assert(referenceIds.has(254));
    assert(![...indicators.values()].some((indicator) => indicator !== 0));
    assertEquals(backwards, 0);
  });
}

test("panic: beyond the threshold nobody is believed, a small step first or not (CVE-2015-5300)", async () => {
  const { simulation, sync, seen } = await stage({
    servers: [
      { clock: { steps: [{ at: 3000, seconds: 0.4 }, { at: 6000, seconds: 2000 }] } },
    ],
    link: LAN,
    client: { clock: CLOCK },
    sync: { stepThreshold: 0.1 },
  });
  await simulation.run(5000);
  assertEquals(seen.steps.map((seconds) => Math.round(seconds * 100)), [40]);
  await simulation.run(5000);
  assertEquals(seen.steps.length, 1);
  assert(Math.abs(simulation.errorOf(sync.clock) - 0.4) < 0.01);
  await sync.close();
});

test("property: whatever the network, the clock and a minority of the servers do, the clock never goes back", async () => {
  const probability = fc.double({ min: 0, max: 0.3, noNaN: true });
  const world = fc.record({
    seed: fc.integer(),
    count: fc.integer({ min: 1, max: 5 }),
    pattern: fc.constantFrom(...FALSETICKER_PATTERNS),
    size: fc.double({ min: -2, max: 2, noNaN: true }),
    clock: fc.record({
      offset: fc.double({ min: -100, max: 100, noNaN: true }),
      frequency: fc.double({ min: -2e-4, max: 2e-4, noNaN: true }),
      wander: fc.constantFrom(0, 1e-10, 1e-9, 1e-8),
    }),
    link: fc.record({
      base: fc.double({ min: 0.005, max: 0.2, noNaN: true }),
      exponential: fc.double({ min: 0, max: 0.02, noNaN: true }),
      normal: fc.constantFrom(0, 1e-3),
      loss: probability,
      duplication: probability,
      reordering: fc.record({ probability, delay: fc.constant(0.05) }),
    }),
    bursts: fc.boolean(),
    outage: fc.integer({ min: 100, max: 6000 }),
    slept: fc.option(fc.integer({ min: 100, max: 5000 }), { nil: undefined }),
    maxPoll: fc.integer({ min: 6, max: 10 }),
  });
  const property = fc.asyncProperty(world, async (given) => {
    const { seed, count, pattern, size, clock, link, slept } = given;
    const wrong = Math.floor((count - 1) / 2);
    const faults = falsetickers(pattern, wrong, { size, from: 600 });
    // To who sleeps, all others jump ahead.
    const steps = slept === undefined ? [] : [{ at: slept, seconds: 1000 }];
    const bursts = { every: 300, lasting: 60, delay: 0.1, loss: 0.3 };
    const { simulation, sync, seen } = await stage({
      seed,
      servers: Array.from({ length: count }, (_, i) => ({
        faults: faults[i] ?? [],
        clock: { steps },
      })),
      link: { ...link, ...(given.bursts && { bursts }) },
      client: { clock },
      maxPoll: given.maxPoll,
      sync: { timeoutMs: Infinity },
      wallMs: (elapsed) => 1000 * (elapsed + (slept === undefined || elapsed < slept ? 0 : 1000)),
    });
    simulation.cut({ from: given.outage, until: given.outage + 1000 });
    await simulation.run(8000);
    await sync.close();
    await simulation.run(1); // what is under way arrives
    assertEquals([seen.backwards, seen.steps.filter((seconds) => seconds < 0)], [0, []]);
    assertEquals(simulation.time.pending, 0);
  });
  await fc.assert(property, { numRuns: 40 });
});
