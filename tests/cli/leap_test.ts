// `--leap-seconds` and `--smear` of `ntps serve` and `ntps sync`.
import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { queryRaw } from "../../src/client/query.ts";
import { NTP_UNIX_OFFSET, timestampDifference } from "../../src/packet/timestamp.ts";
import { FakeWorld } from "./fake_world.ts";

/** A list with a second more at the end of the day on which the worlds begin, at noon. */
function list(expires = "2027-06-28"): string {
  const seconds = (date: string) => Date.parse(date) / 1000 + NTP_UNIX_OFFSET;
  return `#@ ${seconds(expires)}\n${seconds("2017-01-01")} 37\n${seconds("2026-11-24")} 38\n`;
}

async function ask(world: FakeWorld, port = 123) {
  const { bind, clock, timers, queryOptions } = world;
  const { packet } = await world.time.runUntil(
    queryRaw("127.0.0.1", { bind, clock, timers, port, ...queryOptions }),
  );
  const ahead = timestampDifference(packet.transmitTimestamp, clock.now());
  return { indicator: packet.leapIndicator, refid: packet.referenceId >>> 24, ahead };
}

test("ntps serve --leap-seconds: announces what the list has", async () => {
  const world = new FakeWorld();
  world.files.set("list", list());
  const ended = world.start("serve", "--leap-seconds", "list");
  await world.time.run(1000);
  const { indicator, refid } = await ask(world);
  assertEquals([indicator, refid], [1, 127]);
  world.signal("SIGTERM");
  assertEquals(await world.time.runUntil(ended), 0);
  assertEquals(world.stderr.text, "");
});

test("ntps serve --smear: by hours, and the reference says so", async () => {
  const world = new FakeWorld();
  world.files.set("list", list());
  const ended = world.start("serve", "--leap-seconds", "list", "--smear", "linear:20");
  await world.time.run(2 * 3600_000 - 5000);
  assertEquals((await ask(world)).refid, 127); // it begins at 14:00
  await world.time.run(5 * 3600_000 + 5000);
  const { ahead, indicator, refid } = await ask(world);
  assertEquals([indicator, refid], [0, 254]);
  assertAlmostEquals(ahead, -0.25, 0.02);
  world.signal("SIGTERM");
  assertEquals(await world.time.runUntil(ended), 0);
});

test("ntps sync --leap-seconds --serve: the list counts for more than the servers", async () => {
  const world = new FakeWorld();
  world.files.set("list", list());
  await world.serve("192.0.2.1", { refid: "GPS", stratum: 1 });
  const args = ["192.0.2.1", "--leap-seconds", "list", "--serve", "1123", "-d", "100s"];
  const ended = world.start("sync", ...args);
  await world.time.run(50_000);
  assertEquals((await ask(world, 1123)).indicator, 1);
  assertEquals(await world.time.runUntil(ended), 0);
  assertMatch(world.stdout.text, /leap insert/);
});

test("ntps serve --leap-seconds: an old list is told, a bad one ends it", async () => {
  const world = new FakeWorld();
  world.files.set("list", list("2026-11-01"));
  const ended = world.start("serve", "--leap-seconds", "list");
  await world.time.run(1000);
  assertMatch(world.stderr.text, /^ntps serve: list has expired/);
  world.signal("SIGTERM");
  await world.time.runUntil(ended);
  for (
    const [args, status, message] of [
      [["--leap-seconds", "bad"], 1, /bad: leap-seconds\.list, line 1/],
      [["--leap-seconds", "none"], 1, /none/],
      [["--smear", "sine"], 2, /--smear is linear or cosine/],
      [["--smear", "linear:0"], 2, /--smear: duration of a smear is above 0 s/],
    ] as const
  ) {
    const other = new FakeWorld();
    other.files.set("bad", "12 x\n");
    const failed = await other.run("serve", ...args);
    assertEquals(failed.status, status, args.join(" "));
    assert(message.test(failed.stderr), failed.stderr);
  }
});
