// `ntps listen`: what broadcasts say, and what is said of them.
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  NTPBroadcaster,
  type NTPBroadcasterOptions,
} from "../../src/association/ntp_broadcaster.ts";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import { NTPError } from "../../src/packet/error.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { BindUdp } from "../../src/transport/udp_transport.ts";
import { FakeWorld } from "./fake_world.ts";

const KEY_FILE = "1 AES128 HEX:000102030405060708090a0b0c0d0e0f\n2 SHA1 shared\n";
const KEYS = parseKeyFile(KEY_FILE);
const EASY = "--unauthenticated";

/** A server, half a second ahead, that broadcasts every 16 s. */
async function broadcast(
  world: FakeWorld,
  hostname: string,
  options: Partial<NTPBroadcasterOptions> = {},
) {
  const server = await world.serve(hostname, { refid: "GPS", keys: KEYS }, { aheadSeconds: 0.5 });
  const broadcaster = new NTPBroadcaster({
    server,
    targets: ["224.0.1.1"],
    interval: 16,
    timers: world.timers,
    random: world.queryOptions.random,
    onWarning() {},
    ...options,
  });
  broadcaster.start();
  return { server, broadcaster };
}

/** Until the command has started. */
async function begin(world: FakeWorld, ...args: string[]): Promise<Promise<number>[]> {
  world.files.set("keys", KEY_FILE);
  const ended = world.start("listen", ...args);
  await world.time.run(0);
  return [ended]; // in an array, or await would wait for it
}

async function end(world: FakeWorld, [ended]: Promise<number>[], name = "SIGINT"): Promise<number> {
  world.signal(name);
  const status = await ended!;
  assertEquals(world.listening, 0);
  return status;
}

test("ntps listen: a line for each broadcast; the rest is on standard error", async () => {
  const world = new FakeWorld();
  const command = await begin(world, "--keys", "keys");
  const { server } = await broadcast(world, "192.0.2.1", { key: KEYS.get(2)! });
  await world.time.run(33_000);
  const [head, ...rows] = world.stdout.lines;
  assertEquals(
    head,
    "time                  server           stratum  reference        offset       delay  auth",
  );
  // The bits below the clock's precision are random.
  assertEquals(rows.map((row) => row.replace(/(?<=500\.00)\d/, "_")), [
    "2026-11-23T12:00:16Z  192.0.2.1              1  GPS         +500.00_ ms   20.000 ms  key 2",
    "2026-11-23T12:00:32Z  192.0.2.1              1  GPS         +500.00_ ms   20.000 ms  key 2",
  ]);
  assertEquals(server.statistics().answered, 6);
  assertEquals(await end(world, command), 0);
  assertEquals(world.stderr.lines, [
    "ntps listen: listening at port 123 to broadcasts and 224.0.1.1, ff02::101",
    "ntps listen: 192.0.2.1 is heard, and asked for the delay",
    "ntps listen: 192.0.2.1 has answered: its broadcasts count from now on",
    "ntps listen: ended by SIGINT: 2 samples of 1 server, ignored 1 (uncalibrated 1)",
  ]);
  await (await world.bind({ port: 123, clock: world.clock, onDatagram() {} })).close();
});

test("ntps listen: broadcasts of the subnet are heard, and no groups but those that are named", async () => {
  const world = new FakeWorld();
  Object.assign(world, {
    // The network has no subnets for sockets that are bound to all addresses.
    bind: ((options) => world.network.bind({ hostname: "192.0.2.9", ...options })) as BindUdp,
  });
  await broadcast(world, "192.0.2.1", { targets: ["192.0.2.255"] });
  await broadcast(world, "192.0.2.2", { targets: ["224.0.1.1"] });
  await broadcast(world, "192.0.2.3", { targets: ["239.1.1.1"] });
  const command = await begin(world, "239.1.1.1", EASY, "--delay", "20ms");
  await world.time.run(17_000);
  const servers = world.stdout.lines.slice(1).map((line) => line.split(/ +/)[1]);
  assertEquals(servers, ["192.0.2.1", "192.0.2.3"]);
  await end(world, command);
  assertMatch(world.stderr.lines[0]!, / listening at port 123 to broadcasts and 239\.1\.1\.1$/);
});

