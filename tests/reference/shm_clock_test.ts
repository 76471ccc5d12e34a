import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import type { DeviceWorld } from "../../src/reference/device_clock.ts";
import { ShmClock, type ShmClockOptions } from "../../src/reference/shm_clock.ts";
import { SHM_SIZE, ShmSegment } from "../../src/reference/shm_layout.ts";
import { ShmPublisher, type ShmPublisherOptions } from "../../src/reference/shm_publisher.ts";
import { fakeCalls, scene } from "./scene.ts";

/** A machine with shared memory, which notes what is asked of it. */
function machine(given: Record<string, unknown> = {}) {
  const world = scene(), memory = new ArrayBuffer(SHM_SIZE), asked: string[] = [];
  const calls = fakeCalls({
    shmget: (key: number, size: bigint, flags: number) => {
      asked.push(`get ${key.toString(16)} ${size} ${flags.toString(8)}`);
      return 7;
    },
    shmat: (id: number, address: unknown, flags: number) =>
      id === 7 && address === 0 && flags === 0 ? 4096 : -1,
    addressOf: (pointer: number) => BigInt.asUintN(64, BigInt(pointer)),
    memory: () => memory,
    shmdt: () => asked.push("detach"),
    ...given,
  });
  const device: DeviceWorld = { calls, system: world.system };
  return { ...world, calls, device, asked, memory, segment: new ShmSegment(memory) };
}

/** Each second another program writes what time it is: `ahead` of the true one. */
function writer({ time, segment, unix, system }: ReturnType<typeof machine>) {
  const says = { ahead: 0.0002, leapIndicator: 0 as 0 | 1 | 2 | 3, silent: false };
  const each = () => {
    const { ahead, leapIndicator, silent } = says;
    const sample = { clock: unix(ahead), receive: unix(system.error), leapIndicator };
    if (!silent) segment.put({ ...sample, precision: -20 });
    time.after(1000, each);
  };
  time.after(500, each);
  return says;
}

test("ShmClock: samples of another program set the clock, however wrong the system's is", async () => {
  const world = machine(), { time, start, asked, system } = world;
  system.error = -3.5;
  const says = writer(world), clock = new ShmClock({ unit: 2 }, world.device);
  const sync = await start({ inputs: [clock] });
  await time.run(120_000);
  assertAlmostEquals(timestampDifference(sync.clock.now(), time.now()), 0.0002, 1e-5);
  const { stratum, referenceId, leapIndicator } = sync.clock.state();
  assertEquals([stratum, referenceId, leapIndicator], [1, 0x53484d00, 0]);
  assertEquals(sync.sources()[0]!.name, "SHM(2)");
  says.leapIndicator = 1;
  await time.run(40_000);
  assertEquals(sync.clock.state().leapIndicator, 1);
  await sync.close();
  assertEquals(asked, ["get 4e545032 96 1666", "detach"]);
});

test("ShmClock: units 0 and 1 are root's", async () => {
  for (const unit of [0, 1]) {
    const { device, begin, time, asked } = machine();
    const starting = begin({ inputs: [new ShmClock({ unit }, device)], timeoutMs: 100 });
    starting.catch(() => {});
    await time.run(200);
    await assertRejects(() => starting);
    assertEquals(asked[0], `get 4e54503${unit} 96 1600`);
  }
});

test("ShmClock: a coarse writer, such as gpsd without pulses, is believed less", async () => {
  const errors: [number, number][] = [
    ...[[-1, 0.2], [-4, 0.0625], [-20, 1e-3], [-30, 1e-3], [-100, 1e-3]] as [number, number][],
    ...[[0, 1e-3], [5, 1e-3]] as [number, number][], // it does not say
  ];
  for (const [precision, maxError] of errors) {
    const world = machine(), { time, begin, segment, unix } = world;
    const clock = new ShmClock({}, world.device);
    const starting = begin({ inputs: [clock] });
    await time.run(50);
    segment.put({ clock: unix(), receive: unix(), leapIndicator: 0, precision });
    const sync = await time.runUntil(starting);
    assertEquals(clock.status().maxError, maxError, `${precision}`);
    assert(sync.clock.maxError >= maxError);
    await sync.close();
  }
  const world = machine(), { time, begin, segment, unix } = world;
  const told = new ShmClock({ maxError: 0.03 }, world.device), starting = begin({ inputs: [told] });
  await time.run(50);
  segment.put({ clock: unix(), receive: unix(), leapIndicator: 0, precision: -1 });
  await (await time.runUntil(starting)).close();
  assertEquals(told.status().maxError, 0.03);
});

