// A leap second from a table at stratum 1 down to the clients of stratum 2: what each of them shows, and
// what each tells those below it.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { query } from "../../src/client/query.ts";
import { FunctionClock } from "../../src/clock/function_clock.ts";
import { LeapClock, type LeapClockOptions } from "../../src/clock/leap_clock.ts";
import { LeapSeconds } from "../../src/clock/leap_seconds.ts";
import { smearedPart } from "../../src/clock/leap_smear.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import type { NTPSyncOptions } from "../../src/sync/ntp_sync_options.ts";
import type { LeapMode } from "../../src/sync/sync_engine.ts";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import { Simulation } from "../../src/testing/simulation.ts";

const LEAP = Date.parse("2030-01-01T00:00:00Z") / 1000 + 2208988800;
const HOUR = 3600;

/** A table with a leap second at the end of 2029, good for as long as is said. */
function table(inserted: 1 | -1, expires = LEAP + 365 * 86400): LeapSeconds {
  const { entries } = LeapSeconds.builtIn;
  const { taiOffset } = entries.at(-1)!;
  return new LeapSeconds({
    entries: [...entries, { since: LEAP, taiOffset: taiOffset + inserted }],
    expires,
  });
}

/** One look at all strata: seconds from the leap second, errors against UTC, and what they announce. */
interface Look {
  readonly at: number;
  readonly errors: number[];
  readonly indicators: number[];
}

interface Strata {
  readonly inserted: 1 | -1;
  /** What stratum 1 does, and what those below do. */
  readonly first?: Partial<LeapClockOptions>;
  readonly leap?: LeapMode;
  /** What stratum 2 is told besides. */
  readonly second?: Partial<NTPSyncOptions>;
}

/** Three servers of stratum 1, one that follows them, and a client of that: for eight hours. */
async function run({ inserted, first = {}, leap = "step", second = {} }: Strata) {
  const at = 4 * HOUR - (inserted === 1 ? 0 : 1);
  const simulation = new Simulation({
    seed: 7,
    start: new Date("2029-12-31T20:00:00Z"),
    leap: { at, kind: inserted === 1 ? "insert" : "delete" },
    link: { base: 1e-4, exponential: 2e-5 },
  });
  const { time } = simulation;
  const names = ["a.example", "b.example", "c.example"];
  const primary = new LeapClock({
    clock: new FunctionClock(() => time.now(), { precision: -30, leapSeconds: null }),
    leapSeconds: table(inserted),
    scale: "uniform",
    monotonicMs: () => time.elapsedMs,
    ...first,
  });
  const servers: NTPServer[] = [];
  for (const name of names) {
    const { bind } = simulation.addNode({ name });
    servers.push(new NTPServer({ clock: primary, refid: "LAB", stratum: 1, bind }));
    await servers.at(-1)!.listen();
  }
  const clock = { offset: 0.2, frequency: 2e-5, wander: 1e-10 };
  const follow = async (name: string, hostnames: string[], options: Partial<NTPSyncOptions>) => {
    const { world } = simulation.addNode({ name, clock });
    const servers = hostnames.map((hostname) => ({ hostname, minPoll: 5, maxPoll: 5 }));
    const starting = NTPSync.start({ ...world, servers, leap, ...options });
    return { world, sync: await simulation.runUntil(starting) };
  };
  const two = await follow("two.example", names, second);
  const below = new NTPServer({ clock: two.sync.clock, bind: two.world.bind });
  await below.listen();
  const three = await follow("three.example", ["two.example"], {});
  const clocks = [primary, two.sync.clock, three.sync.clock];
  await simulation.run(600 - simulation.elapsed);
  const looks: Look[] = [];
  let last = clocks.map((one) => one.now()), backwards = 0;
  const stop = time.observe(500, () => {
    const now = clocks.map((one) => one.now());
    for (const [i, one] of now.entries()) {
      backwards = Math.max(backwards, -timestampDifference(one, last[i]!));
    }
    last = now;
    looks.push({
      at: simulation.elapsed - at,
      errors: clocks.map((one) => simulation.errorOf(one)),
      indicators: clocks.map((one) => one.state().leapIndicator),
    });
  });
  const replies: { at: number; referenceId: number; leapIndicator: number }[] = [];
  const ask = async () => {
    const { packet } = await query("a.example", { ...two.world });
    const { leapIndicator, referenceId } = packet;
    replies.push({ at: simulation.elapsed - at, referenceId, leapIndicator });
  };
  two.world.timers.after(1000, function again() {
    void ask();
    two.world.timers.after(600_000, again);
  });
  await simulation.run(8 * HOUR);
  stop();
  const close = async () => {
    for (const one of [three.sync, two.sync, below, ...servers]) await one.close();
  };
  return { looks, replies, backwards, close, two: two.sync };
}