test("ntps listen: hears ntps serve, IPv4 and IPv6", async () => {
  const world = new FakeWorld();
  const command = await begin(world, EASY);
  const servers = ["192.0.2.1", "2001:db8::1"].map((address) => {
    const other = new FakeWorld(world);
    const target = address.includes(":") ? "ff02::101" : "224.0.1.1";
    return { other, ended: other.start("serve", "-a", address, "--multicast", target) };
  });
  await world.time.run(65_000);
  assertEquals(
    world.stdout.lines.slice(1).map((line) => line.split(/ {2,}/)),
    ["192.0.2.1", "2001:db8::1"].map((address) => [
      "2026-11-23T12:01:04Z",
      address,
      ...["10", "127.127.1.1", "+0.000 ms", "20.000 ms", "none"],
    ]),
  );
  for (const { other, ended } of servers) {
    other.signal("SIGTERM");
    assertEquals(await ended, 0);
  }
  assertEquals(await end(world, command, "SIGTERM"), 0);
});

test("ntps listen --json: an object a line", async () => {
  const world = new FakeWorld();
  const command = await begin(world, "--json", "--keys", "keys", "--delay=0.02");
  await broadcast(world, "192.0.2.1", { key: KEYS.get(1)! });
  await world.time.run(17_000);
  assertEquals(await end(world, command), 0);
  const [first, second] = world.stdout.lines.map((line) => JSON.parse(line));
  assertEquals(world.stdout.lines.length, 2);
  assertEquals(Object.keys(first), [
    "address",
    "port",
    "time",
    "offset",
    "delay",
    "dispersion",
    "rootDistance",
    "authentication",
    "packet",
  ]);
  assertEquals([first.address, first.port, first.authentication], ["192.0.2.1", 123, "key"]);
  assertEquals([first.packet.mode, first.packet.mac.keyId], [5, 1]);
  // By the server's clock, half a second ahead.
  assertMatch(second.time, /^2026-11-23T12:00:16\.51/);
  assert(Math.abs(second.offset - 0.5) < 1e-5 && Math.abs(second.delay - 0.02) < 1e-5);
});

test("ntps listen: without a line its status is 1, and it says what was ignored", async () => {
  const world = new FakeWorld();
  const command = await begin(world, "--keys", "keys");
  await broadcast(world, "192.0.2.1");
  await world.time.run(17_000);
  assertEquals(await end(world, command), 1);
  assertEquals(world.stdout.text, "");
  assertEquals(world.stderr.lines.slice(1), [
    "ntps listen: ignored 1 (authentication 1)",
    "ntps listen: ignored 1 (authentication 1)",
    "ntps listen: ended by SIGINT: 0 samples of 0 servers, ignored 2 (authentication 2)",
  ]);
});

test("ntps listen: of a flood one line a second is told", async () => {
  const world = new FakeWorld();
  const command = await begin(world, EASY, "--delay", "0");
  const flood = await world.bind({ hostname: "192.0.2.66", clock: world.clock, onDatagram() {} });
  const bad = new NTPPacket({ mode: 5, stratum: 16, transmitTimestamp: 1n }).encode();
  for (let i = 0; i < 100; i++) {
    flood.send(i % 2 === 0 ? bad : new Uint8Array(i), new Endpoint("127.0.0.1", 123));
    await world.time.run(50);
  }
  await end(world, command);
  assert(world.stderr.lines.length <= 2 + 5, world.stderr.text);
  assertMatch(world.stderr.text, /ignored 10 \(malformed \d+(, mode \d+)?\); 192\.0\.2\.66:\d+ /);
});

test("ntps listen: a volley without an answer is told, and tried again a minute later", async () => {
  const world = new FakeWorld();
  const command = await begin(world, EASY);
  const asked: number[] = [];
  const mute = await world.bind({
    hostname: "192.0.2.2",
    port: 123,
    multicast: true,
    clock: world.clock,
    onDatagram: () => asked.push(Math.floor(world.time.elapsedMs / 1000)),
  });
  for (let i = 0; i < 8; i++) {
    const fields = { mode: 5, stratum: 1, precision: -20 } as const;
    const packet = new NTPPacket({ ...fields, transmitTimestamp: world.time.now() });
    mute.send(packet.encode(), new Endpoint("224.0.1.1", 123));
    await world.time.run(16_000);
  }
  assertEquals(await end(world, command), 1);
  assertEquals(asked, [0, 80]); // with the first broadcast after a minute and the volley's 5 s
  const notes = world.stderr.lines.filter((line) => line.includes("did not answer within 5000 ms"));
  assertEquals(notes.length, 2);
});

