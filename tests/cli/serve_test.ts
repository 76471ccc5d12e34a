import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { query } from "../../src/client/query.ts";
import { NTPError } from "../../src/packet/error.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
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

/** What a client at an address is answered: `"time"`, `"nothing"`, `"crypto-NAK"` or a kiss code. */
async function answerTo(world: FakeWorld, hostname: string, key?: SymmetricKey): Promise<string> {
  let answer = "nothing";
  const transport = await world.bind({
    hostname,
    clock: world.clock,
    onDatagram(data) {
      const { kissCode, mac } = NTPPacket.decode(data);
      answer = mac?.digest.length === 0 ? "crypto-NAK" : kissCode ?? "time";
    },
  });
  const request = new NTPPacket({ mode: 3, transmitTimestamp: 1n });
  const mac = key && { keyId: key.id, digest: key.sign(request.encode(), 4) };
  const bytes = new NTPPacket({ ...request, ...(mac && { mac }) }).encode();
  const server = new Endpoint(hostname.includes(":") ? "::1" : "127.0.0.1", 123);
  transport.send(bytes, server);
  await world.time.run(20);
  await transport.close();
  return answer;
}

const KEY_FILE = "1 AES128 HEX:000102030405060708090a0b0c0d0e0f\n2 SHA1 shared 192.0.2.0/24\n";
const KEYS = parseKeyFile(KEY_FILE);
const KEY = KEYS.get(1)!, RESTRICTED = KEYS.get(2)!;

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

test("ntps serve: who names a reference clock is a primary server, but not who names an address", async () => {
  const cases: [args: string[], stratum: number, reference: string][] = [
    [["--refid", "GPS"], 1, "GPS"],
    [["--refid", "GPS", "--stratum", "2"], 2, "71.80.83.0"],
    [["--refid", "192.0.2.1"], 10, "192.0.2.1"],
    [["--refid", "2001:db8::1"], 10, "57.171.155.55"],
    [["--refid", "192.0.2.1", "-s", "3"], 3, "192.0.2.1"],
  ];
  for (const [args, stratum, reference] of cases) {
    const world = new FakeWorld();
    const [ended] = await begin(world, ...args);
    assertMatch(world.stdout.text, new RegExp(`; stratum ${stratum}, reference `));
    const packet = await ask(world);
    assertEquals([packet.stratum, packet.referenceText], [stratum, reference]);
    world.signal("SIGINT");
    await ended;
  }
});

test("ntps serve: the longest prefix decides, whatever the order, and others are denied", async () => {
  const options = [
    ["--allow", "192.0.2.0/24"],
    ["--deny", "192.0.2.128/25"],
    ["--kod=192.0.2.129"],
    ["--require-auth", "2001:db8::/32"],
    ["--allow", "2001:db8:1::/48"],
  ];
  for (const order of [options, [...options].reverse()]) {
    const world = new FakeWorld();
    world.files.set("keys", KEY_FILE);
    const [ended] = await begin(world, ...order.flat(), "--keys", "keys");
    assertEquals(await answerTo(world, "192.0.2.1"), "time");
    assertEquals(await answerTo(world, "192.0.2.128"), "nothing");
    assertEquals(await answerTo(world, "192.0.2.129"), "DENY");
    assertEquals(await answerTo(world, "192.0.2.129"), "nothing"); // a second kiss so soon
    assertEquals(await answerTo(world, "198.51.100.1"), "nothing");
    assertEquals(await answerTo(world, "2001:db8::1"), "nothing");
    assertEquals(await answerTo(world, "2001:db8::1", KEY), "time");
    assertEquals(await answerTo(world, "2001:db8:1::1"), "time");
    world.signal("SIGINT");
    await ended;
    assertMatch(
      world.stdout.lines.at(-1)!,
      /: answered 3, kissed 1, dropped 4 \(authentication 1, access 3\) in all$/,
    );
  }
});

test("ntps serve --deny: others are answered", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world, "--deny", "192.0.2.0/24", "--kod", "::/0");
  assertEquals(await answerTo(world, "192.0.2.1"), "nothing");
  assertEquals(await answerTo(world, "198.51.100.1"), "time");
  assertEquals(await answerTo(world, "2001:db8::1"), "DENY");
  world.signal("SIGINT");
  await ended;
});

test("ntps serve --keys: a request with a key is answered with it, one with a wrong key refused", async () => {
  const world = new FakeWorld();
  world.files.set("keys", KEY_FILE);
  world.exposed.add("keys");
  const [ended] = await begin(world, "--keys", "keys");
  assertEquals(world.stderr.text, "ntps serve: keys: others may use these keys\n");
  assertEquals(await answerTo(world, "198.51.100.1"), "time");
  assertEquals(await answerTo(world, "198.51.100.1", KEY), "time");
  const wrong = new SymmetricKey({ id: 1, type: "AES128", secret: new Uint8Array(16) });
  assertEquals(await answerTo(world, "198.51.100.1", wrong), "crypto-NAK");
  assertEquals(await answerTo(world, "192.0.2.1", RESTRICTED), "time");
  assertEquals(await answerTo(world, "198.51.100.1", RESTRICTED), "crypto-NAK");
  await world.time.run(1000);
  world.signal("SIGINT");
  await ended;
  assertEquals(world.stdout.lines.slice(1), [
    "2026-11-23T12:00:01Z answered 3, crypto-NAKs 2",
    "2026-11-23T12:00:01Z ended by SIGINT: answered 3, crypto-NAKs 2 in all",
  ]);
});

