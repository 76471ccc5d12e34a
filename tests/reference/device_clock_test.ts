import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import type { DeviceCalls } from "../../src/reference/device_calls.ts";
import { deviceError } from "../../src/reference/device_calls.ts";
import { DeviceClock, type DeviceClockOptions } from "../../src/reference/device_clock.ts";
import type { NTPSync } from "../../src/sync/ntp_sync.ts";
import { fakeCalls, scene, stampOf } from "./scene.ts";

/** A device of which a test tells what it does. */
class TestDevice extends DeviceClock {
  readonly log: string[] = [];
  attaches: () => void = () => {};
  looks: () => void = () => {};
  readonly #unix: (ahead?: number) => bigint;

  constructor(world: ReturnType<typeof scene>, options: DeviceClockOptions = {}) {
    const defaults = { refid: "TEST", maxError: 1e-4, intervalMs: 500 };
    super(options, defaults, { calls: fakeCalls({}), system: world.system });
    this.#unix = world.unix;
  }

  /** The system's clock has stamped what was true a while ago. */
  tell(agoSeconds: number, systemError: number): void {
    const stamp = this.#unix(systemError - agoSeconds);
    this.reading(stampOf(this.#unix(-agoSeconds)), this.rawAt(stamp));
  }

  protected override attach(_: DeviceCalls): void {
    this.log.push("attach");
    this.attaches();
  }

  protected override look(): void {
    this.log.push("look");
    this.looks();
  }

  protected override detach(): void {
    this.log.push("detach");
  }
}

test("DeviceClock: it is looked at again and again, at its interval", async () => {
  const world = scene(), { time, system, start } = world;
  system.error = 100;
  const clock = new TestDevice(world, { intervalMs: 250 });
  clock.looks = () => clock.tell(0.2, 100);
  const sync = await start({ inputs: [clock] });
  const before = clock.log.length;
  await time.run(10_000);
  assertEquals(clock.log.length - before, 40);
  assertAlmostEquals(timestampDifference(sync.clock.now(), time.now()), 0, 1e-7);
  await sync.close();
  await time.run(10_000);
  assertEquals([clock.log[0], clock.log.at(-1)], ["attach", "detach"]);
  assertEquals(clock.log.filter((what) => what === "detach").length, 1);
  assertEquals(clock.log.length - before, 41);
});

test("DeviceClock: what fails is tried again, later and later, a minute at most", async () => {
  const world = scene(), { time, begin } = world, clock = new TestDevice(world), at: number[] = [];
  clock.attaches = () => {
    at.push(time.elapsedMs / 1000);
    throw deviceError("it", 16);
  };
  const starting = begin({ inputs: [clock], timeoutMs: 400_000 });
  starting.catch(() => {});
  await time.run(300_000);
  assertEquals(at, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  assertEquals(clock.status().reason, "it: in use by somebody else");
  assertEquals(clock.log.includes("detach"), false); // it was never open
  clock.attaches = () => {};
  clock.looks = () => clock.tell(0, 0);
  const sync = await time.runUntil(starting);
  assertEquals(clock.status().locked, true);
  // Once it was open, it is tried again soon.
  let fails = true;
  clock.looks = () => {
    if (fails) throw "a word, not an error";
    clock.tell(0, 0);
  };
  await time.run(600);
  assertEquals([clock.log.at(-1), clock.status().reason], ["detach", "a word, not an error"]);
  fails = false;
  await time.run(1100);
  assertEquals(clock.status().locked, true);
  await sync.close();
});

test("DeviceClock: closed by who is told, in the middle of a look", async () => {
  const world = scene(), { time, start } = world, clock = new TestDevice(world);
  clock.looks = () => {
    clock.tell(0, 0);
    clock.tell(0, 0); // harmless, though it is closed
  };
  let closes = false;
  const onUpdate = (sync: NTPSync) => void (closes && sync.close());
  const sync = await start({ inputs: [clock], onUpdate });
  closes = true;
  await time.run(60_000);
  assertEquals(clock.status().reason, "closed");
  assertEquals(clock.log.filter((what) => what === "detach").length, 1);
  await sync.close();
  // And used again.
  const again = await start({ inputs: [clock] });
  assert(clock.status().locked);
  await again.close();
});

test("device errors say what is to be done", () => {
  const codes = [1, 2, 6, 13, 16, 19, 22, 25, 98, 111, 5].map((errno) => {
    const { code, message } = deviceError("/dev/x", errno);
    assert(message.startsWith("/dev/x: ") && message.length > 12, message);
    return code;
  });
  assertEquals(codes, [
    ...["permission", "not-found", "not-found", "permission", "system", "not-found"],
    ...["system", "system", "system", "system", "system"],
  ]);
});
