// The peers of `ntps serve`, and what its log says of them.
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { NTPPassivePeers } from "../../src/association/ntp_passive_peers.ts";
import { NTPPeer } from "../../src/association/ntp_peer.ts";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import type { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { FunctionClock } from "../../src/clock/function_clock.ts";
import { addSeconds } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { FakeWorld } from "./fake_world.ts";

const KEY_FILE = "1 AES128 HEX:000102030405060708090a0b0c0d0e0f\n2 SHA1 shared\n";
const KEYS = parseKeyFile(KEY_FILE);
const OURS = "127.0.0.1";

/** Another server, half a second ahead, that takes passive peers. */
async function passiveServer(world: FakeWorld, hostname: string, aheadSeconds = 0.5) {
  const server = await world.serve(hostname, { keys: KEYS, stratum: 3 }, { aheadSeconds });
  const peers = new NTPPassivePeers({
    server,
    timers: world.timers,
    random: world.queryOptions.random,
    allowUnauthenticated: true,
  });
  peers.start();
  return { server, peers };
}

/** Another server, half a second ahead, that has us as its active peer. */
async function activeServer(world: FakeWorld, hostname: string, key?: SymmetricKey) {
  const clock = new FunctionClock(() => addSeconds(world.time.now(), 0.5), { precision: -20 });
  const server = new NTPServer({ clock, bind: world.bind, keys: KEYS });
  await server.listen({ hostname });
  const { timers, queryOptions: { random } } = world;
  const peer = new NTPPeer({ server, endpoint: OURS, timers, random, ...(key && { key }) });
  await peer.start();
  return { server, peer };
}

/** Until the command has started. */
async function begin(world: FakeWorld, ...args: string[]): Promise<Promise<number>[]> {
  world.files.set("keys", KEY_FILE);
  const ended = world.start("serve", ...args);
  await world.time.run(0);
  return [ended]; // in an array, or await would wait for it
}

async function end(world: FakeWorld, ended: Promise<number>): Promise<string[]> {
  world.signal("SIGINT");
  assertEquals(await ended, 0);
  assertEquals(world.listening, 0);
  return world.stdout.lines;
}

test("ntps serve --peer: takes time from each peer, and says how they do", async () => {
  const world = new FakeWorld();
  world.names.set("b.example", ["192.0.2.2"]);
  const b = await passiveServer(world, "192.0.2.2");
  const c = await passiveServer(world, "2001:db8::3", -0.25);
  const args = ["--peer", "b.example", "--peer", "2001:db8::3", "--keys", "keys", "--key", "1"];
  const [ended] = await begin(world, ...args);
  assertMatch(world.stdout.text, /; peers b\.example, 2001:db8::3 with key 1\n$/);
  await world.time.run(1000);
  assertEquals(
    world.stdout.lines[1],
    [
      "2026-11-23T12:00:01Z peer b.example is reachable, offset +500.000 ms, delay 20.000 ms; ",
      "peer 2001:db8::3 is reachable, offset -250.000 ms, delay 20.000 ms",
    ].join(""),
  );
  await world.time.run(150_000);
  for (const line of world.stdout.lines.slice(2)) {
    assertMatch(
      line,
      /^\S+Z peer (b\.example|2001:db8::3) offset [+-]\d+\.000 ms, delay 20\.000 ms/,
    );
  }
  // They say the same of us, signed with the key that we share.
  for (const { peers } of [b, c]) {
    const [{ hostname, samples, reach, ignored }] = peers.statistics() as [
      ReturnType<typeof peers.statistics>[0],
    ];
    assert([OURS, "::1"].includes(hostname) && samples >= 2 && reach !== 0);
    assertEquals(ignored, { unsolicited: 1 });
  }
  const lines = await end(world, ended!);
  assertMatch(lines.at(-1)!, / ended by SIGINT: answered 0, from peers \d+ in all$/);
});

test("ntps serve --peer: one that is not there is waited for, and one that goes is missed", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world, "--peer", "192.0.2.2");
  assertMatch(world.stdout.text, /; peers 192\.0\.2\.2 without a key\n$/);
  await world.time.run(100_000);
  assertEquals(world.stdout.lines.length, 1);
  const { server, peers } = await passiveServer(world, "192.0.2.2");
  await world.time.run(100_000);
  assertMatch(world.stdout.lines[1]!, /Z peer 192\.0\.2\.2 is reachable, offset \+500/);
  peers.close();
  await server.close();
  await world.time.run(1_000_000);
  const lines = await end(world, ended!);
  assertMatch(lines.at(-2)!, /Z peer 192\.0\.2\.2 does not answer any more$/);
});

test("ntps serve --peer: what a peer says that cannot be used is told", async () => {
  const world = new FakeWorld();
  const { server } = await passiveServer(world, "192.0.2.2");
  server.stratum = 16;
  const [ended] = await begin(world, "--peer", "192.0.2.2");
  await world.time.run(1000);
  assertMatch(
    world.stdout.lines[1]!,
    /^2026-11-23T12:00:01Z 192\.0\.2\.2:123 does not know the time/,
  );
  await end(world, ended!);
});