test("ShmClock: what lies there from yesterday does not count", async () => {
  const world = machine(), { time, segment, unix, begin } = world;
  segment.put({ clock: unix(50), receive: unix(), leapIndicator: 0, precision: -20 });
  const clock = new ShmClock({}, world.device);
  const starting = begin({ inputs: [clock] });
  await time.run(400);
  assertEquals([clock.status().readings, clock.status().locked], [0, false]);
  writer(world);
  await (await time.runUntil(starting)).close();
});

test("ShmClock: a writer without a time, a silent one, and one that is back", async () => {
  const world = machine(), { time, start } = world, says = writer(world);
  const clock = new ShmClock({ patience: 5 }, world.device);
  const sync = await start({ inputs: [clock], maxHoldover: 60 });
  says.leapIndicator = 3;
  await time.run(2000);
  assertEquals(clock.status().reason, "its writer has no time");
  says.leapIndicator = 0;
  await time.run(2000);
  assertEquals(clock.status().locked, true);
  says.silent = true;
  await time.run(100_000);
  assert(clock.status().reason.startsWith("nothing has been heard for"), clock.status().reason);
  assertEquals(sync.clock.state().synchronized, false);
  says.silent = false;
  await time.run(2000);
  assertEquals([clock.status().locked, sync.clock.state().synchronized], [true, true]);
  await sync.close();
});

test("ShmClock: samples that are malformed or not of now are counted", async () => {
  const world = machine(), { time, start, segment, unix, memory } = world, says = writer(world);
  const clock = new ShmClock({}, world.device), sync = await start({ inputs: [clock] });
  says.silent = true;
  const view = new DataView(memory);
  const sample = { clock: unix(), receive: unix(), leapIndicator: 0, precision: -20 } as const;
  segment.put(sample);
  view.setInt32(0, 5, true);
  await time.run(200);
  segment.put({ ...sample, receive: unix(-11) });
  await time.run(200);
  segment.put({ ...sample, receive: unix(5) });
  await time.run(200);
  for (const far of [2n ** 62n, -(2n ** 62n)]) {
    segment.put({ ...sample, clock: far, receive: far });
    await time.run(200);
  }
  assertEquals(clock.status().rejected["malformed"], 1);
  assert(clock.status().rejected["not of now"]! >= 2);
  await sync.close();
});

test("ShmClock: memory that cannot be had is told, and tried again", async () => {
  const refusals: [number, RegExp][] = [
    [13, /^Shared memory, unit 0: permission denied/],
    [22, /^Shared memory, unit 0: .*another size.*ipcrm -M 0x4e545030/],
  ];
  for (const [errno, message] of refusals) {
    let refuses = true;
    const world = machine({ shmget: () => refuses ? -1 : 7 }), { time, begin } = world;
    world.calls.error = errno;
    const clock = new ShmClock({}, world.device), starting = begin({ inputs: [clock] });
    await time.run(500);
    assert(message.test(clock.status().reason), clock.status().reason);
    refuses = false;
    writer(world);
    await (await time.runUntil(starting)).close();
  }
});

test("ShmClock: memory that cannot be attached", async () => {
  const world = machine({ addressOf: () => 2n ** 64n - 1n }), { time, begin } = world;
  world.calls.error = 12;
  const clock = new ShmClock({}, world.device);
  const starting = begin({ inputs: [clock], timeoutMs: 1000 });
  starting.catch(() => {});
  await time.run(500);
  assertEquals(clock.status().reason, "Shared memory, unit 0: error 12");
  await time.run(1000);
  await assertRejects(() => starting);
});

