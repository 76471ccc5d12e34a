import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { ClockWatch } from "../../src/sync/clock_watch.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";

test("clock watch: two clocks that go alike, or nearly, have not jumped", () => {
  const time = new VirtualTime();
  let wallMs = 0;
  const watch = new ClockWatch(time, () => wallMs);
  for (let minute = 0; minute < 100; minute++) {
    time.advance(60_000);
    wallMs += 60_030; // 500 ppm
    assertEquals(watch.jumped(), false);
  }
});

test("clock watch: a jump of either is told once", () => {
  const time = new VirtualTime();
  let wallMs = 0;
  const watch = new ClockWatch(time, () => wallMs);
  for (const jump of [5_000_000, -2000, 1001]) {
    time.advance(1000);
    wallMs += 1000 + jump;
    assertEquals([watch.jumped(), watch.jumped()], [true, false]);
  }
  time.advance(30_000);
  assertEquals([watch.jumped(), watch.jumped()], [true, false]);
});
