import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  timestampDifference,
  timestampFromDate,
  timestampFromUnixNanoseconds,
} from "../../src/packet/timestamp.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";

/** Notes names with the time at which they were noted. */
function diary(time: VirtualTime) {
  const lines: string[] = [];
  return { lines, note: (name: string) => () => void lines.push(`${time.elapsedMs} ${name}`) };
}

function sleep(time: VirtualTime, milliseconds: number): Promise<void> {
  return new Promise((resolve) => time.after(milliseconds, resolve));
}

test("the time stands still unless it is moved", async () => {
  const time = new VirtualTime({ start: new Date("2026-11-23T12:00:00Z") });
  await new Promise((resolve) => setTimeout(resolve, 2));
  assertEquals(time.now(), timestampFromDate(new Date("2026-11-23T12:00:00Z")));
  assertEquals(time.elapsedMs, 0);
});

test("the clock keeps nanoseconds and wraps at the end of the era", () => {
  const start = timestampFromDate(new Date("2036-02-07T06:28:15.5Z"));
  const time = new VirtualTime({ start });
  time.advance(499.999999);
  const nanoseconds = BigInt(Date.parse("2036-02-07T06:28:15.999Z")) * 1_000_000n + 999_999n;
  assertEquals(time.now(), timestampFromUnixNanoseconds(nanoseconds));
  time.advance(0.000001);
  assertEquals(time.now(), 0n);
  time.advance(86_400_000);
  assertEquals(time.now(), 86_400n << 32n);
  const words = new Uint32Array(2);
  time.read(words);
  assertEquals([...words], [86_400, 0]);
});

test("calls run in the order of their time, those of one time as asked for", () => {
  const time = new VirtualTime();
  const { lines, note } = diary(time);
  time.after(20, note("c"));
  time.after(10, note("a"));
  time.after(20, note("d"));
  time.after(10, note("b"));
  time.after(30.000001, note("late"));
  assertEquals(time.pending, 5);
  assertEquals(time.advance(30), 4);
  assertEquals(lines, ["10 a", "10 b", "20 c", "20 d"]);
  assertEquals([time.elapsedMs, time.pending], [30, 1]);
});

test("equal times are equal however they came about", () => {
  const time = new VirtualTime();
  const { lines, note } = diary(time);
  time.after(64.2, note("first"));
  time.advance(64.1);
  time.after(0.1, note("second")); // 64.1e6 + 0.1e6 is less than 64.2e6 in float64
  time.advance(10);
  assertEquals(lines, ["64.2 first", "64.2 second"]);
});

test("calls may ask for calls, which run if they are due in time", () => {
  const time = new VirtualTime();
  const { lines, note } = diary(time);
  const repeat = (): void => {
    note("tick")();
    time.after(10, repeat);
  };
  time.after(10, repeat);
  time.after(20, () => time.after(0, note("at once")));
  assertEquals(time.advance(35), 5);
  assertEquals(lines, ["10 tick", "20 tick", "20 at once", "30 tick"]);
});

test("a cancelled call does not run, and cancelling is harmless afterwards", () => {
  const time = new VirtualTime();
  const { lines, note } = diary(time);
  const cancel = time.after(10, note("cancelled"));
  const tooLate = time.after(10, note("ran"));
  cancel();
  cancel();
  assertEquals(time.pending, 1);
  time.advance(10);
  tooLate();
  assertEquals(lines, ["10 ran"]);
  assertEquals(time.pending, 0);
});

test("a call may cancel another that is due at the same time", () => {
  const time = new VirtualTime();
  const { lines, note } = diary(time);
  let cancel = (): void => {};
  time.after(10, () => cancel());
  cancel = time.after(10, note("cancelled"));
  assertEquals(time.advance(10), 1);
  assertEquals(lines, []);
});

