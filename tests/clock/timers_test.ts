import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { systemTimers } from "../../src/clock/timers.ts";

test("the runtime's timers call once, and not when cancelled", async () => {
  const called: string[] = [];
  const cancel = systemTimers.after(0, () => called.push("cancelled"));
  const done = new Promise<void>((resolve) => {
    systemTimers.after(1, () => called.push("a"));
    systemTimers.after(20, resolve);
  });
  cancel();
  cancel();
  await done;
  assertEquals(called, ["a"]);
});
