// `ntps serve --refclock` and `ntps sync --refclock`: what a SPEC may be, and what becomes of it.
import { test } from "node:test";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { readRefclock } from "../../src/cli/refclock_spec.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { queryRaw } from "../../src/client/query.ts";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import { GpsdClock } from "../../src/reference/gpsd_clock.ts";
import { NmeaClock } from "../../src/reference/nmea_clock.ts";
import { PhcClock } from "../../src/reference/phc_clock.ts";
import { PpsClock } from "../../src/reference/pps_clock.ts";
import { ShmClock } from "../../src/reference/shm_clock.ts";
import { SockClock } from "../../src/reference/sock_clock.ts";
import { FakeReceiver } from "./fake_receiver.ts";
import { FakeWorld } from "./fake_world.ts";

/** Nothing of the machine is asked for while a clock is only made. */
const NOWHERE = { device: { calls: undefined as never, system: { now: () => 0n } } };

/** A world with a receiver, and how a client sees what it serves. */
function gnss(aheadSeconds = 0) {
  const world = new FakeWorld();
  const receiver = new FakeReceiver(world, aheadSeconds);
  Object.assign(world, { refclocks: receiver.refclocks });
  const ask = async () => {
    const { bind, clock, timers, queryOptions } = new FakeWorld(world);
    const { packet } = await world.time.runUntil(
      queryRaw("192.0.2.7", { bind, clock, timers, ...queryOptions }),
    );
    // It left 10 ms ago.
    const ahead = timestampDifference(packet.transmitTimestamp, world.time.now()) + 0.01;
    const { leapIndicator, stratum, referenceText, rootDelay, rootDispersion } = packet;
    return { leapIndicator, stratum, referenceText, rootDelay, rootDispersion, ahead };
  };
  return { world, receiver, ask };
}

test("a refclock: each kind, with and without its place", () => {
  const kinds = [
    ["gpsd", GpsdClock, "GPS"],
    ["gpsd:gps.example.net", GpsdClock, "GPS"],
    ["gpsd:[2001:db8::1]:2947,device=/dev/ttyACM0", GpsdClock, "GPS"],
    ["nmea:/dev/ttyS0,baud=9600", NmeaClock, "GNSS"],
    ["nmea:192.0.2.5:4001,refid=GAL", NmeaClock, "GAL"],
    ["pps", PpsClock, "PPS"],
    ["pps:/dev/pps1,edge=clear,prefer", PpsClock, "PPS"],
    ["phc:/dev/ptp1,utc-offset=0,delay=2us", PhcClock, "PHC"],
    ["shm", ShmClock, "SHM"],
    ["shm:255,refid=PPS", ShmClock, "PPS"],
    ["sock:/run/ntps.sock,stratum=3,poll=2,patience=60", SockClock, "SOCK"],
  ] as const;
  for (const [text, kind, refid] of kinds) {
    const read = readRefclock(text, "--refclock");
    assertEquals([read.text, read.name], [text, text.split(",")[0]]);
    const clock = read.make(NOWHERE);
    assert(clock instanceof kind, text);
    assertEquals(clock.refid, refid);
  }
});

test("a refclock that is wrong: what is, and what would be right", () => {
  const wrong = [
    ["gspd", 'there is no kind of clock "gspd"; did you mean gpsd?'],
    ["PPS:/dev/pps0", 'there is no kind of clock "PPS"; did you mean pps?'],
    [
      "/dev/ttyS0",
      'there is no kind of clock "/dev/ttyS0"; there are gpsd, nmea, pps, phc, shm, sock',
    ],
    ["nmea", "what it reads is missing: nmea:PATH, or HOST[:PORT]"],
    ["sock:,prefer", "what it reads is missing: sock:PATH"],
    ["gpsd:/dev/ttyACM0", '"/dev/ttyACM0" is no host: write gpsd,device=/dev/ttyACM0'],
    ["gpsd:host:0", 'the port in "host:0" is a whole number from 1 to 65535, not "0"'],
    ["shm:one", 'UNIT is a whole number, not "one"'],
    ["shm:256", "unit is a whole number from 0 to 255, not 256"],
    ["gpsd,ofset=1", 'gpsd has no option "ofset"; did you mean offset?'],
    ["pps,baud=9600", 'pps has no option "baud"; there are offset, delay, max-error, refid'],
    ["gpsd,constructor", 'gpsd has no option "constructor"; there are offset'],
    ["gpsd,offset", "offset needs a value: offset=…"],
    ["gpsd,prefer=yes", "prefer takes no value"],
    ["gpsd,offset=1,offset=2", "offset is given twice"],
    [
      "gpsd,offset=soon",
      'offset is seconds, or has a unit, such as 0.12, 120ms or -35ns, not "soon"',
    ],
    ["gpsd,max-error=2", "max-error is above 0 s and at most 1, not 2"],
    ["gpsd,delay=-1ms", "delay is from 0 to 1 s, not -0.001"],
    ["gpsd,refid=GLONASS", "A reference identifier has one to four ASCII characters"],
    ["nmea:/dev/ttyS0,baud=9601", "baud is one of 4800, 9600, "],
    ["pps,edge=falling", 'edge is "assert" or "clear", not falling'],
    ["phc,utc-offset=37.5", 'utc-offset is a whole number, not "37.5"'],
  ] as const;
  for (const [text, message] of wrong) {
    const error = assertThrows(() => readRefclock(text, "--refclock"), UsageError);
    assertStringIncludes(error.message, `--refclock: "${text}": ${message}`);
  }
});

