import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FunctionClock } from "../../src/clock/function_clock.ts";
import type { LeapIndicator } from "../../src/packet/leap_indicator.ts";
import { addSeconds, timestampDifference } from "../../src/packet/timestamp.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import {
  ClockSteering,
  type ClockSteeringOptions,
  type SteeringAction,
} from "../../src/steering/mod.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";
import { Stage } from "../client/stage.ts";
import { FakeSystemTime } from "./fake_system_time.ts";

/** A system clock on hardware that is wrong, and the true time beside it. */
function steered(
  { ahead = 0, hardware = 0, start, ...options }:
    & { ahead?: number; hardware?: number; start?: Date }
    & Partial<ClockSteeringOptions> = {},
) {
  const time = new VirtualTime(start === undefined ? {} : { start });
  const begun = time.now();
  const oscillator = () =>
    addSeconds(begun, timestampDifference(time.now(), begun) * (1 + hardware));
  const system = new FakeSystemTime(oscillator, ahead);
  const actions: SteeringAction[] = [], errors: Error[] = [];
  const reference = {
    now: () => time.now(),
    frequency: 1 / (1 + hardware) - 1,
    maxError: 0.001,
    known: { synchronized: true, leapIndicator: 0 as LeapIndicator },
    state: () => reference.known,
  };
  const steering = new ClockSteering({
    reference,
    system,
    timers: time,
    onAction: (action) => actions.push(action),
    onError: (error) => errors.push(error),
    ...options,
  });
  const offset = () => timestampDifference(time.now(), system.now());
  return { time, system, reference, steering, actions, errors, offset };
}

test("an offset is slewed away, no faster than permitted, and the clock never runs backwards", async () => {
  for (const ahead of [0.02, -0.02, 0.5]) {
    const { time, system, steering, offset } = steered({ ahead, hardware: 30e-6 });
    steering.start();
    let last = system.now();
    for (let i = 0; i < 3600; i++) {
      await time.run(1000);
      const now = system.now(), went = timestampDifference(now, last);
      assert(Math.abs(went - 1) <= 431e-6, `${went}`);
      last = now;
    }
    assertAlmostEquals(offset(), 0, 1e-7);
    assertAlmostEquals(system.state().frequency, -30e-6, 1e-8);
    assertEquals(steering.steps, 0);
    steering.close();
  }
});

test("it stays right for a day, on hardware that is wrong by 100 ppm", async () => {
  const { time, steering, offset } = steered({ ahead: 0.1, hardware: -100e-6 });
  steering.start();
  await time.run(3_600_000);
  for (let i = 0; i < 23; i++) {
    await time.run(3_600_000);
    assertAlmostEquals(offset(), 0, 1e-7);
  }
  steering.close();
});

test("a large offset is a step, as often as permitted", async () => {
  const { time, system, steering, actions, offset } = steered({ ahead: -5 });
  steering.start();
  assertEquals(actions[0]!.kind, "step");
  assertAlmostEquals(offset(), 0, 1e-6);
  system.adjust({ step: 3 }); // somebody else sets it
  await time.run(10_000);
  assertEquals(steering.steps, 1);
  assertEquals(actions.at(-1)!.kind, "slew");
  assertAlmostEquals(offset(), -3, 0.01);
  steering.close();
});

test("without a step permitted there is none", () => {
  const { steering, actions, system } = steered({ ahead: -5, maxSteps: 0 });
  steering.start();
  assertEquals(actions[0]!.kind, "slew");
  assertEquals(system.adjustments.some(({ step }) => step !== undefined), false);
  steering.close();
});

test("what is off beyond belief ends the steering, and changes nothing", async () => {
  const { time, system, steering, errors } = steered({ ahead: 2000 });
  steering.start();
  await time.run(10_000);
  assertEquals(system.adjustments, []);
  assertEquals(errors.length, 1);
  assert(/2000.* s ahead, more than 1000 s/.test(errors[0]!.message), errors[0]!.message);
});

test("what goes beyond belief later leaves the clock without a slew, and nobody vouching for it", async () => {
  const { time, system, steering, errors } = steered({ ahead: -0.5, hardware: 50e-6 });
  steering.start();
  await time.run(3000);
  system.adjust({ step: 5000 }); // somebody else sets it
  await time.run(3000);
  assertEquals(errors.length, 1);
  const last = system.adjustments.at(-1)!;
  assertAlmostEquals(last.frequency!, -50e-6, 1e-8);
  assertEquals(last.leapIndicator, 3);
  steering.close();
  assertEquals(system.adjustments.at(-1), last);
});

test("a dry run changes nothing, and tells what would be", async () => {
  const { time, system, steering, actions } = steered({ ahead: -0.01, dryRun: true });
  steering.start();
  await time.run(5000);
  steering.close();
  assertEquals(system.adjustments, []);
  assertEquals(actions.map(({ kind }) => kind), Array(6).fill("slew"));
  assertAlmostEquals(actions[0]!.offset, 0.01, 1e-6);
  assertAlmostEquals(actions[0]!.frequency, 400e-6, 1e-9);
});