test("ntps serve --passive: peers with a key of --keys, and no others", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world, "--passive", "--keys", "keys");
  assertMatch(world.stdout.text, /; passive peers with a key\n$/);
  const stranger = await activeServer(world, "192.0.2.3");
  await world.time.run(70_000);
  assertEquals(stranger.peer.statistics()!.samples, 0);
  const friend = await activeServer(world, "192.0.2.2", KEYS.get(2));
  await world.time.run(70_000);
  assert(friend.peer.statistics()!.samples >= 1);
  const lines = await end(world, ended!);
  assertMatch(lines[1]!, / answered 0, dropped 1 \(mode 1\)$/);
  const said = lines.filter((line) => / peer /.test(line));
  assert(said.length > 0);
  // Timestamps are true to the precision of the clock, 1 µs.
  const right = / peer 192\.0\.2\.2 (is reachable, )?offset \+(500\.00|499\.99)\d ms/;
  for (const line of said) assertMatch(line, right);
});

test("ntps serve --passive --unauthenticated: peers without a key, too", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world, "--passive", "--unauthenticated");
  assertMatch(world.stdout.text, /; passive peers with and without a key\n$/);
  const { peer } = await activeServer(world, "192.0.2.3");
  await world.time.run(70_000);
  assert(peer.statistics()!.samples >= 1);
  assert((await end(world, ended!)).some((line) => / peer 192\.0\.2\.3 is reachable/.test(line)));
});

test("ntps serve: of many peers at once the log says one line a second", async () => {
  const world = new FakeWorld();
  const [ended] = await begin(world, "--passive", "--unauthenticated");
  for (let i = 1; i <= 12; i++) await activeServer(world, `192.0.2.${i}`);
  await world.time.run(900_000);
  const times = (await end(world, ended!)).slice(1, -1).map((line) => line.slice(0, 20));
  assert(times.length > 4);
  assertEquals(new Set(times).size, times.length);
});

test("ntps serve --quiet: of peers nothing is told", async () => {
  const world = new FakeWorld();
  await passiveServer(world, "192.0.2.2");
  const [ended] = await begin(world, "--peer", "192.0.2.2", "--quiet");
  await world.time.run(100_000);
  assertEquals((await end(world, ended!)).length, 2);
});

test("ntps serve --peer: of a name, the address that the server can send to", async () => {
  const world = new FakeWorld();
  world.names.set("b.example", ["2001:db8::2", "192.0.2.2"]);
  await passiveServer(world, "192.0.2.2");
  const [ended] = await begin(world, "-a", "192.0.2.1", "--peer", "b.example");
  await world.time.run(1000);
  assertMatch(world.stdout.lines[1]!, /Z peer b\.example is reachable/);
  await end(world, ended!);
});

test("ntps serve --peer: what keeps it from starting is one line and status 1, and frees all", async () => {
  const cases: [args: string[], line: string][] = [
    [["--peer", "nosuch.example"], "nosuch.example is not known"],
    [
      ["--peer", "2001:db8::2", "-a", "192.0.2.1"],
      "The server listens at no address from which it could send to 2001:db8::2: add --address ::",
    ],
  ];
  for (const [args, line] of cases) {
    const world = new FakeWorld();
    const { status, stdout, stderr } = await world.run("serve", ...args);
    assertEquals([status, stdout, stderr], [1, "", `ntps serve: ${line}\n`]);
    assertEquals([world.listening, world.time.pending], [0, 0]);
    for (const hostname of ["::", "192.0.2.1"]) {
      const options = { hostname, port: 123, clock: world.clock, onDatagram() {} };
      await (await world.bind(options)).close();
    }
  }
});

test("ntps serve --peer: a signal ends it while the name is still asked for", async () => {
  const world = new FakeWorld();
  const resolve = (_host: string, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<string[]>((_, reject) =>
      signal!.addEventListener("abort", () => reject(new Error("resolving was aborted")))
    );
  Object.assign(world.queryOptions, { resolve });
  const [ended] = await begin(world, "--peer", "b.example");
  world.signal("SIGINT");
  assertEquals(await ended, 1);
  assertEquals(world.stderr.text, "ntps serve: resolving was aborted\n");
});

test("ntps serve: what is wrong with peers ends it before it listens, with status 2", async () => {
  const cases: [args: string[], pattern: RegExp][] = [
    [["--peer", "a:b:c"], /"a:b:c" is no host: write NAME, NAME:PORT, an IP address, or \[IPV6\]/],
    [["--peer", "b:0"], /the port in "b:0" is a whole number from 1 to 65535, not "0"/],
    [["--passive"], /--passive needs --keys, or --unauthenticated where you trust everybody/],
    [["--unauthenticated"], /--unauthenticated is for --passive, which is not there/],
  ];
  for (const [args, pattern] of cases) {
    const world = new FakeWorld();
    Object.assign(world, { bind: () => Promise.reject(new Error("it listens")) });
    const { status, stdout, stderr } = await world.run("serve", ...args);
    assertEquals([status, stdout], [2, ""], stderr);
    assertMatch(stderr, pattern);
    assertEquals(stderr.split("\n").length, 2);
  }
});