/** Two seconds in which a clock may lag behind, as the tick of its leap comes. */
const isNear = (at: number) => at >= -0.5 && at <= 1.5;

for (const inserted of [1, -1] as const) {
  const kind = inserted === 1 ? "inserted" : "deleted";

  test(`leap second, ${kind}, from a table through two strata: each announces it, and has it`, async () => {
    const { looks, replies, close } = await run({ inserted });
    for (const { at, errors, indicators } of looks) {
      if (isNear(at)) continue;
      for (const error of errors) assert(Math.abs(error) < 0.001, `${errors} at ${at}`);
      const announced = at < 0 ? inserted === 1 ? 1 : 2 : 0;
      assertEquals(indicators[0], announced);
      // A minute after it everybody knows that it is over.
      if (at < 0 || at > 60) {
        assertEquals(indicators, [announced, announced, announced], `at ${at}`);
      }
    }
    assert(replies.some(({ leapIndicator }) => leapIndicator === (inserted === 1 ? 1 : 2)));
    assert(replies.every(({ referenceId }) => referenceId === 0x4c414200)); // LAB
    await close();
  });

  for (const shape of ["linear", "cosine"] as const) {
    test(`leap second, ${kind}, smeared at stratum 1 (${shape}): all below are smeared with it`, async () => {
      const smear = { shape, duration: 6 * HOUR, start: -3 * HOUR };
      const { looks, replies, backwards, close, two } = await run({
        inserted,
        first: { leap: smear },
        leap: "slew",
      });
      for (const { at, errors, indicators } of looks) {
        const expected = inserted * ((at >= 0 ? 1 : 0) - smearedPart(smear, at));
        // It begins at a rate of 46 ppm, which those below find out at their next polls.
        const most = [1e-6, 0.005, 0.015];
        for (const [i, error] of errors.entries()) {
          assert(Math.abs(error - expected) < most[i]!, `${errors}, not ${expected}, at ${at}`);
        }
        assertEquals(indicators, [0, 0, 0]);
      }
      assertEquals(backwards, 0);
      for (const { at, referenceId, leapIndicator } of replies) {
        assertEquals(leapIndicator, 0);
        // The servers look at their clock once a second.
        if (Math.abs(at) > 3 * HOUR + 2) assertEquals(referenceId, 0x4c414200);
        else if (Math.abs(at) < 3 * HOUR - 2) assertEquals(referenceId >>> 24, 254);
      }
      assert(two.sources().every(({ state }) => state === "selected"));
      await close();
    });
  }
}

test("leap second: sources without it, and a table at stratum 2", async () => {
  const first = { leapSeconds: LeapSeconds.builtIn };
  const { looks, close } = await run({ inserted: 1, first, second: { leapSeconds: table(1) } });
  const before = looks.filter(({ at }) => at < -1 && at > -HOUR);
  assert(before.length > 1000);
  for (const { indicators } of before) assertEquals(indicators, [0, 1, 1]);
  // What is served above has none: the clock is right for a while, until it is outvoted.
  const right = looks.filter(({ at }) => at > 2 && at < 20);
  for (const { errors } of right) {
    assert(Math.abs(errors[1]!) < 0.5 || Math.abs(errors[1]! - 1) < 0.01, `${errors}`);
  }
  await close();
});

test("leap second: a table that has expired counts for nothing, the majority for all", async () => {
  const expired = table(-1, LEAP - 2 * 86400);
  const { looks, close } = await run({ inserted: 1, second: { leapSeconds: expired } });
  for (const { at, indicators, errors } of looks) {
    if (isNear(at)) continue;
    if (at < 0) assertEquals(indicators, [1, 1, 1]);
    assert(Math.abs(errors[1]!) < 0.001, `${errors} at ${at}`);
  }
  await close();
});
