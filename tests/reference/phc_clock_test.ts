import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import { PhcClock, type PhcClockOptions } from "../../src/reference/phc_clock.ts";
import { fakeCalls, scene, viewOf } from "./scene.ts";

const CLOCK_REALTIME = 0, DESCRIPTOR = 6;
/** FD_TO_CLOCKID of <linux/time.h>: the complement of the descriptor, three bits to the left, 3. */
const CLOCK_ID = -53;

/** A machine with a hardware clock that keeps TAI: it is `ahead` of it, and reading it takes a while. */
function machine(given: Record<string, unknown> = {}) {
  const world = scene(), { time, system, unix } = world;
  /** Nanoseconds that each call takes, in turn; of a reading of the clock, half before and half after. */
  const device = { ahead: 0, tookNs: [1000], opened: 0, calls: 0, elapsedNs: 0n };
  const put = (into: unknown, at: bigint) => {
    const view = viewOf(into);
    view.setBigInt64(0, at / 1_000_000_000n, true);
    view.setBigInt64(8, at % 1_000_000_000n, true);
  };
  const calls = fakeCalls({
    open: (_: unknown, flags: number) => (device.opened++, flags === 0 ? DESCRIPTOR : -1),
    close: () => device.opened--,
    clock_gettime: (id: number, into: unknown) => {
      if (id === CLOCK_REALTIME) return put(into, unix(system.error) + device.elapsedNs), 0;
      assertEquals(id, CLOCK_ID);
      const took = BigInt(device.tookNs[device.calls++ % device.tookNs.length]!);
      put(into, unix(37 + device.ahead) + device.elapsedNs + took / 2n);
      device.elapsedNs += took;
      return 0;
    },
    ...given,
  });
  // Between looks, no time has gone by that the scene does not know of.
  const settled = { now: () => (device.elapsedNs = 0n, system.now()) };
  return { ...world, calls, device, options: { calls, system: settled }, time };
}

test("PhcClock: TAI of a network card", async () => {
  const { time, start, system, options, device } = machine();
  system.error = 5;
  device.ahead = 0.000_02;
  const clock = new PhcClock({}, options), sync = await start({ inputs: [clock] });
  await time.run(60_000);
  assertAlmostEquals(timestampDifference(sync.clock.now(), time.now()), 0.000_02, 1e-6);
  assertEquals([sync.clock.state().stratum, sync.clock.state().referenceId], [1, 0x50484300]);
  assertEquals(sync.sources()[0]!.name, "PHC(/dev/ptp0)");
  await sync.close();
  assertEquals(device.opened, 0);
});

test("PhcClock: UTC of a virtual machine's host, behind a master that is some way off", async () => {
  const { time, start, options, device } = machine();
  device.ahead = -37;
  const clock = new PhcClock({ utcOffset: 0, refid: "KVM", delay: 0.001, stratum: 1 }, options);
  const sync = await start({ inputs: [clock] });
  await time.run(60_000);
  assertAlmostEquals(timestampDifference(sync.clock.now(), time.now()), 0, 1e-6);
  const { stratum, rootDelay } = sync.clock.state();
  assertEquals(stratum, 2);
  assertAlmostEquals(rootDelay, 0.001, 1e-6);
  await sync.close();
});

test("PhcClock: of several readings the quickest counts, in its middle", async () => {
  const { time, start, options, device } = machine();
  // One in five was not interrupted.
  device.tookNs = [90_000, 40_000, 2000, 8000, 30_000];
  const clock = new PhcClock({}, options), sync = await start({ inputs: [clock] });
  await time.run(60_000);
  assert(Math.abs(clock.status().offset) < 2e-6, `${clock.status().offset}`);
  assertEquals(device.calls % 5, 0);
  await sync.close();
});

test("PhcClock: no reading while the system's clock is set back again and again", async () => {
  const { time, start, options, device, calls } = machine();
  const clock = new PhcClock({}, options), sync = await start({ inputs: [clock] });
  device.tookNs = [-5_000_000];
  await time.run(2000);
  assertEquals(
    clock.status().reason,
    "/dev/ptp0: the system's clock was set while it was read",
  );
  device.tookNs = [1000];
  await time.run(3000);
  assertEquals(clock.status().locked, true);
  assert(calls.errno() > 0);
  await sync.close();
});

test("PhcClock: a device that cannot be opened, or is no clock", async () => {
  const cases = [
    [{ open: () => -1 }, 13, /^\/dev\/ptp3: permission denied/],
    [
      { clock_gettime: (id: number) => id === CLOCK_REALTIME ? 0 : -1 },
      22,
      /^\/dev\/ptp3: it cannot/,
    ],
  ] as const;
  for (const [given, errno, message] of cases) {
    const { time, begin, options, calls, device } = machine(given);
    calls.error = errno;
    const clock = new PhcClock({ path: "/dev/ptp3" }, options);
    const starting = begin({ inputs: [clock], timeoutMs: 500 });
    const failed = starting.then(() => "set", () => "failed");
    await time.run(400);
    assert(message.test(clock.status().reason), clock.status().reason);
    assertEquals(device.opened, 0);
    await time.run(200);
    assertEquals(await failed, "failed");
  }
});

test("PhcClock: wrong options", () => {
  for (const options of [{ path: 5 }, { utcOffset: "37" }]) {
    assertThrows(() => new PhcClock(options as unknown as PhcClockOptions), TypeError);
  }
  for (const utcOffset of [36.5, NaN, Infinity]) {
    assertThrows(() => new PhcClock({ utcOffset }), RangeError);
  }
});
