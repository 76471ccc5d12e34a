import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { NTPPacket } from "../../src/packet/packet.ts";
import { addSeconds, timestampDifference } from "../../src/packet/timestamp.ts";
import { GpsdClock } from "../../src/reference/gpsd_clock.ts";
import { NmeaClock } from "../../src/reference/nmea_clock.ts";
import { PhcClock } from "../../src/reference/phc_clock.ts";
import { PpsClock } from "../../src/reference/pps_clock.ts";
import type { ReferenceClock, ReferenceClockOptions } from "../../src/reference/reference_clock.ts";
import { ShmClock } from "../../src/reference/shm_clock.ts";
import { SockClock } from "../../src/reference/sock_clock.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import type { NTPSync } from "../../src/sync/ntp_sync.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { MemoryNetwork } from "../../src/transport/memory.ts";
import { scene, ToldClock } from "./scene.ts";

const errorOf = (sync: NTPSync, now: bigint) => timestampDifference(sync.clock.now(), now);

test("ReferenceClock: what it announces by default, and what it is told to", async () => {
  const { time, start } = scene();
  const plain = new ToldClock(), sync = await start({ inputs: [plain] });
  const { referenceId, stratum, leapIndicator, rootDelay } = sync.clock.state();
  assertEquals([referenceId, stratum, leapIndicator, rootDelay], [0x4c4f434c, 1, 0, 0]);
  await sync.close();
  const told = new ToldClock({ refid: "LAB", stratum: 4, delay: 0.2, maxError: 0.01, offset: -7 });
  const other = await start({ inputs: [told] });
  const state = other.clock.state();
  assertEquals([state.referenceId, state.stratum], [0x4c414200, 5]);
  assertAlmostEquals(state.rootDelay, 0.2, 1e-4);
  assert(state.rootDispersion >= 0.01 && state.rootDispersion < 0.1);
  assertAlmostEquals(errorOf(other, time.now()), -7, 1e-6);
  assert(other.clock.maxError >= 0.11, "half of the delay counts as error");
  await other.close();
});

test("ReferenceClock: its status, from before the start to after the end", async () => {
  const { time, start } = scene(), clock = new ToldClock({ maxError: 0.002 });
  assertEquals(clock.status(), {
    ...{ locked: false, reason: "not started", offset: NaN, jitter: 0, maxError: 0.002 },
    ...{ leapIndicator: 0, readings: 0, rejected: {} },
  });
  clock.tell(time.now(), time.now());
  clock.lose("never begun");
  assertEquals([clock.status().readings, clock.status().reason], [0, "not started"]);
  clock.ahead = 0.25;
  const sync = await start({ inputs: [clock] });
  await time.run(5000);
  const { locked, reason, offset, readings } = clock.status();
  assertEquals([locked, reason, readings], [true, "", 6]);
  assertAlmostEquals(offset, 0.25, 1e-9);
  const [source] = sync.sources();
  assertEquals([source!.kind, source!.name, source!.state], [
    "reference clock",
    "LOCL",
    "selected",
  ]);
  await sync.close();
  await sync.close();
  assertEquals([clock.status().locked, clock.status().reason], [false, "closed"]);
});

test("ReferenceClock: lock, holdover with growing dispersion, then unsynchronised, and back, as clients see it", async () => {
  const { time, start } = scene(), network = new MemoryNetwork();
  const clock = new ToldClock({ refid: "GPS", maxError: 1e-6 });
  const sync = await start({ inputs: [clock], maxHoldover: 3600 });
  const server = new NTPServer({ clock: sync.clock, bind: network.bind });
  await server.listen({ hostname: "192.0.2.1", port: 123 });
  let reply: NTPPacket | undefined;
  const client = await network.bind({
    hostname: "192.0.2.2",
    clock: time,
    onDatagram: (data) => reply = NTPPacket.decode(data.slice()),
  });
  let transmitTimestamp = 1n;
  const ask = async () => {
    reply = undefined;
    const request = new NTPPacket({ transmitTimestamp: transmitTimestamp++ });
    client.send(request.encode(), new Endpoint("192.0.2.1", 123));
    await time.run(10);
    const { leapIndicator, stratum, referenceText, rootDispersion } = reply!;
    return { leapIndicator, stratum, referenceText, rootDispersion };
  };

  await time.run(600_000);
  const locked = await ask();
  assertEquals([locked.leapIndicator, locked.stratum, locked.referenceText], [0, 1, "GPS"]);
  assert(locked.rootDispersion < 1e-3, `${locked.rootDispersion}`);

  clock.lose("the antenna is off");
  let before = locked.rootDispersion;
  for (const minute of [10, 20, 30, 40, 50]) {
    await time.run(600_000);
    const held = await ask();
    assertEquals(
      [held.leapIndicator, held.stratum, held.referenceText],
      [0, 1, "GPS"],
      `${minute}`,
    );
    assert(held.rootDispersion > before, `${before} ${held.rootDispersion}`);
    before = held.rootDispersion;
  }
  await time.run(900_000);
  const lost = await ask();
  // Stratum 16 is 0 on the wire (RFC 5905 §7.3, figure 11).
  assertEquals([lost.leapIndicator, lost.stratum, sync.clock.state().synchronized], [3, 0, false]);
  assert(lost.rootDispersion > before);
  assertEquals(sync.sources()[0]!.error?.message, "the antenna is off");

  clock.ahead = 0;
  await time.run(60_000);
  const back = await ask();
  assertEquals([back.leapIndicator, back.stratum, back.referenceText], [0, 1, "GPS"]);
  assert(back.rootDispersion < before / 2, `${back.rootDispersion}`);
  await server.close();
  await sync.close();
});

