import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FunctionClock } from "../../src/clock/function_clock.ts";
import { LeapClock, type LeapClockOptions } from "../../src/clock/leap_clock.ts";
import { LeapSeconds } from "../../src/clock/leap_seconds.ts";
import type { LeapSmear } from "../../src/clock/leap_smear.ts";
import { smearReferenceId } from "../../src/packet/smear_reference_id.ts";
import { addSeconds, timestampDifference, timestampFromDate } from "../../src/packet/timestamp.ts";

const LEAP = Date.parse("2030-01-01T00:00:00Z"), DAY = 86400, HALF = DAY / 2;
const NTP_UNIX_OFFSET = 2208988800;
const EXPIRES = Date.parse("2040-01-01T00:00:00Z") / 1000 + NTP_UNIX_OFFSET;

/** A table with one more second, or one less, at the end of 2029. */
function table(inserted: 1 | -1): LeapSeconds {
  const [last] = LeapSeconds.builtIn.entries.slice(-1);
  const since = LEAP / 1000 + NTP_UNIX_OFFSET;
  const entries = [...LeapSeconds.builtIn.entries, {
    since,
    taiOffset: last!.taiOffset + inserted,
  }];
  return new LeapSeconds({ entries, expires: EXPIRES });
}

/**
 * A leap second as it comes: seconds of a uniform count from the moment at which the count of UTC
 * changes, that count, and a clock that leaps, `late` seconds later, or does not.
 */
class Scene {
  /** Seconds from the leap second on a uniform scale. */
  at: number;
  readonly inserted: 1 | -1;
  readonly late: number;
  readonly clock: LeapClock;

  constructor(inserted: 1 | -1, at: number, options: Partial<LeapClockOptions>, late = 0) {
    this.inserted = inserted;
    this.at = at;
    this.late = options.scale === "uniform" ? Infinity : late;
    this.clock = new LeapClock({
      clock: new FunctionClock(() => this.#own(), { precision: -20, leapSeconds: null }),
      leapSeconds: table(inserted),
      monotonicMs: () => 1e6 + 1000 * this.at,
      ...options,
    });
  }

  /** The first second of the next day, or, where it is deleted, the last of the day. */
  get #start(): bigint {
    return addSeconds(timestampFromDate(new Date(LEAP)), this.inserted === 1 ? 0 : -1);
  }

  #own(): bigint {
    return addSeconds(this.#start, this.at - (this.at >= this.late ? this.inserted : 0));
  }

