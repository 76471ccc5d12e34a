// `ntps sync`: the table of sources, as people and as programs read it.
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { query } from "../../src/client/query.ts";
import { FakeWorld } from "./fake_world.ts";

/** Three servers, half a second ahead, one of which lies. */
async function serve(world: FakeWorld) {
  const ahead = { aheadSeconds: 0.5 };
  await world.serve("192.0.2.1", { refid: "GPS", stratum: 1 }, ahead);
  await world.serve("192.0.2.2", { refid: "GPS", stratum: 1 }, ahead);
  await world.serve("192.0.2.3", { refid: "GPS", stratum: 1 }, { aheadSeconds: 5 });
}

const HOSTS = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];

test("ntps sync: the clock, its sources, and who is wrong", async () => {
  const world = new FakeWorld();
  await serve(world);
  const { status, stdout, stderr } = await world.run("sync", ...HOSTS, "--duration", "300s");
  assertEquals([status, stderr], [0, ""]);
  const [clock, head, ...rows] = stdout.split("\n").slice(-6, -1);
  assertMatch(
    clock!,
    /^2026-11-23T12:05:00\.5\d\dZ ± 1\d\.\d\d ms; stratum 2, reference 192\.0\.2\.[12]; remaining \S+ \S+; frequency \S+ ± \S+ ppm; leap none$/,
  );
  assertMatch(
    head!,
    /^ +source +str +poll +reach +last +offset +± error +n +runs +span +ppm +skew +std dev$/,
  );
  assertMatch(
    rows[0]!,
    /^[*+] {2}192\.0\.2\.1 +1 +[67] +\d+ +\d+[sm] +\+\S+ [µn]?s +\S+ ms +\d+ +\d+ +\S+ +[+-]\d+\.\d{3} +\d/,
  );
  assertMatch(rows[1]!, /^[*+] {2}192\.0\.2\.2 /);
  assertEquals(rows.map((row) => row[0]).sort(), ["*", "+", "x"]);
  assertMatch(rows[2]!, /^x {2}192\.0\.2\.3 .* \+4\.500 s /);
  assertEquals(world.listening, 0);
});

test("ntps sync: elsewhere than on a terminal, again only when a source is treated otherwise", async () => {
  const world = new FakeWorld();
  const server = await world.serve("192.0.2.1", { stratum: 1 });
  const ended = world.start("sync", "192.0.2.1");
  await world.time.run(600_000);
  const tables = () => world.stdout.lines.filter((line) => line.includes("source")).length;
  const before = tables();
  assert(before <= 3, `${before}`);
  await server.close();
  await world.time.run(2_000_000);
  assertEquals(tables(), before + 1);
  assertMatch(world.stdout.text, /\n\? {2}192\.0\.2\.1 .*\n192\.0\.2\.1: 192\.0\.2\.1:123 refused/);
  world.signal("SIGTERM");
  assertEquals(await ended, 0);
  assertEquals(tables(), before + 2);
});

test("ntps sync: on a terminal in the same place, as much as fits, and the cursor is given back", async () => {
  const world = new FakeWorld();
  await serve(world);
  world.stdout.terminal = { columns: 60, rows: 4 };
  const { status } = await world.run("sync", ...HOSTS, "-d", "10");
  assertEquals(status, 0);
  const parts = world.stdout.text.split("\x1b[3A\r\x1b[J");
  assert(parts.length >= 10 && parts.length <= 12, `${parts.length}`);
  assert(world.stdout.text.startsWith("\x1b[?25l\x1b[J"));
  assert(world.stdout.text.endsWith("\x1b[?25h"));
  for (const part of parts.slice(1, -1)) {
    const lines = part.split("\n").slice(0, -1);
    assertEquals(lines.length, 3);
    assert(lines.every((line) => line.length <= 60));
  }
});

