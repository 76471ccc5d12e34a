// What `ntps serve` broadcasts, and who can find it in a group.
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { NTPManycastClient } from "../../src/association/ntp_manycast_client.ts";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import { authenticationOf } from "../../src/client/authentication.ts";
import { NTPError } from "../../src/packet/error.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import type { BindUdp, UdpBindOptions } from "../../src/transport/udp_transport.ts";
import { FakeWorld } from "./fake_world.ts";

const KEY_FILE = "1 AES128 HEX:000102030405060708090a0b0c0d0e0f\n2 SHA1 shared\n";
const WARNING =
  "ntps serve: Broadcasts without a key: whoever believes them believes anybody on that network\n";

/** Hears what comes to an address or group. */
async function hear(world: FakeWorld, hostname: string, groups: string[] = [], port = 123) {
  const heard: { packet: NTPPacket; data: Uint8Array; source: string }[] = [];
  const transport = await world.bind({
    hostname,
    port,
    multicast: true,
    clock: world.clock,
    onDatagram: (data, source) =>
      heard.push({ packet: NTPPacket.decode(data), data: data.slice(), source: `${source}` }),
  });
  for (const group of groups) transport.joinGroup(group);
  return heard;
}

/** Until the command has started: the system is given time to say that it cannot send. */
async function begin(world: FakeWorld, ...args: string[]): Promise<Promise<number>[]> {
  const ended = world.start("serve", "--refid", "GPS", ...args);
  await world.time.run(100);
  return [ended]; // in an array, or await would wait for it
}

test("ntps serve --broadcast, --multicast: at once and then once an interval, to all", async () => {
  const world = new FakeWorld();
  const subnet = await hear(world, "192.0.2.9");
  const group4 = await hear(world, "203.0.113.9", ["224.0.1.1"]);
  const group6 = await hear(world, "2001:db8::9", ["ff05::101"]);
  const targets = ["--broadcast", "192.0.2.255", "--multicast", "224.0.1.1"];
  const [ended] = await begin(world, ...targets, "--multicast=ff05::101,4", "-s", "2");
  assertEquals(world.stderr.text, WARNING);
  assertEquals(world.stdout.lines, [
    "2026-11-23T12:00:00Z listening at [::]:123 (memory); stratum 2, reference GPS; " +
    "broadcasts to 192.0.2.255, 224.0.1.1, ff05::101 every 64 s without a key",
  ]);
  await world.time.run(130_000);
  for (const heard of [subnet, group4, group6]) {
    assertEquals(heard.map(({ packet }) => [packet.mode, packet.stratum, packet.poll]), [
      [5, 2, 6],
      [5, 2, 6],
      [5, 2, 6],
    ]);
  }
  assertEquals(group6[0]!.source, "[::1]:123");
  world.signal("SIGINT");
  assertEquals(await ended, 0);
  assertEquals(world.stdout.lines.slice(1), [
    "2026-11-23T12:01:04Z answered 0, broadcasts 3",
    "2026-11-23T12:02:08Z answered 0, broadcasts 3",
    "2026-11-23T12:02:10Z ended by SIGINT: answered 0, broadcasts 9 in all",
  ]);
  await world.time.run(200_000);
  assertEquals([subnet.length, world.listening, world.time.pending], [3, 0, 0]);
});

test("ntps serve --key: signs with this key of --keys, and nothing is warned of", async () => {
  const world = new FakeWorld();
  world.files.set("keys", KEY_FILE);
  const heard = await hear(world, "192.0.2.9");
  const args = ["--broadcast", "192.0.2.255", "--keys", "keys", "--key", "2"];
  const [ended] = await begin(world, ...args, "--broadcast-interval", "16s");
  assertEquals(world.stderr.text, "");
  assertMatch(world.stdout.text, /; broadcasts to 192\.0\.2\.255 every 16 s with key 2\n$/);
  await world.time.run(16_000);
  assertEquals(heard.length, 2);
  for (const { packet, data } of heard) {
    assertEquals([packet.poll, authenticationOf(data, packet, parseKeyFile(KEY_FILE).get(2)!)], [
      4,
      "key",
    ]);
  }
  world.signal("SIGINT");
  await ended;
});

test("ntps serve --broadcast: goes to the port that the server has", async () => {
  const world = new FakeWorld();
  const heard = await hear(world, "192.0.2.9", [], 12300);
  const [ended] = await begin(world, "--broadcast", "192.0.2.255", "--port", "12300");
  await world.time.run(20);
  assertEquals(heard.map(({ source }) => source), ["127.0.0.1:12300"]);
  world.signal("SIGINT");
  await ended;
});