test("ReferenceClock: silence is loss of lock after its patience, and counts in the reach register", async () => {
  const { time, start } = scene(), clock = new ToldClock({ patience: 20, poll: 3 });
  const sync = await start({ inputs: [clock] });
  await time.run(70_000);
  const reach = () => sync.sources()[0]!.reach.toString(2);
  assertEquals(reach(), "11111111");
  clock.ahead = undefined;
  await time.run(16_000);
  assertEquals(clock.status().locked, true);
  await time.run(16_000);
  assertEquals(clock.status().locked, false);
  assert(/^nothing has been heard for \d+ s$/.test(clock.status().reason), clock.status().reason);
  await time.run(100_000);
  assertEquals([reach(), sync.sources()[0]!.error?.message], ["0", clock.status().reason]);
  clock.ahead = 0;
  await time.run(1500);
  assertEquals([clock.status().locked, reach()], [true, "1"]);
  await sync.close();
});

test("ReferenceClock: its patience does not depend on how often it makes samples", async () => {
  for (const [poll, patience] of [[10, 3], [10, 30], [0, 3], [0, 30]] as const) {
    const { time, start } = scene(), clock = new ToldClock({ poll, patience });
    const sync = await start({ inputs: [clock] });
    await time.run(100_000);
    // Even one reading makes a sample.
    if (poll === 0) assertEquals(sync.sources()[0]!.reach, 255);
    clock.ahead = undefined;
    await time.run(patience * 1000 - 1100);
    assertEquals(clock.status().locked, true, `${poll} ${patience}`);
    await time.run(1200);
    assertEquals(clock.status().reason, `nothing has been heard for ${patience} s`);
    await sync.close();
    assertEquals(time.pending, 0);
  }
});

test("ReferenceClock: one that is silent is waited for during its patience, not for ever", async () => {
  for (const patience of [3, 10]) {
    const { time, start } = scene(), silent = new ToldClock({ patience });
    silent.ahead = undefined;
    const sync = await start({ inputs: [new ToldClock(), silent] });
    assertAlmostEquals(time.elapsedMs / 1000, patience, 0.1);
    assertEquals(silent.status().reason, "nothing heard yet");
    await sync.close();
    await time.run(60_000);
    assertEquals(time.pending, 0);
  }
});

test("ReferenceClock: one that says that it has no time is not waited for", async () => {
  const { time, begin } = scene(), lost = new ToldClock();
  const starting = begin({ inputs: [new ToldClock(), lost] });
  await time.run(0);
  lost.lose("no fix");
  const sync = await time.runUntil(starting);
  assert(time.elapsedMs <= 500, `${time.elapsedMs}`);
  await sync.close();
});

test("ReferenceClock: readings of the future or long past do not count", async () => {
  const { time, start } = scene(), clock = new ToldClock({ patience: 10 });
  const sync = await start({ inputs: [clock] });
  const now = time.now(), { readings } = clock.status();
  for (const ago of [10.1, 3600, 1e9, -0.002, -5]) clock.tell(now, addSeconds(now, -ago));
  assertEquals([clock.status().rejected, clock.status().readings], [{ "not of now": 5 }, readings]);
  for (const ago of [9.9, 0, -0.0005]) clock.tell(addSeconds(now, -ago), addSeconds(now, -ago));
  assertEquals(clock.status().readings, readings + 3);
  await sync.close();
});

test("ReferenceClock: outliers among its readings do no harm, its jitter tells of them", async () => {
  const { time, start } = scene(), clock = new ToldClock({ maxError: 1e-5 });
  const sync = await start({ inputs: [clock] });
  for (let i = 0; i < 600; i++) {
    clock.ahead = i % 5 === 4 ? 0.3 : (i % 2) * 1e-4;
    await time.run(1000);
    assert(Math.abs(errorOf(sync, time.now())) < 2e-4, `${i}: ${errorOf(sync, time.now())}`);
  }
  assert(clock.status().jitter > 1e-6 && clock.status().jitter < 1e-3, `${clock.status().jitter}`);
  await sync.close();
});

