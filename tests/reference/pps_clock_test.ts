import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import { PpsClock, type PpsClockOptions } from "../../src/reference/pps_clock.ts";
import { nearestSecond, readPulse } from "../../src/reference/pps_layout.ts";
import { fakeCalls, putTime, scene, ToldClock, viewOf } from "./scene.ts";

// As <linux/pps.h> has them: _IOR('p', 0xa1, struct pps_kparams *) and the like.
const GETPARAMS = 0x800870a1n, SETPARAMS = 0x400870a2n, GETCAP = 0x800870a3n, FETCH = 0xc00870a4n;
const ASSERT = 1, CLEAR = 2;

/** A machine with a pulse whose rising edge comes `late` seconds after the second, for 0.1 s. */
function machine(given: Record<string, unknown> = {}) {
  const world = scene(), { time, system, unix } = world;
  const device = {
    ...{ late: 0, sequence: 41, stopped: false, captures: ASSERT | CLEAR, can: ASSERT | CLEAR },
    ...{ fetched: 0, opened: 0, fails: 0, at: { assert: 0n, clear: 0n } },
  };
  const calls = fakeCalls({
    open: (_: unknown, flags: number) => {
      device.opened++;
      return device.fails > 0 ? (calls.error = 2, device.fails--, -1) : flags === 2 ? 9 : -1;
    },
    close: () => device.opened--,
    ioctl: (descriptor: number, request: bigint, argument: unknown) => {
      const view = viewOf(argument);
      assertEquals(descriptor, 9);
      if (request === GETPARAMS) view.setInt32(4, device.captures, true);
      else if (request === GETCAP) view.setInt32(0, device.can, true);
      else if (request === SETPARAMS) device.captures = view.getInt32(4, true);
      else if (request === FETCH) {
        device.fetched++;
        // A time limit of 0: what there is, without waiting.
        assertEquals([48, 52, 56, 60].map((at) => view.getInt32(at, true)), [0, 0, 0, 0]);
        view.setUint32(0, device.captures & ASSERT ? device.sequence : 0, true);
        view.setUint32(4, device.captures & CLEAR ? device.sequence : 0, true);
        putTime(view, 8, device.at.assert);
        putTime(view, 24, device.at.clear);
      } else return -1;
      return 0;
    },
    ...given,
  });
  const each = () => {
    time.after(1000, each);
    if (device.stopped) return;
    device.sequence = (device.sequence + 1) >>> 0;
    device.at = { assert: unix(system.error), clear: unix(system.error + 0.1) };
  };
  time.after(1000, () => time.after(1000 * device.late, each));
  return { ...world, calls, device, options: { calls, system } };
}

const errorOf = (sync: { clock: { now(): bigint } }, now: bigint) =>
  timestampDifference(sync.clock.now(), now);

test("PPS: what the kernel tells, in the place where it tells it", () => {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, 4_000_000_000, true);
  view.setUint32(4, 7, true);
  putTime(view, 8, 1_800_000_000_000_000_123n);
  putTime(view, 24, 1_800_000_000_100_000_456n);
  assertEquals(readPulse(view, "assert"), {
    sequence: 4_000_000_000,
    time: 1_800_000_000_000_000_123n,
  });
  assertEquals(readPulse(view, "clear"), { sequence: 7, time: 1_800_000_000_100_000_456n });
});

test("PPS: the nearest second", () => {
  const second = 1_000_000_000n;
  assertEquals(nearestSecond(5n * second), 5n * second);
  assertEquals(nearestSecond(5n * second + 499_999_999n), 5n * second);
  assertEquals(nearestSecond(5n * second - 500_000_000n), 5n * second);
  assertEquals(nearestSecond(5n * second - 500_000_001n), 4n * second);
});

test("PpsClock: the coarse clock says which second, the pulse when it begins", async () => {
  const { time, start, system, options } = machine();
  system.error = -0.3;
  const coarse = new ToldClock({ refid: "NMEA", maxError: 0.2 });
  coarse.ahead = 0.09;
  const clock = new PpsClock({ prefer: true }, options);
  const sync = await start({ inputs: [coarse, clock] });
  assert(time.elapsedMs < 5000, `set after ${time.elapsedMs} ms`);
  await time.run(300_000);
  assertAlmostEquals(errorOf(sync, time.now()), 0, 1e-6);
  const { stratum, referenceId, rootDispersion } = sync.clock.state();
  assertEquals([stratum, referenceId], [1, 0x50505300]);
  assert(rootDispersion < 1e-3, `${rootDispersion}`);
  // The coarse one is lost; which second it is needs no longer be told.
  coarse.lose("no antenna");
  await time.run(600_000);
  assertAlmostEquals(errorOf(sync, time.now()), 0, 1e-6);
  assertEquals(sync.clock.state().synchronized, true);
  await sync.close();
});

