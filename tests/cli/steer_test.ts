// `ntps sync --steer`: on a clock of a test, never on that of the machine.
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FakeSystemTime } from "../steering/fake_system_time.ts";
import { FakeWorld } from "./fake_world.ts";

/** A world with a system clock, and a server half a second ahead of it. */
async function stage(aheadSeconds = 0.5) {
  const world = new FakeWorld();
  await world.serve("192.0.2.1", { refid: "GPS", stratum: 1 }, { aheadSeconds });
  const system = new FakeSystemTime(() => world.time.now());
  const opened: boolean[] = [];
  Object.assign(world, {
    steering: {
      open: (readOnly: boolean) => {
        opened.push(readOnly);
        return Promise.resolve({ system, syncOptions: {} });
      },
    },
  });
  world.files.set("/proc/self/status", "CapEff:\t0000000002000000\n");
  return { world, system, opened };
}

test("ntps sync --steer slews the system clock", async () => {
  const { world, system } = await stage(0.05);
  const { status, stderr } = await world.run("sync", "192.0.2.1", "--steer", "-d", "600s");
  assertEquals(status, 0);
  assertMatch(stderr, /^ntps sync: off by \+?5\d\.\d+ ms: run at \d+\.\d{3} ppm\n/);
  assert(system.adjustments.length > 500, `${system.adjustments.length}`);
  assert(system.adjustments.every(({ step }) => step === undefined));
});

test("ntps sync --steer sets it once if it is off by more than --step", async () => {
  const { world, system } = await stage(5);
  const { status, stderr } = await world.run("sync", "192.0.2.1", "--steer", "-d", "60s");
  assertEquals(status, 0);
  assertMatch(stderr, /^ntps sync: set the system clock by \+?5\.\d+ s\n/);
  assertEquals(system.adjustments.filter(({ step }) => step !== undefined).length, 1);
});

test("ntps sync --steer --dry-run changes nothing, and opens the clock to be read", async () => {
  const { world, system, opened } = await stage(5);
  world.files.set("/proc/self/status", "CapEff:\t0000000000000000\n");
  const args = ["sync", "192.0.2.1", "--steer", "--dry-run", "-d", "60s"];
  const { status, stderr } = await world.run(...args);
  assertEquals([status, opened], [0, [true]]);
  assertMatch(stderr, /^ntps sync: would set the system clock by \+?5\.\d+ s\n/);
  assertEquals(system.adjustments, []);
});

test("ntps sync --steer is refused without the capability, before anybody is asked", async () => {
  const { world, opened } = await stage();
  world.files.set("/proc/self/status", "CapEff:\t00000000a80425fb\n");
  const { status, stderr } = await world.run("sync", "192.0.2.1", "--steer");
  assertEquals([status, opened], [1, []]);
  assertMatch(stderr, /CAP_SYS_TIME, which this process lacks: .*--cap-add SYS_TIME.*--dry-run/);
});

test("ntps sync --steer gives up beyond --panic", async () => {
  const { world, system } = await stage(5);
  const { status, stderr } = await world.run("sync", "192.0.2.1", "--steer", "--panic", "2s");
  assertEquals(status, 1);
  assertMatch(stderr, /more than 2 s/);
  assertEquals(system.adjustments, []);
});

test("ntps sync --steer tells of another program that steers", async () => {
  const { world, system } = await stage(0.001);
  system.told = { synchronized: true };
  const { stderr } = await world.run("sync", "192.0.2.1", "--steer", "-d", "5s");
  assertMatch(stderr, /another program seems to steer/);
});

test("limits of steering need --steer", async () => {
  for (const args of [["--dry-run"], ["--step", "1s"], ["--max-steps", "2"], ["--panic", "9s"]]) {
    const { status, stderr } = await new FakeWorld().run("sync", "192.0.2.1", ...args);
    assertEquals(status, 2);
    assertMatch(stderr, new RegExp(`${args[0]} is for --steer, which is not there`));
  }
});
