import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import { GpsdClock, type GpsdClockOptions } from "../../src/reference/gpsd_clock.ts";
import { NmeaClock } from "../../src/reference/nmea_clock.ts";
import type { NTPSync } from "../../src/sync/ntp_sync.ts";
import { FakeStream, scene, ToldClock } from "./scene.ts";
import { sentence, sentenceAt } from "./sentences.ts";

const ISO = (nanoseconds: bigint) => new Date(Number(nanoseconds / 1_000_000n)).toISOString();

function fix(unix: bigint, device = "/dev/a", mode = 3): string {
  return `${JSON.stringify({ class: "TPV", device, mode, time: ISO(unix), ept: 0.005 })}\r\n`;
}

function pulse(real: bigint, clock: bigint, device = "/dev/a"): string {
  const [real_sec, real_nsec] = [Number(real / 1_000_000_000n), Number(real % 1_000_000_000n)];
  const [clock_sec, clock_nsec] = [Number(clock / 1_000_000_000n), Number(clock % 1_000_000_000n)];
  const fields = { real_sec, real_nsec, clock_sec, clock_nsec, precision: -20 };
  return `${JSON.stringify({ class: "PPS", device, ...fields })}\n`;
}

function gpsdScene(options: GpsdClockOptions = {}) {
  const world = scene(), stream = new FakeStream();
  const clock = new GpsdClock(options, { openStream: stream.open, system: world.system });
  /** A receiver that tells its fix 50 ms after each second, while `says` has something to say. */
  let says: (() => string) | undefined;
  const each = () => {
    if (says !== undefined) stream.send(says());
    world.time.after(1000, each);
  };
  world.time.after(1050, each);
  return { ...world, stream, clock, say: (what: typeof says) => says = what };
}

const errorOf = (sync: NTPSync, now: bigint) => timestampDifference(sync.clock.now(), now);

test("GpsdClock: messages set the clock, loss is holdover, then unsynchronised, and it comes back", async () => {
  const { time, stream, clock, start, unix, say } = gpsdScene();
  say(() => fix(unix(-0.05)));
  const sync = await start({ inputs: [clock], maxHoldover: 120 });
  assertEquals(stream.written, '?WATCH={"enable":true,"json":true,"pps":true};\n');
  await time.run(60_000);
  assertEquals(clock.status().locked, true);
  const locked = sync.clock.state();
  assertEquals([locked.stratum, locked.referenceId, locked.synchronized], [1, 0x47505300, true]);
  assert(Math.abs(errorOf(sync, time.now()) + 0.05) < 1e-3);

  say(() => fix(unix(-0.05), "/dev/a", 1));
  await time.run(60_000);
  assertEquals(clock.status().reason, "the receiver has no fix");
  assertEquals(sync.sources()[0]!.state, "unsynchronized");
  const held = sync.clock.state();
  assertEquals(held.synchronized, true);
  assert(held.rootDispersion > locked.rootDispersion);
  await time.run(80_000);
  assertEquals(sync.clock.state().synchronized, false);
  assert(sync.clock.state().rootDispersion > held.rootDispersion);

  say(() => fix(unix(-0.05)));
  await time.run(40_000);
  assertEquals(sync.clock.state().synchronized, true);
  assertEquals(clock.status().locked, true);
  await sync.close();
  assertEquals(stream.isOpen, false);
});

test("GpsdClock: silence is loss of lock; a silent connection is made again", async () => {
  const { time, stream, clock, start, unix, say } = gpsdScene({ patience: 5 });
  say(() => fix(unix(-0.05)));
  const sync = await start({ inputs: [clock] });
  say(undefined);
  await time.run(40_000);
  assertEquals(clock.status().locked, false);
  await time.run(100_000);
  assert(stream.opened > 1, "never opened again");
  assertEquals(stream.closed, stream.opened - 1);
  await sync.close();
});

test("GpsdClock: a connection that ends is made again, later and later while nothing comes", async () => {
  const { time, stream, clock, start, unix, say } = gpsdScene();
  say(() => fix(unix(-0.05)));
  const sync = await start({ inputs: [clock] });
  say(undefined);
  stream.end();
  assertEquals(clock.status().reason, "it was unplugged");
  const opened: number[] = [];
  for (let i = 0; i < 4; i++) {
    const before = stream.opened, begun = time.elapsedMs;
    for (let n = 0; stream.opened === before && n < 1000; n++) await time.run(100);
    opened.push(Math.round((time.elapsedMs - begun) / 1000));
    stream.end();
  }
  assertEquals(opened, [1, 2, 4, 8]);
  await sync.close();
  const { opened: total } = stream;
  await time.run(100_000);
  assertEquals(stream.opened, total, "opened after close()");
});