test("thousands of calls, many of them cancelled, keep their order", () => {
  const time = new VirtualTime();
  let seed = 1;
  const random = (): number => seed = (Math.imul(seed, 1103515245) + 12345) >>> 1;
  const expected: [number, number][] = [], seen: [number, number][] = [];
  for (let i = 0; i < 20_000; i++) {
    const due = random() % 1000;
    const cancel = time.after(due, () => seen.push([time.elapsedMs, i]));
    if (random() % 4 === 0) expected.push([due, i]);
    else cancel();
  }
  assertEquals(time.pending, expected.length);
  assertEquals(time.advance(1000), expected.length);
  expected.sort(([dueA, a], [dueB, b]) => dueA - dueB || a - b);
  assertEquals(seen, expected);
});

test("the time moves to a moment, also across the era", () => {
  const time = new VirtualTime({ start: new Date("2036-02-07T06:28:15Z") });
  const { lines, note } = diary(time);
  time.after(500, note("a"));
  const moment = timestampFromDate(new Date("2036-02-07T06:28:17.25Z"));
  assertEquals(time.advanceTo(moment), 1);
  assertEquals(time.now(), moment);
  assertEquals(lines, ["500 a"]);
  assertThrows(() => time.advanceTo(moment - (1n << 32n)), RangeError, "not -1000");
});

test("an exception of a call is passed on, and the time stays there", () => {
  const time = new VirtualTime();
  const { lines, note } = diary(time);
  time.after(10, () => {
    throw new Error("oh");
  });
  time.after(10, note("next"));
  assertThrows(() => time.advance(100), Error, "oh");
  assertEquals(time.elapsedMs, 10);
  time.advance(5);
  assertEquals(lines, ["10 next"]);
});

test("a call cannot move the time", () => {
  const time = new VirtualTime();
  time.after(10, () => time.advance(1));
  assertThrows(() => time.advance(100), Error, "being moved already");
  assertEquals(time.advance(1), 0);
});

test("a loop without delay is stopped", async () => {
  const time = new VirtualTime({ maxCallsPerInstant: 1000 });
  let calls = 0;
  const again = (): void => {
    calls++;
    time.after(0, again);
  };
  time.after(5, again);
  assertThrows(() => time.advance(10), Error, "More than 1000 calls at one instant, 5 ms after");
  assertEquals(calls, 1000);
  await assertRejects(() => time.run(10), Error, "More than 1000 calls");
});

test("many calls at many instants are no loop", () => {
  const time = new VirtualTime({ maxCallsPerInstant: 10 });
  let calls = 0;
  const again = (): void => {
    calls++;
    time.after(0.001, again);
  };
  time.after(0, again);
  assertEquals(time.advance(10), 10_001);
  assertEquals(calls, 10_001);
});

test("run lets what waits for promises go on between calls", async () => {
  const time = new VirtualTime();
  const { lines, note } = diary(time);
  (async () => {
    for (let i = 0; i < 3; i++) {
      await sleep(time, 10);
      for (let depth = 0; depth < 50; depth++) await undefined;
      note("woke")();
    }
  })();
  time.after(15, note("between"));
  assertEquals(await time.run(25), 3);
  assertEquals(lines, ["10 woke", "15 between", "20 woke"]);
  assertEquals(time.elapsedMs, 25);
  await time.run(5);
  assertEquals(lines.at(-1), "30 woke");
});

test("run begins with what waits for promises already", async () => {
  const time = new VirtualTime();
  const { lines, note } = diary(time);
  Promise.resolve().then(() => Promise.resolve()).then(() => time.after(10, note("ran")));
  assertEquals(await time.run(10), 1);
  assertEquals(lines, ["10 ran"]);
});

test("an hour of virtual time does not take one", async () => {
  const time = new VirtualTime();
  const began = performance.now();
  await Promise.all([time.run(3_600_000), sleep(time, 3_599_999)]);
  assert(performance.now() - began < 60_000);
});

test("run passes an exception on and can go on afterwards", async () => {
  const time = new VirtualTime();
  time.after(10, () => {
    throw new Error("oh");
  });
  await assertRejects(() => time.run(100), Error, "oh");
  assertEquals(await time.run(90), 0);
  assertEquals(time.elapsedMs, 100);
});