test("while nobody knows the time the frequency is kept, and the kernel told", async () => {
  const { time, system, reference, steering, actions } = steered({ hardware: 20e-6 });
  steering.start();
  await time.run(10_000);
  reference.known = { synchronized: false, leapIndicator: 3 };
  await time.run(10_000);
  assertEquals(actions.at(-1)!.kind, "hold");
  const last = system.adjustments.at(-1)!;
  assertEquals(last.leapIndicator, 3);
  assertAlmostEquals(last.frequency!, -20e-6, 1e-9);
  steering.close();
});

test("a leap second is handed to the kernel, and nothing is changed around it", async () => {
  const start = new Date("2026-12-31T23:59:50Z");
  const { time, system, reference, steering } = steered({ start });
  reference.known = { synchronized: true, leapIndicator: 1 };
  steering.start();
  await time.run(5500);
  assertEquals(system.adjustments.at(-1)!.leapIndicator, 1);
  const before = system.adjustments.length;
  await time.run(4800);
  reference.known = { synchronized: true, leapIndicator: 0 }; // it has been
  await time.run(3200);
  assert(system.adjustments.length <= before + 1, `${system.adjustments.length - before}`);
  await time.run(8000);
  assert(system.adjustments.length > before + 4);
  steering.close();
});

test("what another program has done to the tick is made good", async () => {
  const { time, system, steering, offset } = steered({ ahead: 0.001 });
  system.told = { tickFrequency: 100e-6 };
  steering.start();
  await time.run(120_000);
  assertAlmostEquals(offset(), 0, 1e-7);
  assertAlmostEquals(system.state().frequency, -100e-6, 1e-8);
  steering.close();
});

test("in the end the clock has the frequency without what was being slewed", async () => {
  const { time, system, steering } = steered({ ahead: -0.5, hardware: 50e-6 });
  steering.start();
  await time.run(3000);
  assert(system.state().frequency > 300e-6);
  steering.close();
  assertAlmostEquals(system.state().frequency, -50e-6, 1e-8);
});

test("a kernel that refuses ends it", () => {
  const { steering, errors } = steered({
    system: {
      now: () => 0xed00_0000_0000_0000n,
      state: () => ({
        frequency: 0,
        tickFrequency: 0,
        synchronized: false,
        kernelLoop: false,
        maxError: 0,
      }),
      adjust() {
        throw new Error("no");
      },
    },
    panicThreshold: Infinity,
  });
  steering.start();
  assertEquals(errors.map(({ message }) => message), ["no"]);
});

test("with an NTPSync the system clock comes to the servers' time, without chasing itself", async () => {
  const stage = new Stage();
  const server = new NTPServer({ clock: stage.clock(0.3), bind: stage.network.bind, stratum: 1 });
  await server.listen({ hostname: "192.0.2.1" });
  const begun = stage.time.now();
  const hardware = () =>
    addSeconds(begun, timestampDifference(stage.time.now(), begun) * (1 + 40e-6));
  const system = new FakeSystemTime(hardware);
  const sync = await stage.play(NTPSync.start({
    servers: [{ hostname: "192.0.2.1", minPoll: 4, maxPoll: 6 }],
    clock: new FunctionClock(hardware, { precision: -20 }),
    timers: stage.time,
    bind: stage.network.bind,
    resolve: (host) => Promise.resolve([host]),
  }));
  const steering = new ClockSteering({
    reference: sync.clock,
    system,
    timers: stage.time,
    panicThreshold: Infinity,
  });
  steering.start();
  await stage.time.run(7_200_000);
  const offset = () => timestampDifference(addSeconds(stage.time.now(), 0.3), system.now());
  for (let i = 0; i < 60; i++) {
    await stage.time.run(60_000);
    assertAlmostEquals(offset(), 0, 2e-4);
  }
  assertAlmostEquals(system.state().frequency, -40e-6, 1e-6);
  assertEquals(steering.steps, 0);
  steering.close();
  await sync.close();
  await server.close();
});

test("options out of range are refused by name", () => {
  const bad: [Partial<ClockSteeringOptions>, typeof RangeError | typeof TypeError, string][] = [
    [{ interval: 0 }, RangeError, "interval"],
    [{ stepThreshold: -1 }, RangeError, "stepThreshold"],
    [{ maxSteps: -1 }, RangeError, "maxSteps"],
    [{ panicThreshold: NaN }, RangeError, "panicThreshold"],
    [{ maxSlew: 0.01 }, RangeError, "maxSlew"],
    [{ interval: "1" as unknown as number }, TypeError, "interval"],
    [{ dryRun: "yes" as unknown as boolean }, TypeError, "dryRun"],
    [{ system: {} as never }, TypeError, "system"],
    [{ reference: {} as never }, TypeError, "reference"],
  ];
  for (const [options, error, name] of bad) assertThrows(() => steered(options), error, name);
});
