import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { FALSETICKER_PATTERNS, falsetickers } from "../../src/testing/falsetickers.ts";
import type { LinkOptions } from "../../src/testing/link.ts";
import { type SceneOptions, stage } from "./sync_scene.ts";

const LAN: LinkOptions = { base: 1e-4, exponential: 1e-4 };
const WAN: LinkOptions = { base: 0.02, exponential: 0.002 };
const CLOCK = { offset: 0.3, frequency: 3e-5, wander: 1e-9 };
const THREE = [{}, {}, {}];

const SCENARIOS: Readonly<
  Record<string, SceneOptions & { cut?: { from: number; until: number } }>
> = {
  "one near server": { servers: [{}], link: LAN, client: { clock: CLOCK } },
  "four far servers, poll 6 to 10": {
    servers: [...THREE, {}],
    link: WAN,
    client: { clock: CLOCK },
    maxPoll: 10,
  },
  "a bad crystal": {
    servers: THREE,
    link: LAN,
    client: { clock: { ...CLOCK, wander: 1e-8 } },
    maxPoll: 10,
  },
  "temperature": {
    servers: THREE,
    link: LAN,
    client: { clock: { ...CLOCK, sinusoid: { amplitude: 1e-6, period: 7200 } } },
    maxPoll: 10,
  },
  "a way out that is slower than the way back": {
    servers: THREE,
    client: {
      clock: CLOCK,
      link: { away: { base: 0.04, exponential: 0.01 }, toward: { base: 0.01 } },
    },
  },
  "losses, copies and packets that overtake": {
    servers: THREE,
    link: {
      ...WAN,
      loss: 0.3,
      duplication: 0.1,
      reordering: { probability: 0.2, delay: 0.05 },
    },
    client: { clock: CLOCK },
  },
  "one server, and delays that are the same by chance": {
    seed: 0,
    servers: [{}],
    link: { base: 0.005, reordering: { probability: 0.28, delay: 0.05 } },
    client: { clock: CLOCK },
  },
  "one server, and noise that is no queue": {
    seed: -1685828941,
    servers: [{}],
    link: { base: 0, normal: 0.001 },
    client: { clock: CLOCK },
  },
  "congestion": {
    servers: THREE,
    link: { ...WAN, bursts: { every: 600, lasting: 60, delay: 0.2, loss: 0.3 } },
    client: { clock: CLOCK },
  },
  "an outage of hours": {
    servers: THREE,
    link: WAN,
    client: { clock: CLOCK },
    cut: { from: 8000, until: 18_000 },
  },
  "a server whose clock is set": {
    servers: [{ clock: { steps: [{ at: 8000, seconds: 0.2 }] } }, {}, {}],
    link: WAN,
    client: { clock: CLOCK },
  },
};

for (const [name, { cut, ...options }] of Object.entries(SCENARIOS)) {
  test(`bounds, ${name}: they hold the true time, are not wide, and the clock never goes back`, async () => {
    const { simulation, sync, seen } = await stage({ seed: name, ...options });
    if (cut !== undefined) simulation.cut(cut);
    await simulation.run(30_000);
    assert(seen.coverage >= 0.9999, `${seen.outside} of ${seen.looks} outside`);
    assert(seen.width <= 3, `the bounds are ${seen.width} root distances wide`);
    assertEquals([seen.backwards, seen.steps], [0, []]);
    await sync.close();
    assertEquals(simulation.time.pending, 0);
  });
}

test("holdover: without a server the error that is told grows, and holds", async () => {
  const { simulation, sync, seen } = await stage({
    seed: "holdover",
    servers: THREE,
    link: LAN,
    client: { clock: CLOCK },
  });
  await simulation.run(6000);
  simulation.cut({ from: 6000, until: 106_000 });
  const before = sync.clock.maxError;
  await simulation.run(50_000);
  const later = sync.clock.maxError;
  assertEquals(sync.sources().map(({ state }) => state), Array(3).fill("unreachable"));
  assert(later > 10 * before && later > 0.01, `${before} s, then ${later} s`);
  await simulation.run(60_000);
  assertEquals(sync.sources().map(({ state }) => state), Array(3).fill("selected"));
  assert(sync.clock.maxError < 2 * before);
  assertEquals([seen.outside, seen.backwards], [0, 0]);
  await sync.close();
});

for (const [servers, wrong] of [[3, 1], [7, 3]] as const) {
  for (const pattern of FALSETICKER_PATTERNS) {
    test(`falsetickers, ${wrong} of ${servers}, ${pattern}: they move the clock by no more than an honest server is off`, async () => {
      const faults = falsetickers(pattern, wrong, { size: 0.1, period: 1200 });
      const { simulation, sync, seen } = await stage({
        seed: `${pattern} ${servers}`,
        servers: Array.from({ length: servers }, (_, i) => ({ faults: faults[i] ?? [] })),
        link: WAN,
        client: { clock: CLOCK },
      });
      const honest = () => Math.max(...sync.sources().slice(wrong).map(({ distance }) => distance));
      // What was so at first is made good within minutes.
      const atFirst = honest();
      const tooFar: string[] = [];
      simulation.watch(sync.clock, {
        interval: 10,
        onLook(at, error) {
          const most = at < 600 ? atFirst : honest();
          if (Math.abs(error) > most) tooFar.push(`${at} s: ${error} s, more than ${most} s`);
        },
      });
      await simulation.run(6000);
      assertEquals(tooFar, []);
      assert(seen.coverage >= 0.9999, `${seen.outside} of ${seen.looks} outside`);
      assertEquals([seen.backwards, seen.steps], [0, []]);
      const states = sync.sources().slice(wrong).map(({ state }) => state);
      assert(!states.includes("falseticker"), `${states}`);
      await sync.close();
    });
  }
}

test("start: off by 0.1 s and 50 ppm, the clock is right within a millisecond at the first answers", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const { simulation, sync, seen } = await stage({
      seed,
      servers: [{}],
      link: LAN,
      client: { clock: { offset: 0.1, frequency: 5e-5, wander: 1e-9 } },
    });
    assert(simulation.elapsed < 3, `set after ${simulation.elapsed} s`);
    await simulation.run(7200);
    assert(seen.errors.statistics({ from: 6 }).maxTime < 1e-3, `seed ${seed}`);
    await sync.close();
  }
});

test("memory: 64 servers in 30 days, one timer for each and one for the clock", async () => {
  const { simulation, sync, requests } = await stage({
    servers: Array.from({ length: 64 }, () => ({})),
    link: WAN,
    client: { clock: CLOCK },
    minPoll: 14,
    maxPoll: 14,
  });
  await simulation.run(100);
  let most = 0;
  for (let day = 0; day < 30; day++) {
    await simulation.run(86_400);
    most = Math.max(most, simulation.time.pending);
  }
  assert(requests() > 64 * 30 * 5, `${requests()} requests`);
  // While a request is under way: its timeout, and the datagram.
  assert(most <= 64 + 1 + 4, `${most} calls waiting`);
  assertEquals(sync.sources().length, 64);
  await sync.close();
  assertEquals(simulation.time.pending, 0);
});