test("GpsdClock: pulses count, stamped with the system's clock, however wrong that is", async () => {
  const { time, stream, clock, start, unix, say, system } = gpsdScene();
  system.error = 7.25;
  const real = () => unix() / 1_000_000_000n * 1_000_000_000n;
  say(() => fix(unix(-0.05)) + pulse(real(), real() + 7_250_000_000n));
  const sync = await start({ inputs: [clock] });
  await time.run(600_000);
  assert(Math.abs(errorOf(sync, time.now())) < 1e-4, `${errorOf(sync, time.now())}`);
  assert(sync.clock.maxError < 0.1);
  stream.send(pulse(real(), real() - 20_000_000_000n)); // the system's clock was set
  assertEquals(clock.status().rejected["not of now"], 1);
  await sync.close();
});

test("GpsdClock: pulses of another machine, or before a fix, do not count", async () => {
  const { time, begin, unix } = scene(), stream = new FakeStream();
  const far = new GpsdClock({ hostname: "gps.example" }, { openStream: stream.open });
  const starting = begin({ inputs: [far] });
  await time.run(0);
  stream.send(pulse(unix(), unix()));
  assertEquals(far.status().rejected, { "pulse of another machine": 1 });
  stream.send(fix(unix()));
  await (await time.runUntil(starting)).close();

  const near = new GpsdClock({}, { openStream: stream.open, system: time });
  const waiting = begin({ inputs: [near] });
  await time.run(0);
  stream.send(pulse(unix(), unix()));
  assertEquals(near.status().rejected, { "pulse without a fix": 1 });
  stream.send(fix(unix()));
  await (await time.runUntil(waiting)).close();
});

test("GpsdClock: of several receivers one is followed until it has no fix", async () => {
  const { time, stream, clock, start, unix, say } = gpsdScene();
  say(() => fix(unix(-0.05)) + fix(unix(100), "/dev/b") + fix(unix(), "/dev/c", 1));
  const sync = await start({ inputs: [clock] });
  await time.run(30_000);
  assertEquals(clock.status().locked, true);
  assert(Math.abs(clock.status().offset + 0.05) < 0.002);
  stream.send('{"class":"DEVICE","path":"/dev/b","activated":0}\n');
  assertEquals(clock.status().locked, true);
  stream.send('{"class":"DEVICE","path":"/dev/a","activated":0}\n');
  assertEquals(clock.status().reason, "/dev/a has gone");
  say(() => fix(unix(-0.07), "/dev/b"));
  await time.run(3000);
  assert(Math.abs(clock.status().offset + 0.07) < 0.002);
  await sync.close();
});

test("GpsdClock: a fix that is withdrawn within its second is none", async () => {
  const { time, clock, start, unix, say } = gpsdScene();
  say(() => fix(unix(-0.05)));
  const sync = await start({ inputs: [clock], maxHoldover: 10 });
  say(() => fix(unix(-0.05)) + fix(unix(-0.05), "/dev/a", 1));
  await time.run(20_000);
  const { readings } = clock.status();
  await time.run(20_000);
  assertEquals([clock.status().readings, sync.clock.state().synchronized], [readings, false]);
  say(() => fix(unix(-0.05)));
  await time.run(4000);
  assertEquals(clock.status().locked, true);
  await sync.close();
});

test("GpsdClock: only the receiver that was asked for", async () => {
  const { clock, start, unix, say, stream } = gpsdScene({ device: "/dev/b" });
  say(() => fix(unix(50), "/dev/a") + fix(unix(-0.05), "/dev/b"));
  const sync = await start({ inputs: [clock] });
  assert(stream.written.includes('"device":"/dev/b"'));
  assert(Math.abs(clock.status().offset + 0.05) < 0.002);
  await sync.close();
});

test("GpsdClock: nonsense is counted, and does no harm", async () => {
  const { time, stream, clock, start, unix, say } = gpsdScene();
  say(() => fix(unix(-0.05)));
  const sync = await start({ inputs: [clock] });
  stream.send("{".repeat(100_000) + "\n");
  stream.send("nonsense\n[1]\nnull\n{}\n");
  const huge = Number.MAX_SAFE_INTEGER;
  stream.send(`${
    JSON.stringify({
      ...{ class: "PPS", device: "/dev/a", real_sec: huge, real_nsec: huge },
      ...{ clock_sec: huge, clock_nsec: -huge, precision: 1e9 },
    })
  }\n`);
  assertEquals(clock.status().rejected, { "line too long": 1, malformed: 4, "not of now": 1 });
  await time.run(60_000);
  assertEquals(clock.status().locked, true);
  assert(Math.abs(errorOf(sync, time.now()) + 0.05) < 1e-3);
  await sync.close();
});