test("ntps serve --broadcast: a server that is not synchronised broadcasts nothing, and says so", async () => {
  const world = new FakeWorld();
  const heard = await hear(world, "192.0.2.9");
  const [ended] = await begin(world, "--broadcast", "192.0.2.255", "--stratum", "16");
  await world.time.run(65_000);
  assertEquals(heard.length, 0);
  world.signal("SIGINT");
  await ended;
  assertEquals(
    world.stdout.lines[1],
    "2026-11-23T12:01:04Z answered 0, broadcasts left out for want of time 1",
  );
});

/** Binds as the network does, and notes how sockets are set up for multicasts. */
function watched(world: FakeWorld): string[] {
  const seen: string[] = [];
  const bind: BindUdp = async (options) => {
    const transport = await world.network.bind(options);
    const { configureMulticast, joinGroup } = transport;
    return Object.assign(transport, {
      configureMulticast: (given: Parameters<typeof configureMulticast>[0]) => {
        seen.push(`${given.hopLimit} hops by ${given.networkInterface}`);
        configureMulticast.call(transport, given);
      },
      joinGroup: (group: string, networkInterface?: string) => {
        seen.push(`joins ${group} on ${networkInterface}`);
        joinGroup.call(transport, group, networkInterface);
      },
    });
  };
  Object.assign(world, { bind });
  return seen;
}

test("ntps serve --interface: for each group that names none, and once on each", async () => {
  const world = new FakeWorld();
  const seen = watched(world);
  const targets = ["--multicast", "224.0.1.1,4", "--multicast", "ff02::101%lan", "--group"];
  const [ended] = await begin(world, ...targets, "239.1.1.1", "--interface=a", "--interface=b");
  assertMatch(
    world.stdout.text,
    /; in group 239\.1\.1\.1; broadcasts to 224\.0\.1\.1%a, 224\.0\.1\.1%b, ff02::101%lan every /,
  );
  const joins = ["joins 239.1.1.1 on a", "joins 239.1.1.1 on b"];
  assertEquals(seen.slice(0, 2), joins);
  assertEquals([...new Set(seen.slice(2))], ["4 hops by a", "4 hops by b", "1 hops by lan"]);
  world.signal("SIGINT");
  await ended;
});

test("ntps serve --group: manycast clients find the server there", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world, "--group", "239.1.1.1", "--group", "ff05::101");
  assertMatch(world.stdout.text, / reference GPS; in group 239\.1\.1\.1, ff05::101\n$/);
  const found: string[] = [];
  let draw = 0;
  const client = new NTPManycastClient({
    group: "239.1.1.1",
    clock: world.clock,
    timers: world.timers,
    // On another machine: those of one's own are not looked for.
    bind: (options) => world.bind!({ ...options, hostname: "192.0.2.9" }),
    random: (into) => void into.fill(++draw),
    onChange: (state, { hostname }) => void found.push(`${hostname} ${state}`),
  });
  await client.start();
  await world.time.run(1000);
  assertEquals(found, ["127.0.0.1 reachable"]);
  await client.close();
  world.signal("SIGINT");
  await ended;
});

test("ntps serve --group with --address: joined where it can be heard, and nowhere else", async () => {
  const world = new FakeWorld();
  const seen = watched(world);
  const addresses = ["-a", "192.0.2.1", "-a", "0.0.0.0", "-a", "2001:db8::1"];
  const [ended] = await begin(world, ...addresses, "--group", "239.1.1.1");
  assertEquals(seen, ["joins 239.1.1.1 on undefined"]);
  world.signal("SIGINT");
  await ended;
});

/** Binds as the network does, but nothing that is sent leaves. */
function withoutRoute(world: FakeWorld, message: string): void {
  const bind: BindUdp = async (options: UdpBindOptions) => {
    const transport = await world.network.bind(options);
    return Object.assign(transport, {
      send() {
        world.time.after(5, () => options.onError?.(new NTPError("unreachable", message)));
        return "queued";
      },
    });
  };
  Object.assign(world, { bind });
}

test("ntps serve --multicast: no route is one line and status 1, before it says that it listens", async () => {
  const world = new FakeWorld();
  const message = "There is no way to 224.0.1.1:123 (ENETUNREACH): name the network interface";
  withoutRoute(world, message);
  const { status, stdout, stderr } = await world.run("serve", "--multicast", "224.0.1.1");
  assertEquals([status, stdout, stderr], [1, "", `ntps serve: ${message}\n`]);
  assertEquals([world.listening, world.time.pending], [0, 0]);
  await (await world.network.bind({ port: 123, clock: world.clock, onDatagram() {} })).close();
});

test("ntps serve --multicast: an error that concerns somebody else does not end it", async () => {
  const world = new FakeWorld();
  withoutRoute(world, "There is no way to 198.51.100.1:123");
  const [ended] = await begin(world, "--multicast", "224.0.1.1");
  await world.time.run(64_000);
  world.signal("SIGINT");
  assertEquals(await ended, 0);
  assertEquals(
    world.stdout.lines[1],
    "2026-11-23T12:01:04Z answered 0, broadcasts 1, errors 1 (There is no way to 198.51.100.1:123)",
  );
});