test("PpsClock: trusted, it is followed though sentences come later than their error says", async () => {
  for (const trust of [true, false]) {
    const { time, start, options } = machine();
    const late = new ToldClock({ maxError: 0.1 });
    late.ahead = -0.35;
    const clock = new PpsClock({ prefer: true, trust }, options);
    const sync = await start({ inputs: [late, clock] });
    await time.run(100_000);
    const states = sync.sources().map(({ state }) => state);
    assertEquals(states, trust ? ["falseticker", "selected"] : ["no majority", "no majority"]);
    if (trust) assertAlmostEquals(errorOf(sync, time.now()), 0, 1e-6);
    await sync.close();
  }
});

test("PpsClock: locked to sentences that are not followed themselves", async () => {
  const { time, begin, options, system } = machine();
  system.error = 9;
  const lock = new ToldClock({ maxError: 0.1, noSelect: true, offset: 0.02 });
  lock.ahead = undefined;
  const clock = new PpsClock({ lock }, options);
  const starting = begin({ inputs: [lock, clock] });
  await time.run(5000);
  assert(clock.status().rejected["second unknown"]! > 0);
  lock.ahead = -0.45;
  const sync = await time.runUntil(starting);
  await time.run(100_000);
  assertAlmostEquals(errorOf(sync, time.now()), 0, 1e-6);
  assertEquals(sync.sources().map(({ state }) => state), ["watched", "selected"]);
  // Without it the second is known all the same; when it is back it is believed again.
  lock.lose("no fix");
  await time.run(100_000);
  assertEquals([clock.status().locked, sync.clock.state().synchronized], [true, true]);
  assertAlmostEquals(errorOf(sync, time.now()), 0, 1e-6);
  lock.ahead = 1.9;
  await time.run(100_000);
  assertAlmostEquals(errorOf(sync, time.now()), 2, 1e-6);
  await sync.close();
});

test("PpsClock: a clock that is right to within half a second only tells no second", async () => {
  for (const [maxError, counts] of [[0.45, false], [0.3, true]] as const) {
    const { time, start, options } = machine(), coarse = new ToldClock({ maxError });
    const clock = new PpsClock({ prefer: true }, options);
    const sync = await start({ inputs: [coarse, clock] });
    await time.run(5000);
    assertEquals([clock.status().locked, clock.status().readings > 0], [counts, counts]);
    await sync.close();
  }
});

test("PpsClock: a lock that is as good as none", async () => {
  const { time, begin, options } = machine();
  const lock = new ToldClock({ maxError: 0.5, noSelect: true }),
    clock = new PpsClock({ lock }, options);
  const starting = begin({ inputs: [lock, clock], timeoutMs: 5000 });
  starting.catch(() => {});
  await time.run(6000);
  await assertRejects(() => starting);
  assertEquals(clock.status().readings, 0);
});

test("PpsClock: whatever the order of the two, and however late the coarse one comes", async () => {
  const { time, begin, options } = machine();
  const coarse = new ToldClock({ maxError: 0.2 });
  coarse.ahead = undefined;
  const clock = new PpsClock({ prefer: true }, options);
  const starting = begin({ inputs: [clock, coarse] });
  await time.run(6000);
  assertEquals(clock.status().locked, false);
  assert(clock.status().rejected["second unknown"]! >= 3);
  coarse.ahead = -0.1;
  const sync = await time.runUntil(starting);
  await time.run(100_000);
  assertAlmostEquals(errorOf(sync, time.now()), 0, 1e-6);
  await sync.close();
});

test("PpsClock: pulses alone set no clock", async () => {
  const { time, begin, options } = machine();
  const clock = new PpsClock({}, options);
  const starting = begin({ inputs: [clock], timeoutMs: 20_000 });
  starting.catch(() => {});
  await time.run(25_000);
  const what = "within 20000 ms. PPS(/dev/pps0): nothing heard yet";
  await assertRejects(() => starting, Error, what);
  assertEquals(clock.status().readings, 0);
});

test("PpsClock: each pulse counts once, missed ones do no harm, the sequence may wrap", async () => {
  const { time, start, options, device } = machine();
  device.sequence = 2 ** 32 - 20;
  const coarse = new ToldClock({ maxError: 0.2 });
  // Looked at every 3 s: two of three are missed.
  const clock = new PpsClock({ prefer: true, intervalMs: 3000 }, options);
  const sync = await start({ inputs: [coarse, clock] });
  await time.run(60_000);
  const { readings } = clock.status();
  assert(readings >= 18 && readings <= 21, `${readings}`);
  device.stopped = true;
  await time.run(4000);
  const before = clock.status().readings;
  await time.run(6000);
  assertEquals(clock.status().readings, before);
  await sync.close();
});