test("ntps sync --json: a line with an object, once a second at most", async () => {
  const world = new FakeWorld();
  await serve(world);
  const { status } = await world.run("sync", "--json", ...HOSTS, "nowhere", "-d", "100");
  assertEquals(status, 0);
  const objects = world.stdout.lines.map((line) => JSON.parse(line));
  assert(objects.length > 7 && objects.length < 30, `${objects.length}`);
  const last = objects.at(-1)!;
  assertEquals([last.synchronized, last.stratum], [true, 2]);
  assertMatch(last.reference, /^192\.0\.2\.[12]$/);
  assertMatch(last.time, /^2026-11-23T12:01:\d\d\.\d{9}Z$/);
  assert(last.maxError > 0.01 && last.maxError < 0.02);
  assertEquals(Object.keys(last), [
    ...["time", "maxError", "synchronized", "leapIndicator", "stratum", "reference"],
    ...["rootDelay", "rootDispersion", "remaining", "frequency", "frequencyDeviation"],
    ...["sources", "problems"],
  ]);
  assertEquals(
    last.sources.map(({ name, state }: { name: string; state: string }) => [name, state]),
    HOSTS.map((name, i) => [name, i < 2 ? "selected" : "falseticker"]),
  );
  assertEquals(last.problems.map(({ name }: { name: string }) => name), ["nowhere"]);
});

test("ntps sync --drift: the frequency is kept from run to run", async () => {
  const world = new FakeWorld();
  await world.serve("192.0.2.1", { stratum: 1 });
  const { status } = await world.run("sync", "192.0.2.1", "--drift", "drift", "-d", "2min");
  assertEquals(status, 0);
  assertMatch(`${world.files.get("drift")}`, /^-?\d\.\d{6} \d+\.\d{6}\n$/);
  world.files.set("drift", "-12.5 0.1\n");
  const again = await world.run("sync", "192.0.2.1", "--drift", "drift", "-d", "1");
  assertEquals(again.status, 0);
  assertMatch(again.stdout, /frequency -12\.500 ± 1\.\d+ ppm/);
  world.files.set("drift", "fast\n");
  const bad = await world.run("sync", "192.0.2.1", "--drift", "drift");
  assertEquals(bad.status, 1);
  assertStringIncludes(bad.stderr, "ntps sync: drift is no drift file: it holds a frequency");
});

test("ntps sync --serve: the right time, a stratum below", async () => {
  const world = new FakeWorld();
  await serve(world);
  const ended = world.start("sync", ...HOSTS, "--serve", "1123", "-d", "100");
  await world.time.run(50_000);
  assertEquals(world.stderr.lines, ["ntps sync: serving at port 1123"]);
  const options = { ...world.queryOptions, bind: world.bind, timers: world.timers };
  const { packet, offset } = await world.time.runUntil(
    query("127.0.0.1", { ...options, clock: world.clock, port: 1123 }),
  );
  assertEquals(packet.stratum, 2);
  assertMatch(packet.referenceText, /^192\.0\.2\.[12]$/);
  assert(Math.abs(offset - 0.5) < 0.001);
  assertEquals(await world.time.runUntil(ended), 0);
});

test("ntps sync: when nobody answers it says why", async () => {
  const world = new FakeWorld();
  await world.serve("192.0.2.1", { stratum: 16 });
  const { status, stdout, stderr } = await world.run("sync", "192.0.2.1", "192.0.2.9", "-t", "10");
  assertEquals([status, stdout], [1, ""]);
  assertMatch(stderr, /^ntps sync: The clock could not be set within 10000 ms\. /);
  assertStringIncludes(stderr, "192.0.2.1: 192.0.2.1:123 does not know the time");
  assertStringIncludes(stderr, "192.0.2.9: 192.0.2.9:123 refused");
});

test("ntps sync: interrupted before the clock is set", async () => {
  const world = new FakeWorld();
  const ended = world.start("sync", "192.0.2.9");
  await world.time.run(1000);
  world.signal("SIGINT");
  assertEquals(await world.time.runUntil(ended), 130);
  assertEquals([world.listening, world.stderr.text], [0, ""]);
});

test("ntps sync: wrong arguments", async () => {
  const cases: [string[], RegExp][] = [
    [[], /there is nobody to ask: name a HOST, a --pool or a --refclock/],
    [["a", "-4", "-6"], /--ipv4 and --ipv6 exclude each other/],
    [["a", "--min-poll", "8", "--max-poll", "7"], /--min-poll, 8, is above --max-poll, 7/],
    [["a", "--key-format", "chrony"], /--key-format is for a key file/],
    [["a b:c:d"], /is no host/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = await new FakeWorld().run("sync", ...args);
    assertEquals(status, 2);
    assertMatch(stderr, message);
  }
});