test("GpsdClock: closed by who is told of a change, and used again", async () => {
  const { time, stream, clock, start, unix, say } = gpsdScene();
  say(() => fix(unix(-0.05)));
  const sync = await start({ inputs: [clock], onUpdate: (sync) => void sync.close() });
  say(() => fix(unix(-0.05)) + fix(unix(-0.05)));
  await time.run(120_000);
  assertEquals(stream.isOpen, false);
  assertEquals(clock.status().reason, "closed");
  const again = await start({ inputs: [clock] });
  assertEquals(clock.status().locked, true);
  await sync.close();
  await again.close();
  assertEquals(stream.isOpen, false);
});

const rmcAt = (unix: bigint, status = "A") =>
  sentenceAt(new Date(Number(unix / 1_000_000n)), status);

test("NmeaClock: sentences that arrive in pieces; a fix that is lost and comes back", async () => {
  const { time, start, unix } = scene(), stream = new FakeStream();
  const clock = new NmeaClock({ path: "/dev/x", offset: 0.12 }, stream.open);
  let status = "A";
  const each = () => {
    const text = rmcAt(unix(), status);
    stream.send(text.slice(0, 20));
    time.after(30, () => stream.send(text.slice(20)));
    time.after(1000, each);
  };
  time.after(1120, each);
  const sync = await start({ inputs: [clock], maxHoldover: 60 });
  await time.run(60_000);
  assert(Math.abs(errorOf(sync, time.now())) < 1e-3, `${errorOf(sync, time.now())}`);
  assertEquals(sync.clock.state().stratum, 1);
  status = "V";
  await time.run(90_000);
  assertEquals(clock.status().reason, "the receiver has no fix");
  assertEquals(sync.clock.state().synchronized, false);
  status = "A";
  await time.run(3000);
  assertEquals(sync.clock.state().synchronized, true);
  stream.send("$GPRMC,1*00\r\n");
  assertEquals(clock.status().rejected.checksum, 1);
  await sync.close();
});

test("StreamClocks: wrong options", () => {
  const wrong = (options: unknown) => () => new GpsdClock(options as GpsdClockOptions);
  for (const options of [{ hostname: 5 }, { device: 5 }, { poll: "4" }, { maxError: "1" }]) {
    assertThrows(wrong(options), TypeError);
  }
  for (
    const options of [{ port: 0 }, { stratum: 15 }, { maxError: 2 }, { poll: 11 }, { patience: 0 }]
  ) assertThrows(wrong(options), RangeError);
  assertThrows(() => new NmeaClock({}), TypeError);
  assertThrows(() => new NmeaClock({ path: "/dev/a", hostname: "b" }), TypeError);
  assertThrows(() => new NmeaClock({ path: "/dev/a", baudRate: 300 as 9600 }), RangeError);
  assertThrows(() => new NmeaClock({ path: 5 as unknown as string }), TypeError);
  assertThrows(() => new NmeaClock({ hostname: 5 as unknown as string }), TypeError);
  for (const port of [0, 65536, 1.5]) {
    assertThrows(() => new NmeaClock({ hostname: "a", port }), RangeError);
  }
  new NmeaClock({ path: "/dev/a", baudRate: 115200 });
  for (const port of [1, 65535]) new NmeaClock({ hostname: "a", port });
});

test("GpsdClock: precisions and errors are kept within bounds", async () => {
  const { time, stream, clock, start, unix, say } = gpsdScene();
  const told = (precision: unknown) => {
    const seconds = Number(unix() / 1_000_000_000n);
    const times = { real_sec: seconds, real_nsec: 0, clock_sec: seconds, clock_nsec: 0 };
    const message = { class: "PPS", device: "/dev/a", ...times, precision };
    stream.send(`${JSON.stringify(message)}\n`);
    return clock.status().maxError;
  };
  say(() => fix(unix(-0.05)));
  const sync = await start({ inputs: [clock] });
  await time.run(950); // to the second
  assertEquals(told(-20), 2 ** -20);
  assertEquals([told(40), told(1e300)], [1, 1]);
  for (const precision of [-1e9, -200]) assert(told(precision) > 0, `${precision}`);
  assertEquals(told("x"), 1e-5);
  await sync.close();
});

