import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { query } from "../../src/client/query.ts";
import { NTPError } from "../../src/packet/error.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { BindUdp, UdpBindOptions } from "../../src/transport/udp_transport.ts";
import { FakeWorld } from "./fake_world.ts";

/** Asks the server of the world. */
async function ask(world: FakeWorld, hostname = "127.0.0.1", port = 123) {
  const { clock, timers, bind, queryOptions } = world;
  const options = { ...queryOptions, clock, timers, bind, port };
  return (await world.time.runUntil(query(hostname, options))).packet;
}

/** Sends datagrams that are no requests. */
async function disturb(world: FakeWorld, datagrams: Uint8Array[]): Promise<void> {
  const transport = await world.bind({
    hostname: "192.0.2.200",
    clock: world.clock,
    onDatagram() {},
  });
  for (const data of datagrams) transport.send(data, new Endpoint("127.0.0.1", 123));
  await world.time.run(20);
  await transport.close();
}

/** Until the command has started. */
async function begin(world: FakeWorld, ...args: string[]): Promise<Promise<number>[]> {
  const ended = world.start("serve", ...args);
  await world.time.run(0);
  return [ended]; // in an array, or await would wait for it
}

test("ntps serve: says where it listens, answers, and ends by a signal with status 0", async () => {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    const world = new FakeWorld();
    const [ended] = await begin(world, "--stratum", "1", "--refid", "GPS");
    assertEquals(world.stdout.lines, [
      "2026-11-23T12:00:00Z listening at [::]:123 (memory); stratum 1, reference GPS",
    ]);
    const { stratum, referenceText } = await ask(world);
    assertEquals([stratum, referenceText], [1, "GPS"]);
    world.signal(signal);
    assertEquals(await ended, 0);
    assertEquals(
      world.stdout.lines.slice(1),
      [`2026-11-23T12:00:00Z ended by ${signal}: answered 1 in all`],
    );
    assertEquals(world.stderr.text, "");
    assertEquals([world.listening, world.time.pending], [0, 0]);
    await (await world.bind({ port: 123, clock: world.clock, onDatagram() {} })).close();
  }
});

test("ntps serve: a computer that follows nothing does not claim to be a reference", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world);
  const { stratum, referenceText } = await ask(world);
  assertEquals([stratum, referenceText], [10, "127.127.1.1"]);
  world.signal("SIGINT");
  await ended;
});

test("ntps serve: the reference of stratum 1 is LOCL, and stratum 0 is announced as 1", async () => {
  for (const given of ["0", "1"]) {
    const world = new FakeWorld();
    const [ended] = await begin(world, "-s", given);
    assertMatch(world.stdout.text, /; stratum 1, reference LOCL\n$/);
    const { stratum, referenceText } = await ask(world);
    assertEquals([stratum, referenceText], [1, "LOCL"]);
    world.signal("SIGINT");
    await ended;
  }
});

test("ntps serve: a line a second at most, and only when something happened", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world);
  await world.time.run(10_000);
  assertEquals(world.stdout.lines.length, 1);
  for (let i = 0; i < 20; i++) await ask(world); // 20 ms each
  await world.time.run(1000);
  await disturb(world, [new Uint8Array(3), new Uint8Array(48), new Uint8Array(48).fill(0x24)]);
  await world.time.run(2000);
  await disturb(world, [new Uint8Array(3)]);
  await world.time.run(5000);
  assertEquals(world.stdout.lines.slice(1), [
    "2026-11-23T12:00:11Z answered 20",
    "2026-11-23T12:00:12Z answered 0, dropped 3 (short 1, version 1, mode 1)",
    "2026-11-23T12:00:14Z answered 0, dropped 1 (short 1)",
  ]);
  world.signal("SIGTERM");
  await ended;
  assertMatch(
    world.stdout.lines.at(-1)!,
    / ended by SIGTERM: answered 20, dropped 4 \(short 2, version 1, mode 1\) in all$/,
  );
});

test("ntps serve --quiet: start, end and errors only", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world, "--quiet");
  await ask(world);
  await world.time.run(5000);
  world.signal("SIGINT");
  await ended;
  assertEquals(world.stdout.lines.length, 2);
});

test("ntps serve: errors of the socket are counted, the last one told, on one line", async () => {
  const world = new FakeWorld();
  let report: UdpBindOptions["onError"];
  const bind: BindUdp = (options) => {
    report = options.onError;
    return world.network.bind(options);
  };
  Object.assign(world, { bind });
  const [ended] = await begin(world, "-q");
  report!(new Error("first"));
  report!(new Error("second\nand \x1b[31mred"));
  await world.time.run(1000);
  assertEquals(
    world.stdout.lines.slice(1),
    ["2026-11-23T12:00:01Z answered 0, errors 2 (second and  [31mred)"],
  );
  world.signal("SIGINT");
  await ended;
});

test("ntps serve: several addresses, with the same free port", async () => {
  const world = new FakeWorld();
  const args = ["-p", "0", "-a", "192.0.2.1", "--address", "2001:db8::1"];
  const [ended] = await begin(world, ...args);
  const [, port] = /listening at 192\.0\.2\.1:(\d+), \[2001:db8::1\]:\1 /.exec(world.stdout.text)!;
  assertEquals((await ask(world, "2001:db8::1", Number(port))).stratum, 10);
  assertEquals((await ask(world, "192.0.2.1", Number(port))).stratum, 10);
  world.signal("SIGINT");
  assertEquals(await ended, 0);
  assertMatch(world.stdout.lines.at(-1)!, /answered 2 in all$/);
});

test("ntps serve: what keeps it from listening is one line and status 1, and frees all", async () => {
  const world = new FakeWorld();
  await world.bind({ hostname: "192.0.2.2", port: 123, clock: world.clock, onDatagram() {} });
  const { status, stdout, stderr } = await world.run("serve", "-a", "192.0.2.1", "-a", "192.0.2.2");
  assertEquals([status, stdout], [1, ""]);
  assertMatch(stderr, /^ntps serve: 192\.0\.2\.2:123 is in use[^\n]*\n$/);
  assertEquals([world.listening, world.time.pending], [0, 0]);
  const options = { hostname: "192.0.2.1", port: 123, clock: world.clock, onDatagram() {} };
  await (await world.bind(options)).close();
});

test("ntps serve: a port without permission is one sentence with the remedy", async () => {
  const world = new FakeWorld();
  const message = "Binding [::]:123 is not permitted: choose another port, such as 12300";
  Object.assign(world, { bind: () => Promise.reject(new NTPError("permission", message)) });
  const { status, stderr } = await world.run("serve");
  assertEquals([status, stderr], [1, `ntps serve: ${message}\n`]);
});

test("ntps serve: wrong options end it before it listens, with status 2", async () => {
  const cases: [args: string[], pattern: RegExp][] = [
    [["--port", "65536"], /--port is a whole number from 0 to 65535, not "65536"/],
    [["--stratum", "17"], /--stratum is a whole number from 0 to 16, not "17"/],
    [["--refid", "TOOLONG"], /--refid: .* "TOOLONG"/],
    [["--refid", "é"], /--refid: .* "é"/],
    [["192.0.2.1"], /"192\.0\.2\.1" is one argument too many/],
  ];
  for (const [args, pattern] of cases) {
    const { status, stdout, stderr } = await new FakeWorld().run("serve", ...args);
    assertEquals([status, stdout], [2, ""]);
    assertMatch(stderr, pattern);
    assertEquals(stderr.split("\n").length, 2);
  }
});