test("ShmClock and ShmPublisher: wrong options", async () => {
  for (const unit of [-1, 256, 1.5, NaN]) {
    assertThrows(() => new ShmClock({ unit }), RangeError);
    await assertRejects(() => ShmPublisher.start({ clock: scene().time, unit }), RangeError);
  }
  assertThrows(() => new ShmClock({ unit: "0" } as unknown as ShmClockOptions), TypeError);
  for (const intervalMs of [0, 60_001, NaN]) {
    assertThrows(() => new ShmClock({ intervalMs }), RangeError);
  }
  for (const intervalMs of [1, 60_000]) new ShmClock({ intervalMs, unit: 255 });
  assertThrows(() => new ShmClock({ intervalMs: "9" } as unknown as ShmClockOptions), TypeError);
  const { device, time } = machine();
  const start = (options: unknown) => () =>
    ShmPublisher.start(options as ShmPublisherOptions, device);
  await assertRejects(start({}), TypeError);
  await assertRejects(start({ clock: time, intervalMs: "9" }), TypeError);
  await assertRejects(start({ clock: time, onError: 5 }), TypeError);
  for (const intervalMs of [9, 60_001, NaN]) {
    await assertRejects(start({ clock: time, intervalMs }), RangeError);
  }
  for (const intervalMs of [10, 60_000]) {
    await (await start({ clock: time, timers: time, intervalMs })()).close();
  }
});

test("ShmPublisher: what is published is the clock's time and the system's at that moment", async () => {
  const { device, time, segment, system, unix, asked } = machine();
  system.error = 2.25;
  const publisher = await ShmPublisher.start({ clock: time, unit: 3, timers: time }, device);
  const sample = segment.take();
  assert(typeof sample === "object");
  assertEquals(sample.receive - sample.clock, 2_250_000_000n);
  assertEquals([sample.leapIndicator, sample.precision], [0, time.precision]);
  await time.run(999);
  assertEquals(segment.take(), "nothing new");
  await time.run(1);
  const next = segment.take();
  assertEquals(typeof next === "object" && next.clock, unix());
  assertEquals(publisher.published, 2);
  await publisher.close();
  await publisher.close();
  await time.run(5000);
  assertEquals([publisher.published, segment.take()], [2, "nothing new"]);
  assertEquals(asked, ["get 4e545033 96 1666", "detach"]);
});

test("ShmPublisher: a clock that is not synchronised is not published", async () => {
  const { device, time, segment } = machine();
  let synchronized = false;
  const clock = {
    precision: -20,
    now: () => time.now(),
    read: (into: Uint32Array) => time.read(into),
    state: () => ({ ...time.state(), synchronized }),
  };
  const publisher = await ShmPublisher.start({ clock, timers: time }, device);
  await time.run(3000);
  assertEquals([publisher.published, segment.take()], [0, "nothing new"]);
  synchronized = true;
  await time.run(1000);
  assertEquals(publisher.published, 1);
  await publisher[Symbol.asyncDispose]();
});

test("ShmPublisher: a clock that throws is told of once, and again when it had been well", async () => {
  const { device, time } = machine(), errors: string[] = [];
  let broken = true;
  const clock = {
    precision: -20,
    now: () => time.now(),
    read: (into: Uint32Array) => time.read(into),
    state: () => {
      if (broken) throw new Error("no time");
      return time.state();
    },
  };
  const onError = (error: Error) => errors.push(error.message);
  const publisher = await ShmPublisher.start({ clock, timers: time, onError }, device);
  await time.run(3000);
  assertEquals(errors, ["no time"]);
  broken = false;
  await time.run(1000);
  broken = true;
  await time.run(3000);
  assertEquals([errors.length, publisher.published], [2, 1]);
  await publisher.close();
});

test("ShmPublisher: no memory, no publisher", async () => {
  const { device, calls, time } = machine({ shmget: () => -1 });
  calls.error = 13;
  const error = await assertRejects(
    () => ShmPublisher.start({ clock: time, timers: time }, device),
    NTPError,
  );
  assertEquals(error.code, "permission");
});

test("ShmPublisher to ShmClock: one process's time is the other's", async () => {
  const world = machine(), { time, device, start, system } = world;
  system.error = 40;
  const publisher = await ShmPublisher.start({ clock: time, timers: time, unit: 9 }, device);
  const clock = new ShmClock({ unit: 9, offset: 0.001 }, device);
  const sync = await start({ inputs: [clock] });
  await time.run(100_000);
  assertAlmostEquals(timestampDifference(sync.clock.now(), time.now()), 0.001, 1e-5);
  await sync.close();
  await publisher.close();
});