test("ntps serve --key-format: chrony's addresses are none", async () => {
  const world = new FakeWorld();
  world.files.set("keys", KEY_FILE);
  const { status, stderr } = await world.run("serve", "--keys", "keys", "--key-format", "chrony");
  assertEquals(status, 1);
  assertMatch(stderr, /^ntps serve: keys:2:15: nothing follows the key, [^\n]*\n$/);
});

/** How many of so many requests at once, after a pause, are answered with the time. */
async function answeredOf(count: number, world: FakeWorld, hostname: string): Promise<number> {
  let answered = 0;
  for (let i = 0; i < count; i++) {
    if (await answerTo(world, hostname) === "time") answered++;
  }
  return answered;
}

test("ntps serve --rate-limit: interval, burst and leak, and what the log says of it", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world, "--rate-limit=1min,3,0");
  assertEquals(await answeredOf(5, world, "192.0.2.1"), 3);
  assertEquals(await answeredOf(5, world, "198.51.100.1"), 3);
  await world.time.run(60_000);
  assertEquals(await answeredOf(5, world, "192.0.2.1"), 1);
  world.signal("SIGINT");
  await ended;
  assertEquals(
    world.stdout.lines[1],
    "2026-11-23T12:00:01Z answered 6, kissed 2, dropped 2 (rate 2)",
  );
  assertMatch(world.stdout.lines.at(-1)!, /: answered 7, kissed 2, dropped 6 \(rate 6\) in all$/);
});

test("ntps serve --rate-limit: by itself it has the recommended values; without, there is no limit", async () => {
  for (const args of [["--rate-limit"], ["--rate-limit", "--quiet"], []]) {
    const world = new FakeWorld();
    const [ended] = await begin(world, ...args);
    assertEquals(await answeredOf(8, world, "192.0.2.1"), 8);
    // A quarter of the rest, at random; that all 92 are is as good as impossible.
    const rest = await answeredOf(92, world, "192.0.2.1");
    assertEquals(rest === 92, args.length === 0, `${rest}`);
    world.signal("SIGINT");
    await ended;
  }
});

test("ntps serve --limited: the limit is for these alone", async () => {
  const world = new FakeWorld();
  const args = ["--rate-limit=60,2,0", "--limited", "192.0.2.0/24", "--allow", "0.0.0.0/0"];
  const [ended] = await begin(world, ...args);
  assertEquals(await answeredOf(5, world, "192.0.2.1"), 2);
  assertEquals(await answeredOf(5, world, "198.51.100.1"), 5);
  world.signal("SIGINT");
  await ended;
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
    [["--allow", "192.0.2.0/33"], /--allow: "192\.0\.2\.0\/33" has a prefix length that is not/],
    [["--deny", "192.0.2.1/24"], /--deny: "192\.0\.2\.1\/24" .*; 192\.0\.2\.0\/24 is meant\?/],
    [["--kod", "::/0", "--kod", "x"], /--kod: "x" is not a prefix; write /],
    [["--require-auth", "::/129", "--keys", "keys"], /--require-auth: "::\/129" has a prefix/],
    [
      ["--allow", "192.0.2.0/24", "--deny", "192.0.2.0/24"],
      /for the same prefix: 192\.0\.2\.0\/24, 192\.0\.2\.0\/24/,
    ],
    [["--workers", "65"], /--workers is a whole number from 0 to 64, not "65"/],
    [["--workers", "2", "--group", "224.0.1.1"], /--workers does not go with --group/],
    [["--workers", "2", "--transport", "portable"], /leave out --transport, or say native/],
    [["--limited", "::/0"], /--limited needs --rate-limit, alone or with a LIMIT/],
    [["--require-auth", "::/0"], /--require-auth needs --keys: without, nobody there/],
    [["--key-format", "ntpd"], /--key-format is for a key file, and there is no --keys/],
    [["--keys"], /--keys needs a value: --keys FILE/],
    [["--rate-limit=often"], /--rate-limit is INTERVAL\[,BURST\[,LEAK\]\], .*not "often"/],
    [["--rate-limit=8,,1"], /--rate-limit is INTERVAL.*not "8,,1"/],
    [["--rate-limit=8,8,0.25,1"], /--rate-limit is INTERVAL.*not "8,8,0.25,1"/],
    [["--rate-limit=0"], /--rate-limit: interval is a number from \S+ to 4096, not 0\n/],
    [["--rate-limit=8,256"], /--rate-limit: burst is a whole number from 1 to 255, not 256/],
    [["--rate-limit=8,8,1.5"], /--rate-limit: leak is a number from 0 to 1, not 1\.5/],
    [["--rate-limit=4096,255"], /--rate-limit: interval × burst is at most /],
  ];
  for (const [args, pattern] of cases) {
    const world = new FakeWorld();
    Object.assign(world, { bind: () => Promise.reject(new Error("it listens")) });
    const { status, stdout, stderr } = await world.run("serve", ...args);
    assertEquals([status, stdout], [2, ""]);
    assertMatch(stderr, pattern);
    assertEquals(stderr.split("\n").length, 2);
  }
});

test("ntps serve: a key file with something wrong ends it before it listens, with status 1", async () => {
  const world = new FakeWorld();
  world.files.set("keys", "1 SHA1 secret\n1 MD5 secret\n");
  Object.assign(world, { bind: () => Promise.reject(new Error("it listens")) });
  const bad = await world.run("serve", "--keys", "keys");
  assertEquals([bad.status, bad.stdout], [1, ""]);
  assertEquals(bad.stderr, "ntps serve: keys:2:1: key 1 is in line 1 already\n");
  world.stderr.text = "";
  const missing = await world.run("serve", "--keys", "nosuch");
  assertEquals(missing.status, 1);
  assertEquals(missing.stderr, "ntps serve: nosuch: there is no such file\n");
});