test("ntps serve: an interface that does not exist is one line and status 1", async () => {
  const message = "There is no network interface nosuch that is up and has an address, only lo";
  for (const args of [["--multicast", "224.0.1.1"], ["--group", "224.0.1.1"]]) {
    const world = new FakeWorld();
    const fail = () => {
      throw new NTPError("address-unavailable", message);
    };
    const bind: BindUdp = async (options) =>
      Object.assign(await world.network.bind(options), {
        configureMulticast: fail,
        joinGroup: fail,
      });
    Object.assign(world, { bind });
    const { status, stdout, stderr } = await world.run("serve", ...args, "--interface", "nosuch");
    assertEquals([status, stdout, stderr], [1, "", `ntps serve: ${message}\n`]);
    assertEquals([world.listening, world.time.pending], [0, 0]);
  }
});

test("ntps serve: broadcasts need an address that they can leave from", async () => {
  for (
    const [address, target, any] of [
      ["2001:db8::1", ["--broadcast", "192.0.2.255"], "0.0.0.0"],
      ["192.0.2.1", ["--multicast", "ff02::101"], "::"],
    ] as const
  ) {
    const world = new FakeWorld();
    const { status, stdout, stderr } = await world.run("serve", "-a", address, ...target);
    assertEquals([status, stdout], [1, ""]);
    const line = `ntps serve: The server listens at no address from which it could send to ${
      target[1]
    }: add --address ${any}\n`;
    assertEquals(stderr, line);
  }
});

test("ntps serve: what is wrong with broadcasts and groups ends it before it listens, with status 2", async () => {
  const cases: [args: string[], pattern: RegExp][] = [
    [
      ["--broadcast", "lan"],
      /--broadcast: "lan" is no IP address; write that of a subnet, such as/,
    ],
    [["--broadcast", "224.0.1.1"], /"224\.0\.1\.1" is a multicast group: write --multicast 224/],
    [["--broadcast", "ff02::101"], /"ff02::101" is a multicast group: write --multicast ff02::101/],
    [["--broadcast", "2001:db8::1"], /"2001:db8::1" is IPv6, which has no broadcast; groups do/],
    [["--multicast", "192.0.2.255"], /--multicast: group is a multicast address.*"192\.0\.2\.255"/],
    [["--multicast", "224.0.1.1,0"], /--multicast: HOPS is a whole number from 1 to 255, not "0"/],
    [["--multicast", "224.0.1.1,4,5"], /--multicast is GROUP\[,HOPS\], not "224\.0\.1\.1,4,5"/],
    [
      ["--multicast", "224.0.1.1%eth0"],
      /--multicast: "224\.0\.1\.1%eth0": only IPv6 has a percent sign; write 224\.0\.1\.1 --interface eth0/,
    ],
    [["--group", "nosuch"], /--group: group is a multicast address .*"nosuch"/],
    [
      ["--group", "224.0.1.1", "-a", "192.0.2.1", "-a", "::1"],
      /--group 224\.0\.1\.1 is heard at all addresses or at none: .* add --address 0\.0\.0\.0/,
    ],
    [["--group", "ff02::101", "-a", "0.0.0.0"], /--group ff02::101 .* add --address ::\n/],
    [
      ["--broadcast-interval", "500ms"],
      /--broadcast-interval lies from 1 to 131072 s, not "500ms"/,
    ],
    [["--broadcast-interval", "9"], /--broadcast-interval is for --broadcast and --multicast, of/],
    [["--interface", "eth0"], /--interface is for --multicast and --group, of which there is none/],
    [
      ["--key", "1", "--keys", "keys"],
      /--key is for --broadcast, --multicast and --peer, of which/,
    ],
    [["--key", "1", "--broadcast", "192.0.2.255"], /--key needs --keys: the file that has the key/],
    [["--key", "0"], /--key is a whole number from 1 to 4294967295, not "0"/],
    [
      ["--key", "3", "--keys", "keys", "--broadcast", "192.0.2.255"],
      /there is no key 3 in keys; there are 1, 2\n/,
    ],
  ];
  for (const [args, pattern] of cases) {
    const world = new FakeWorld();
    world.files.set("keys", KEY_FILE);
    Object.assign(world, { bind: () => Promise.reject(new Error("it listens")) });
    const { status, stdout, stderr } = await world.run("serve", ...args);
    assertEquals([status, stdout], [2, ""], stderr);
    assertMatch(stderr, pattern);
    assert(stderr.split("\n").length === 2, stderr);
  }
});