test("ReferenceClock: one that talks very much", async () => {
  const { time, start } = scene(), clock = new ToldClock({ poll: 4 });
  clock.ahead = 0.001;
  const sync = await start({ inputs: [clock] });
  await time.run(1000);
  for (let i = 0; i < 5000; i++) clock.tell(addSeconds(time.now(), 0.002 * (i % 2)), time.now());
  await time.run(16_000);
  assertEquals(clock.status().readings >= 5000, true);
  assertAlmostEquals(errorOf(sync, time.now()), 0.001, 1e-4);
  await sync.close();
});

test("ReferenceClock: leap seconds that it announces, an alarm, and errors that it tells", async () => {
  const { time, start } = scene(), clock = new ToldClock({ poll: 2, maxError: 1e-4 });
  const sync = await start({ inputs: [clock], maxHoldover: 30 });
  for (const leapIndicator of [1, 2, 0] as const) {
    clock.more = { leapIndicator };
    await time.run(20_000);
    assertEquals([sync.clock.state().leapIndicator, clock.status().leapIndicator], [
      leapIndicator,
      leapIndicator,
    ]);
  }
  clock.more = { maxError: 0.05 };
  await time.run(20_000);
  assertEquals(clock.status().maxError, 0.05);
  assert(sync.clock.maxError >= 0.05);
  clock.more = { leapIndicator: 3 };
  await time.run(60_000);
  assertEquals(sync.clock.state().synchronized, false);
  clock.more = { maxError: 1e-4 };
  await time.run(10_000);
  assertEquals(sync.clock.state().synchronized, true);
  await sync.close();
});

test("ReferenceClock: what was read before the machine slept, or a clock was set, counts no more", async () => {
  const { time, start } = scene(), wall = { set: 0 };
  const clock = new ToldClock({ poll: 6 });
  clock.ahead = 0.5;
  const sync = await start({ inputs: [clock], wallMs: () => time.elapsedMs + wall.set });
  await time.run(64_300); // up to a poll
  await time.run(20_000);
  wall.set = 50_000; // the raw clock stood still
  const { readings } = clock.status();
  clock.ahead = 50.5;
  await time.run(42_000);
  // The one that may have been stamped before is not counted either.
  assertEquals(clock.status().rejected, { "a clock was set": 1 });
  assertEquals(clock.status().readings, readings + 41);
  await time.run(3000);
  assert(clock.status().jitter < 1e-6, `${clock.status().jitter}`);
  assertAlmostEquals(errorOf(sync, time.now()), 50.5, 1e-3);
  await sync.close();
});

test("ReferenceClock: the era's end", async () => {
  const { time, start } = scene(), clock = new ToldClock();
  clock.ahead = Date.UTC(2036, 1, 7, 6, 28, 10) / 1000 - Date.UTC(2026, 11, 1) / 1000;
  const sync = await start({ inputs: [clock] });
  await time.run(60_000);
  assertAlmostEquals(errorOf(sync, time.now()), clock.ahead, 1e-3);
  assertEquals(sync.clock.date().getUTCFullYear(), 2036);
  await sync.close();
});

test("ReferenceClock: wrong options", () => {
  const make = (options: unknown) => () => new ToldClock(options as ReferenceClockOptions);
  const types = ["stratum", "offset", "delay", "maxError", "poll", "patience"];
  for (const name of types) assertThrows(make({ [name]: "1" }), TypeError, name);
  const ranges: Record<string, number[]> = {
    ...{ stratum: [-1, 15, 1.5], offset: [NaN, Infinity], delay: [-0.1, 1.1, NaN] },
    ...{ maxError: [0, -1, 1.1, NaN], poll: [-1, 11, 2.5], patience: [0.5, NaN] },
  };
  for (const [name, values] of Object.entries(ranges)) {
    for (const value of values) assertThrows(make({ [name]: value }), RangeError, name);
  }
  for (const refid of ["", "FIVES", "é"]) assertThrows(make({ refid }), RangeError);
  assertThrows(make({ refid: 5 }), TypeError);
});

test("ReferenceClock: names and errors that each kind has by default", () => {
  const kinds: [ReferenceClock, string, number][] = [
    [new GpsdClock(), "GPS", 0.1],
    [new NmeaClock({ path: "/dev/x" }), "GNSS", 0.1],
    [new PpsClock(), "PPS", 1e-5],
    [new PhcClock(), "PHC", 1e-6],
    [new ShmClock(), "SHM", 1e-3],
    [new SockClock({ path: "/x" }), "SOCK", 1e-3],
    [new ToldClock(), "LOCL", 1e-3],
  ];
  for (const [clock, refid, maxError] of kinds) {
    assertEquals([clock.refid, clock.status().maxError], [refid, maxError]);
  }
});