  /** UTC, where a second that is inserted is the last of the day once more. */
  get utc(): bigint {
    return addSeconds(this.#start, this.at - (this.at >= 0 ? this.inserted : 0));
  }

  /** How far the clock is ahead of UTC. */
  get error(): number {
    return timestampDifference(this.clock.now(), this.utc);
  }
}

const noonToNoon: LeapSmear = { shape: "linear" };

for (const scale of ["utc", "uniform"] as const) {
  for (const inserted of [1, -1] as const) {
    const what = `${inserted === 1 ? "inserted" : "deleted"}, on a count that is ${scale}`;

    test(`LeapClock: a leap second that is ${what}`, () => {
      const scene = new Scene(inserted, -2 * DAY, { scale });
      const seen: [number, number, number][] = [];
      for (const at of [-2 * DAY, -DAY - 2, -DAY + 2, -1, -0.25, 0, 0.25, 0.75, 1.25, 60, DAY]) {
        scene.at = at;
        const { leapIndicator } = scene.clock.state();
        seen.push([at, scene.error, leapIndicator]);
        assertEquals(scene.clock.state().referenceId, undefined);
      }
      assertEquals(seen.map(([, error]) => Math.round(error * 1e6)), seen.map(() => 0));
      const announced = inserted === 1 ? 1 : 2;
      for (const [at, , indicator] of seen) {
        // In the second that is repeated nobody knows whether it is for the first time.
        if (inserted === 1 && at >= 0 && at < 1 && scale === "utc") continue;
        assertEquals(indicator, at >= -DAY && at < 0 ? announced : 0, `${at}`);
      }
    });

    for (const smear of [noonToNoon, { shape: "cosine", duration: 17 * 3600, start: 0 }] as const) {
      test(`LeapClock: a leap second that is ${what}, smeared: ${smear.shape}`, () => {
        const { duration = DAY, start = -HALF } = smear as { duration?: number; start?: number };
        const scene = new Scene(inserted, start - 100, { scale, leap: smear });
        let last = scene.clock.now(), lastAt = scene.at;
        const steepest = (smear.shape === "cosine" ? Math.PI / 2 : 1) / duration;
        for (
          let at = start - 99;
          at < start + duration + 100;
          at += at > -3 && at < 3 ? 0.125 : 7
        ) {
          scene.at = at;
          const now = scene.clock.now();
          const rate = timestampDifference(now, last) / (at - lastAt) - 1;
          assert(Math.abs(rate) <= steepest * 1.001, `rate ${rate} at ${at}`);
          const part = Math.min(1, Math.max(0, (at - start) / duration));
          const done = smear.shape === "linear" ? part : (1 - Math.cos(Math.PI * part)) / 2;
          const expected = inserted * ((at >= 0 ? 1 : 0) - done);
          assertAlmostEquals(scene.error, expected, 1e-5);
          const { leapIndicator, referenceId, referenceTimestamp } = scene.clock.state();
          const since = timestampDifference(scene.clock.now(), referenceTimestamp);
          assert(since >= 0 && since <= 1, `set ${since} s ago`);
          assertEquals(leapIndicator, 0);
          if (expected === 0) assertEquals(referenceId, undefined);
          else {
            const differs = referenceId! - smearReferenceId(expected);
            assert(Math.abs(differs) <= 64, `${referenceId} at ${at}`); // 15 µs
          }
          [last, lastAt] = [now, at];
        }
        assertAlmostEquals(scene.error, 0, 1e-6);
      });
    }
  }
}

test("LeapClock: a system that is told late, within the smear, is followed without a jump", () => {
  const scene = new Scene(1, -HALF, { leap: noonToNoon }, 5000);
  let last = scene.clock.now();
  for (scene.at = -HALF; scene.at < HALF + 100; scene.at += 1) {
    const now = scene.clock.now(), went = timestampDifference(now, last);
    assert(went > -0.001 && went < 1.001, `${went} at ${scene.at}`);
    last = now;
  }
  assertAlmostEquals(scene.error, 0, 1e-6);
});

test("LeapClock: made in the middle of a smear, or after a leap second", () => {
  for (const at of [-HALF / 2, HALF / 2]) {
    for (const scale of ["utc", "uniform"] as const) {
      const scene = new Scene(1, at, { leap: noonToNoon, scale });
      if (scale === "uniform" && at > 0) continue; // see below
      assertAlmostEquals(scene.error, at < 0 ? -0.25 : 0.25, 1e-5);
    }
  }
  // A uniform count that was right when the clock was made: it has had the leap second.
  const right = new FunctionClock(() => timestampFromDate(new Date(LEAP + 1000 * HALF / 2)));
  const leapSeconds = table(1);
  const clock = new LeapClock({ clock: right, leapSeconds, scale: "uniform", leap: noonToNoon });
  assertAlmostEquals(timestampDifference(clock.now(), right.now()), 0.25, 1e-4);
  const stepping = new LeapClock({ clock: right, leapSeconds, scale: "uniform" });
  assertEquals(stepping.now(), right.now());
});

test("LeapClock: what a clock without time says stays so, and all else is the other clock's", () => {
  const known = { synchronized: false, rootDelay: 0.25, referenceId: 0x47505300, stratum: 3 };
  const base = new FunctionClock(() => timestampFromDate(new Date(LEAP - 3_600_000)), {
    precision: -9,
    state: () => known,
  });
  const clock = new LeapClock({ clock: base, leapSeconds: table(1) });
  const { leapIndicator, rootDelay, referenceId, stratum } = clock.state();
  assertEquals([leapIndicator, rootDelay, referenceId, stratum], [3, 0.25, 0x47505300, 3]);
  assertEquals(clock.precision, -9);
  known.synchronized = true;
  assertEquals(clock.state().leapIndicator, 1);
  assertEquals(clock.leapSecondsExpired, false);
  assertEquals(clock.unixNanoseconds(), BigInt(LEAP - 3_600_000) * 1_000_000n);
});

test("LeapClock: wrong options", () => {
  const clock = new FunctionClock(() => 0n);
  for (
    const [options, kind] of [
      [{}, TypeError],
      [{ clock, leapSeconds: {} }, TypeError],
      [{ clock, leap: "slew" }, TypeError],
      [{ clock, leap: { shape: "linear", duration: 0 } }, RangeError],
      [{ clock, scale: "tai" }, TypeError],
      [{ clock, monotonicMs: 1 }, TypeError],
    ] as const
  ) assertThrows(() => new LeapClock(options as unknown as LeapClockOptions), kind);
});