test("PpsClock: pulses that stop are loss of lock, within its patience", async () => {
  const { time, start, options, device } = machine();
  const coarse = new ToldClock({ maxError: 0.2 });
  const clock = new PpsClock({ prefer: true, patience: 3, poll: 2 }, options);
  const sync = await start({ inputs: [coarse, clock] });
  await time.run(30_000);
  assertEquals(clock.status().locked, true);
  device.stopped = true;
  await time.run(9000);
  assertEquals(clock.status().locked, false);
  device.stopped = false;
  await time.run(4000);
  assertEquals(clock.status().locked, true);
  await sync.close();
});

test("PpsClock: the pulse that lay there before does not count", async () => {
  const { time, start, options, device } = machine();
  device.stopped = true;
  device.at = { assert: 1n, clear: 1n };
  const clock = new PpsClock({}, options);
  const sync = await start({ inputs: [new ToldClock({ maxError: 0.2 }), clock] });
  await time.run(5000);
  assertEquals([clock.status().readings, clock.status().rejected], [0, {}]);
  assert(device.fetched > 10);
  await sync.close();
});

test("PpsClock: the other edge, and an offset for cables", async () => {
  const { time, start, options } = machine();
  const coarse = new ToldClock({ maxError: 0.3 });
  const clear = new PpsClock({ edge: "clear", prefer: true, offset: 0.1 }, options);
  const sync = await start({ inputs: [coarse, clear] });
  await time.run(100_000);
  assertAlmostEquals(errorOf(sync, time.now()), 0, 1e-5);
  await sync.close();
});

test("PpsClock: an edge that the kernel does not stamp yet is asked for", async () => {
  const { time, start, options, device } = machine();
  device.captures = ASSERT | 0x1000;
  const clock = new PpsClock({ edge: "clear", prefer: true, offset: 0.1 }, options);
  const sync = await start({ inputs: [new ToldClock({ maxError: 0.3 }), clock] });
  await time.run(10_000);
  assertEquals([device.captures, clock.status().locked], [ASSERT | CLEAR | 0x1000, true]);
  await sync.close();
  assertEquals(device.opened, 0);
});

test("PpsClock: an edge that cannot be had is told, and descriptors are closed", async () => {
  for (
    const [can, refuses, message] of [
      [ASSERT, 0, /^\/dev\/pps7: .*edge "clear"/],
      [ASSERT | CLEAR, 1, /^\/dev\/pps7: not permitted/],
    ] as const
  ) {
    const { time, begin, options, device, calls } = machine();
    device.captures = ASSERT;
    device.can = can;
    const { ioctl } = calls;
    const refusing = (...args: Parameters<typeof ioctl>) => {
      if (refuses === 0 || args[1] !== SETPARAMS) return ioctl(...args);
      calls.error = refuses;
      return -1;
    };
    const world = {
      ...options,
      calls: new Proxy(calls, {
        get: (target, name) => name === "ioctl" ? refusing : Reflect.get(target, name),
      }),
    };
    const clock = new PpsClock({ path: "/dev/pps7", edge: "clear" }, world);
    const sync = await time.runUntil(begin({ inputs: [new ToldClock({ maxError: 0.3 }), clock] }));
    assert(message.test(clock.status().reason), clock.status().reason);
    assertEquals(device.opened, 0);
    await sync.close();
  }
});

test("PpsClock: a device that is not there yet, then goes away and comes back", async () => {
  const { time, start, options, device, calls } = machine();
  device.fails = 2;
  const clock = new PpsClock({ prefer: true }, options);
  const sync = await start({ inputs: [new ToldClock({ maxError: 0.3 }), clock] });
  assertEquals(clock.status().reason, "/dev/pps0: there is none");
  await time.run(10_000);
  assertEquals(clock.status().locked, true);
  const { ioctl } = calls;
  Object.assign(options, {
    calls: Object.assign(calls, { ioctl: () => (calls.error = 19, -1) }),
  });
  await time.run(1000);
  assertEquals(clock.status().reason, "/dev/pps0: no such device");
  Object.assign(calls, { ioctl });
  await time.run(5000);
  assertEquals(clock.status().locked, true);
  await sync.close();
});

test("PpsClock: wrong options", () => {
  for (
    const options of [{ path: 5 }, { edge: "both" }, { edge: 1 }, { lock: {} }, { lock: "SHM" }]
  ) {
    assertThrows(() => new PpsClock(options as unknown as PpsClockOptions), TypeError);
  }
});