test("ntps serve --refclock gpsd: a server of stratum 1, which is not synchronised before", async () => {
  const { world, receiver, ask } = gnss(0.25);
  receiver.hasFix = false;
  const ended = world.start("serve", "-a", "192.0.2.7", "--refclock", "gpsd");
  await world.time.run(20_000);
  const before = await ask();
  assertEquals([before.leapIndicator, before.stratum], [3, 0]);

  receiver.hasFix = true;
  await world.time.run(60_000);
  const locked = await ask();
  assertEquals([locked.leapIndicator, locked.stratum, locked.referenceText], [0, 1, "GPS"]);
  assertAlmostEquals(locked.ahead, 0.25, 1e-3);
  assert(locked.rootDispersion >= 0.1 && locked.rootDispersion < 0.11);
  assertEquals(receiver.opened, 1);

  world.signal("SIGTERM");
  assertEquals(await world.time.runUntil(ended), 0);
  const log = world.stdout.lines.map((line) => line.replace(/^\S+Z /, ""));
  assertEquals(log[0], "listening at 192.0.2.7:123 (memory); reference clock gpsd");
  assertEquals(log[1], "gpsd not locked: the receiver has no fix");
  assert(log.some((line) => /^gpsd locked; stratum 1, reference GPS ± 1\d\d\.\d ms$/.test(line)));
  assertEquals([world.stderr.text, world.listening], ["", 0]);
});

test("ntps serve --refclock: loss is holdover, then no time, and back; --quiet tells it too", async () => {
  const { world, receiver, ask } = gnss();
  const ended = world.start(
    ...[
      "serve",
      "-a",
      "192.0.2.7",
      "--refclock",
      "gpsd,delay=40ms",
      "--max-holdover",
      "5min",
      "-q",
    ],
  );
  await world.time.run(60_000);
  const locked = await ask();
  assertEquals(locked.stratum, 1);
  assertAlmostEquals(locked.rootDelay, 0.04, 2 ** -16);

  receiver.hasFix = false;
  await world.time.run(250_000);
  const held = await ask();
  assertEquals([held.leapIndicator, held.stratum], [0, 1]);
  assert(held.rootDispersion > locked.rootDispersion);
  await world.time.run(120_000);
  assertEquals((await ask()).leapIndicator, 3);

  receiver.hasFix = true;
  await world.time.run(60_000);
  assertEquals((await ask()).stratum, 1);
  world.signal("SIGINT");
  assertEquals(await world.time.runUntil(ended), 0);
  const log = world.stdout.lines.slice(1, -1).map((line) =>
    line.replace(/^\S+Z /, "").replace(/ ± .*$/, "")
  );
  assertEquals(log, [
    "gpsd locked; stratum 1, reference GPS",
    "gpsd not locked: the receiver has no fix; holdover",
    "not synchronised",
    "gpsd locked; stratum 1, reference GPS",
  ]);
});

test("ntps serve --refclock: what does not go with it is told", async () => {
  const cases = [
    [["--max-holdover", "1min"], /--max-holdover is for --refclock, of which there is none/],
    [["--refclock", "gpsd", "--stratum", "2"], /--stratum does not go with --refclock: say/],
    [["--refclock", "gpsd", "--refid", "GPS"], /--refid does not go with --refclock: say/],
    [["--refclock", "gpsd", "--max-holdover", "0"], /--max-holdover is a time .*not "0"/],
    [["--refclock", "gpsb"], /--refclock: "gpsb": there is no kind .*did you mean gpsd\?/],
  ] as const;
  for (const [args, message] of cases) {
    const { status, stderr } = await gnss().world.run("serve", ...args);
    assertEquals(status, 2);
    assertMatch(stderr, message);
  }
});

test("ntps sync --refclock: a source in the table and in the JSON, beside servers", async () => {
  const { world } = gnss(0.5);
  await world.serve("192.0.2.1", { refid: "GPS", stratum: 1 }, { aheadSeconds: 0.5 });
  const args = ["sync", "--refclock", "gpsd:gps.example.net,prefer", "-d", "2min"];
  const { status, stdout, stderr } = await world.run(...args, "192.0.2.1");
  assertEquals([status, stderr], [0, ""]);
  const rows = stdout.split("\n").slice(-3, -1);
  assertMatch(stdout, /stratum 1, reference GPS;/);
  assertMatch(
    rows.join("\n"),
    /^\* {2}gpsd\(gps\.example\.net:2947\) +0 +4 +\d+ +\d+s +\+0 s +100\.0 ms /m,
  );
  assertMatch(rows.join("\n"), /^- {2}192\.0\.2\.1 /m);

  const again = gnss().world;
  const { stdout: lines } = await again.run("sync", "--refclock", "gpsd", "--json", "-d", "5");
  const [source] = JSON.parse(lines.trimEnd().split("\n").at(-1)!).sources;
  assertEquals([source.kind, source.name], ["reference clock", "gpsd(localhost:2947)"]);
});

test("ntps sync --refclock: one that tells no time is told of", async () => {
  const { world, receiver } = gnss();
  receiver.hasFix = false;
  const { status, stderr } = await world.run("sync", "--refclock", "gpsd");
  assertEquals(status, 1);
  assertMatch(stderr, /gpsd\(localhost:2947\): the receiver has no fix/);
});
