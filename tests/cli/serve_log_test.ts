// The log of `ntps serve`: levels, JSON lines, and what strangers can make of it.
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { PeerLog } from "../../src/cli/peer_log.ts";
import { oneLine } from "../../src/cli/say.ts";
import { LinePace, ServeLog } from "../../src/cli/serve_log.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { FakeWorld } from "./fake_world.ts";

/** A stranger who sends something that is dropped, once a second. */
async function pester(world: FakeWorld, seconds: number): Promise<void> {
  const stranger = await world.bind({
    hostname: "192.0.2.77",
    port: 4000,
    clock: world.clock,
    onDatagram() {},
  });
  const to = new Endpoint("192.0.2.1", 123);
  for (let i = 0; i < seconds; i++) {
    stranger.send(Uint8Array.of(0x26), to);
    await world.time.run(1000);
  }
  await stranger.close();
}

test("ntps serve: two hours of a stranger's packets is 60 lines and one a minute, and nothing is lost", async () => {
  const world = new FakeWorld();
  const ended = world.start("serve", "--address", "192.0.2.1");
  await world.time.run(100);
  const minutes = 120;
  await pester(world, 60 * minutes);
  world.signal("SIGTERM");
  await world.time.runUntil(ended);
  const { lines } = world.stdout;
  assert(lines.length > 100 && lines.length <= 60 + minutes + 3, `${lines.length} lines`);
  const dropped = lines.slice(1, -1).map((line) => Number(/dropped (\d+)/.exec(line)![1]));
  const told = dropped.reduce((sum, count) => sum + count, 0);
  assert(told > 60 * minutes - 70 && told <= 60 * minutes, `${told}`);
  assertMatch(
    lines.at(-1)!,
    new RegExp(`dropped ${60 * minutes} \\(short ${60 * minutes}\\) in all`),
  );
});

test("ntps serve --log-level: what matters so much, and all before it", async () => {
  for (
    const [args, count] of [
      [[], 3],
      [["--log-level", "info"], 3],
      [["--log-level", "notice"], 2],
      [["--quiet"], 2],
      [["--log-level", "warning"], 0],
      [["--log-level", "error"], 0],
    ] as const
  ) {
    const world = new FakeWorld();
    const ended = world.start("serve", "--address", "192.0.2.1", ...args);
    await world.time.run(100);
    await pester(world, 1);
    await world.time.run(1000);
    world.signal("SIGTERM");
    assertEquals(await world.time.runUntil(ended), 0);
    assertEquals(world.stdout.lines.length, count, args.join(" "));
  }
  const both = await new FakeWorld().run("serve", "--quiet", "--log-level", "info");
  assertEquals(both.status, 2);
  assertMatch(both.stderr, /--quiet is --log-level notice/);
});

test("ntps serve --log-json: each line an object, errors of a reload among them", async () => {
  const world = new FakeWorld();
  const config = (allow: string) =>
    `[server]\naddress = ["192.0.2.1"]\nlog-json = true\n\n[access]\nallow = ["${allow}"]\n`;
  world.files.set("ntps.toml", config("192.0.2.0/24"));
  const ended = world.start("serve", "--config", "ntps.toml");
  for (let i = 0; i < 200 && world.stdout.text === ""; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5)); // the parser is a module, which loads
    await world.time.run(10);
  }
  world.files.set("ntps.toml", config("192.0.2.0/99"));
  world.reload();
  await world.time.run(1000);
  world.signal("SIGINT");
  assertEquals(await world.time.runUntil(ended), 0);
  assertEquals(world.stderr.text, "");
  const objects = world.stdout.lines.map((line) => JSON.parse(line));
  assertEquals(objects.map(({ level }) => level), ["notice", "error", "error", "notice"]);
  assertMatch(objects[0].time, /^2026-11-23T12:00:0\d/);
  assertMatch(objects[0].message, /^listening at 192\.0\.2\.1:123/);
  assertMatch(objects[2].message, /nothing was changed/);
});

test("log: lines that strangers bring up are bounded, and those left out are counted", () => {
  const world = new FakeWorld();
  const values = { logLevel: undefined, logJson: false, quiet: false };
  const log = new ServeLog("ntps serve", values, world);
  for (let i = 0; i < 1000; i++) log.bounded("warning", `failure ${i}`);
  assertEquals(world.stderr.lines.length, 60);
  for (let i = 0; i < 61; i++) log.tick();
  log.bounded("warning", "late");
  assertEquals(
    world.stderr.lines.at(-1),
    "ntps serve: late (940 lines before it were left out)",
  );
});

test("log: the pace is 60 at once, then one a minute", () => {
  const pace = new LinePace();
  let taken = 0;
  for (let second = 0; second < 3600; second++) {
    pace.tick();
    if (pace.take()) taken++;
  }
  assert(taken >= 118 && taken <= 121, `${taken}`);
});

test("log: one line of ordinary characters, however long and wild the text", () => {
  assertEquals(oneLine("a\u2028b\u202ec\x1b[31m\u2066d"), "a b c [31m d");
  assertEquals(oneLine("x".repeat(5000)).length, 2001);
});

test("log: of peers there are at most 64 between two lines", () => {
  const log = new PeerLog();
  const { onChange } = log.events();
  for (let i = 0; i < 1000; i++) {
    onChange("reachable", { hostname: `2001:db8::${i.toString(16)}`, port: 123 });
  }
  assert(log.hasNews);
  const parts = log.take();
  assertEquals([parts.length, parts.at(-1)], [65, "news of other peers 936"]);
  assertEquals([log.take(), log.hasNews], [[], false]);
});

test("log: errors of what is done stay in their lines, and are errors to every level", () => {
  const world = new FakeWorld();
  const values = { logLevel: "error" as const, logJson: false, quiet: false };
  const log = new ServeLog("ntps serve", values, world);
  log.write("info", "answered 3", true);
  log.write("error", "answered 0, errors 1 (no fix)", true);
  assertEquals(world.stdout.lines.map((line) => line.split(" ").slice(1).join(" ")), [
    "answered 0, errors 1 (no fix)",
  ]);
  assertEquals(world.stderr.text, "");
});