test("only one may move the time", async () => {
  const time = new VirtualTime();
  const running = time.run(10);
  assertThrows(() => time.advance(1), Error, "being moved already");
  await assertRejects(() => time.run(1), Error, "being moved already");
  await running;
});

test("runUntil goes as far as the promise needs", async () => {
  const time = new VirtualTime();
  time.after(20_000, () => {});
  const twice = async (): Promise<string> => {
    await sleep(time, 3000);
    await sleep(time, 4000);
    return "done";
  };
  assertEquals(await time.runUntil(twice()), "done");
  assertEquals([time.elapsedMs, time.pending], [7000, 1]);
  assertEquals(await time.runUntil(Promise.resolve(5)), 5);
});

test("runUntil passes a rejection on", async () => {
  const time = new VirtualTime();
  const fail = async (): Promise<void> => {
    await sleep(time, 10);
    throw new RangeError("no");
  };
  await assertRejects(() => time.runUntil(fail()), RangeError, "no");
  assertEquals(time.elapsedMs, 10);
});

test("runUntil ends at its limit and when nothing is left to wait for", async () => {
  const time = new VirtualTime();
  await assertRejects(
    () => time.runUntil(sleep(time, 1000), 999),
    Error,
    "not settled after 999 ms of virtual time, 1 calls waiting",
  );
  assertEquals(await time.run(1000), 1);
  await assertRejects(() => time.runUntil(new Promise(() => {})), Error, "0 calls waiting");
});

test("the state is that of a synchronised clock, and can be set", () => {
  const time = new VirtualTime({ start: new Date("2016-12-31T23:59:59.5Z"), precision: -20 });
  assertEquals(time.precision, -20);
  assertEquals(time.state(), {
    synchronized: true,
    leapIndicator: 1,
    referenceTimestamp: timestampFromDate(new Date("2016-12-31T23:59:59Z")),
    rootDelay: 0,
    rootDispersion: 0.001,
  });
  time.setState({ synchronized: false, rootDelay: 1, stratum: 3 });
  const { synchronized, leapIndicator, rootDelay, stratum } = time.state();
  assertEquals([synchronized, leapIndicator, rootDelay, stratum], [false, 3, 1, 3]);
});

test("wrong arguments are refused", () => {
  const time = new VirtualTime();
  for (const wrong of [-1, NaN, Infinity]) {
    assertThrows(() => time.after(wrong, () => {}), RangeError, `not ${wrong}`);
    assertThrows(() => time.advance(wrong), RangeError, `not ${wrong}`);
  }
  assertThrows(() => time.setState({ rootDelay: -1 }), RangeError, "rootDelay");
  assertThrows(() => new VirtualTime({ maxCallsPerInstant: 0 }), RangeError, "not 0");
  assertThrows(() => new VirtualTime({ start: new Date(NaN) }), RangeError);
});

test("the difference of two readings is what was advanced", () => {
  const time = new VirtualTime({ start: 0xfffffffe_f0000000n });
  for (const milliseconds of [0, 1, 250, 1000, 60_000]) {
    const before = time.now();
    time.advance(milliseconds);
    const difference = timestampDifference(time.now(), before);
    assert(Math.abs(difference - milliseconds / 1000) < 1e-9, `${difference}`);
  }
});

test("observers look at each multiple of their interval, before the calls due then", async () => {
  const time = new VirtualTime();
  time.advance(700);
  const { lines, note } = diary(time);
  time.after(300, note("call"));
  const end = time.observe(500, note("look"));
  time.observe(1000, note("seldom"));
  time.advance(1000);
  assertEquals(lines, ["1000 look", "1000 seldom", "1000 call", "1500 look"]);
  await time.run(500);
  assertEquals(lines.slice(4), ["2000 look", "2000 seldom"]);
  end();
  end();
  time.advance(1000);
  assertEquals(lines.slice(6), ["3000 seldom"]);
  assertThrows(() => time.observe(0, () => {}), RangeError, "intervalMs");
  assertEquals(time.elapsedNanoseconds, 3_200_000_000);
});