test("GpsdClock: the error that gpsd tells of its time is added, up to a second", async () => {
  for (const [ept, maxError] of [[0.25, 0.35], [0, 0.1], [5, 1]] as const) {
    const { clock, start, unix, say } = gpsdScene();
    say(() => fix(unix(-0.05)).replace('"ept":0.005', `"ept":${ept}`));
    await (await start({ inputs: [clock] })).close();
    assertEquals(clock.status().maxError, maxError);
  }
  const { clock, start, unix, say } = gpsdScene({ maxError: 0.3 });
  say(() => fix(unix(-0.05)));
  await (await start({ inputs: [clock] })).close();
  assertEquals(clock.status().maxError, 0.3);
});

test("GpsdClock: gpsd's own errors are told", async () => {
  const { time, stream, clock, start, unix, say } = gpsdScene();
  say(() => fix(unix(-0.05)));
  const sync = await start({ inputs: [clock] });
  stream.send('{"class":"ERROR","message":"Unrecognized request"}\n');
  assertEquals(clock.status().reason, "gpsd says: Unrecognized request");
  await time.run(2000);
  assertEquals(clock.status().locked, true);
  await sync.close();
});

test("NmeaClock: a stream that ends is read again, with nothing left of the one before", async () => {
  const { time, start, unix } = scene(), stream = new FakeStream();
  const clock = new NmeaClock({ hostname: "gps.example" }, stream.open);
  const each = () => {
    stream.send(rmcAt(unix()));
    time.after(1000, each);
  };
  time.after(1000, each);
  const sync = await start({ inputs: [clock] });
  assertEquals(sync.sources()[0]!.name, "NMEA(gps.example:10110)");
  stream.send("$GPRMC,half of a");
  stream.end();
  assertEquals([clock.status().locked, stream.isOpen], [false, false]);
  await time.run(1100);
  assertEquals([stream.isOpen, stream.opened, stream.written], [true, 2, ""]);
  await time.run(2000);
  assertEquals([clock.status().locked, clock.status().rejected], [true, {}]);
  await sync.close();
});

test("NmeaClock: a receiver that has no time yet says so, and is not waited for", async () => {
  const { time, begin } = scene(), stream = new FakeStream();
  const clock = new NmeaClock({ path: "/dev/x" }, stream.open);
  const starting = begin({ inputs: [clock, new ToldClock()] });
  await time.run(100);
  stream.send(sentence("GPGGA,,,,,,0,00,,,M,,M,,") + sentence("GPRMC,,V,,,,,,,,,,N"));
  assertEquals(clock.status().reason, "the receiver has no fix");
  const sync = await time.runUntil(starting);
  assert(time.elapsedMs < 1000);
  await sync.close();
});

test("StreamClocks: rubbish that goes on for ever is no reason to ask more often", async () => {
  const { time, begin } = scene(), stream = new FakeStream();
  const clock = new NmeaClock({ path: "/dev/x" }, stream.open);
  const starting = begin({ inputs: [clock], timeoutMs: 200_000 });
  starting.catch(() => {});
  const opened: number[] = [];
  await time.run(0);
  for (let i = 0; i < 8; i++) {
    stream.send("rubbish\n".repeat(100));
    const before = stream.opened, begun = time.elapsedMs;
    stream.end();
    for (let n = 0; stream.opened === before && n < 1000; n++) await time.run(100);
    opened.push(Math.round((time.elapsedMs - begun) / 1000));
  }
  assertEquals(opened, [1, 2, 4, 8, 16, 30, 30, 30]);
  assertEquals(clock.status().rejected, { "not NMEA": 800 });
  await time.run(200_000);
  await assertRejects(() => starting);
});

test("StreamClocks: a connection on which nothing is ever heard is made again after a minute", async () => {
  const { time, begin } = scene(), stream = new FakeStream();
  const clock = new NmeaClock({ hostname: "gps.example" }, stream.open);
  const starting = begin({ inputs: [clock], timeoutMs: 200_000 });
  starting.catch(() => {});
  await time.run(59_900);
  assertEquals([stream.opened, stream.closed], [1, 0]);
  await time.run(200);
  assertEquals([stream.opened, stream.closed], [1, 1]);
  assertEquals(clock.status().reason, "nothing has been heard for 60 s");
  await time.run(1000);
  assertEquals(stream.opened, 2);
  await time.run(200_000);
  await assertRejects(() => starting);
});