test("ntps listen: a server that falls silent, and is heard again", async () => {
  const world = new FakeWorld();
  const command = await begin(world, EASY, "--delay", "0.02");
  const { broadcaster } = await broadcast(world, "192.0.2.1");
  await world.time.run(20_000);
  broadcaster.close();
  await world.time.run(300_000);
  assertMatch(world.stderr.lines.at(-1)!, /: 192\.0\.2\.1 is silent$/);
  broadcaster.start();
  await world.time.run(20_000);
  assertMatch(world.stderr.lines.at(-1)!, /: 192\.0\.2\.1 is heard again$/);
  await end(world, command);
});

/** Binds as the network does, but some groups cannot be joined. */
function withoutGroups(world: FakeWorld, ...without: string[]): void {
  const bind: BindUdp = async (options) => {
    const transport = await world.network.bind(options);
    const { joinGroup } = transport;
    return Object.assign(transport, {
      joinGroup(group: string, networkInterface?: string) {
        if (without.includes(group)) throw new NTPError("unreachable", `No route to ${group}`);
        joinGroup.call(transport, group, networkInterface);
      },
    });
  };
  Object.assign(world, { bind });
}

test("ntps listen: of the default groups those that can be joined; one that is named must be", async () => {
  const world = new FakeWorld();
  withoutGroups(world, "224.0.1.1");
  await end(world, await begin(world, EASY));
  assertEquals(world.stderr.lines.slice(0, 2), [
    "ntps listen: No route to 224.0.1.1",
    "ntps listen: listening at port 123 to broadcasts and ff02::101",
  ]);
  world.stderr.text = "";
  const named = await world.run("listen", EASY, "224.0.1.1");
  assertEquals([named.status, named.stderr], [1, "ntps listen: No route to 224.0.1.1\n"]);
  assertEquals([world.listening, world.time.pending], [0, 0]);
});

test("ntps listen: without any group there are still broadcasts, but not if an interface was named", async () => {
  const world = new FakeWorld();
  withoutGroups(world, "224.0.1.1", "ff02::101");
  await end(world, await begin(world, EASY));
  assertMatch(world.stderr.lines[2]!, /: listening at port 123 to broadcasts$/);
  world.stderr.text = "";
  const { status, stderr } = await world.run("listen", EASY, "--interface", "nosuch");
  assertEquals([status, stderr], [1, "ntps listen: No route to 224.0.1.1\n"]);
});

test("ntps listen: a port in use is one line and status 1", async () => {
  const world = new FakeWorld();
  await world.bind({ port: 123, clock: world.clock, onDatagram() {} });
  const { status, stdout, stderr } = await world.run("listen", EASY);
  assertEquals([status, stdout], [1, ""]);
  assertMatch(stderr, /^ntps listen: \[::\]:123 is in use by another socket[^\n]*\n$/);
  assertEquals(world.listening, 0);
});

test("ntps listen: what is wrong with its arguments ends it before it listens, with status 2", async () => {
  const cases: [args: string[], pattern: RegExp][] = [
    [[], /--keys is missing: broadcasts are believed only if they are signed; or give --unauth/],
    [[EASY, "192.0.2.255"], /group is a multicast address .* not "192\.0\.2\.255"/],
    [[EASY, "224.0.1.1%eth0"], /only IPv6 has a percent sign; write 224\.0\.1\.1 --interface eth0/],
    [[EASY, "--delay", "2min", "224.0.1.1"], /--delay lies from 0 to 60 s, not 120\n/],
    [[EASY, "--delay", "soon"], /--delay is a time such as 500ms, 5s or 2min, .*not "soon"/],
    [[EASY, "--port", "0"], /--port is a whole number from 1 to 65535, not "0"/],
    [[EASY, "--key-format", "ntpd"], /--key-format is for a key file, and there is no --keys/],
  ];
  for (const [args, pattern] of cases) {
    const world = new FakeWorld();
    Object.assign(world, { bind: () => Promise.reject(new Error("it listens")) });
    const { status, stdout, stderr } = await world.run("listen", ...args);
    assertEquals([status, stdout], [2, ""], stderr);
    assertMatch(stderr, pattern);
    assertEquals(stderr.split("\n").length, 2);
  }
});
