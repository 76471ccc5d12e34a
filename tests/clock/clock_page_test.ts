import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Clock, ClockState } from "../../src/clock/clock.ts";
import { makeClockPage } from "../../src/clock/clock_page.ts";
import { ClockPageReader } from "../../src/clock/clock_page_reader.ts";
import { ClockPageWriter } from "../../src/clock/clock_page_writer.ts";
import { NTPError } from "../../src/packet/mod.ts";
import { timestampFromWords, timestampToWords } from "../../src/packet/timestamp.ts";
import { startThread } from "../../src/transport/native/thread.ts";

const START = 0xfffffff0; // 16 s before the wrap of 2036
const STATE: ClockState = {
  synchronized: true,
  leapIndicator: 1,
  referenceTimestamp: 0x8000000180000001n,
  rootDelay: 0.125,
  rootDispersion: 0.25,
  stratum: 3,
  referenceId: 0xc0000201,
};

function words(seconds: number, into: Uint32Array): void {
  const whole = Math.floor(seconds);
  into[0] = whole;
  into[1] = (seconds - whole) * 2 ** 32;
}

/** A counter, a clock that follows it in some way, and both ends of a page. */
class Scene {
  /** Seconds of the counter. */
  elapsed = 0;
  /** Seconds of the clock after `START`. */
  tell: () => number = () => this.elapsed;
  state: () => ClockState = () => STATE;
  readonly errors: unknown[] = [];
  readonly page: SharedArrayBuffer = makeClockPage();
  readonly counter = { read: (into: Uint32Array): void => words(1000 + this.elapsed, into) };
  readonly clock: Clock = {
    precision: -22,
    now: () => {
      const into = new Uint32Array(2);
      this.clock.read(into);
      return timestampFromWords(into[0]!, into[1]!);
    },
    read: (into) => {
      words(this.tell(), into);
      into[0] = into[0]! + START;
    },
    state: () => this.state(),
  };
  readonly writer: ClockPageWriter = new ClockPageWriter(this.page, {
    clock: this.clock,
    counter: this.counter,
    onError: (error) => this.errors.push(error),
  });
  readonly reader: ClockPageReader = new ClockPageReader(this.page, { counter: this.counter });

  /** Publishes 10 times a second. */
  run(seconds: number): void {
    for (let i = 0; i < Math.round(10 * seconds); i++) {
      this.elapsed += 0.1;
      this.writer.publish();
    }
  }

  /** Seconds of the reader after `START`. */
  read(): number {
    const into = new Uint32Array(2);
    this.reader.read(into);
    return ((into[0]! - START) | 0) + into[1]! / 2 ** 32;
  }
}

test("clock page: before anything is published there is no time", () => {
  const { reader } = new Scene();
  assertThrows(() => reader.now(), NTPError, "published nothing yet");
  assertEquals(reader.state().synchronized, false);
  assertEquals(reader.state().leapIndicator, 3);
});

test("clock page: what the clock says of itself arrives unchanged", () => {
  const scene = new Scene();
  scene.writer.publish();
  assertEquals(scene.reader.state(), STATE);
  assertEquals(scene.reader.precision, -22);
  const { stratum: _, referenceId: __, ...less } = STATE;
  scene.state = () => less;
  scene.writer.publish();
  assertEquals(scene.reader.state(), less);
});

test("clock page: the time goes on between publications, and over the end of the era", () => {
  const scene = new Scene();
  scene.writer.publish();
  for (const elapsed of [0, 0.25, 0.75, 1, 15.5, 16, 20.125]) {
    scene.elapsed = elapsed;
    assertAlmostEquals(scene.read(), elapsed, 1e-9);
    assertEquals(scene.reader.now(), scene.clock.now());
  }
});

test("clock page: a clock that is slewed is followed by its rate", () => {
  const scene = new Scene();
  scene.tell = () => scene.elapsed * 1.0003;
  scene.run(10);
  scene.elapsed += 5;
  assertAlmostEquals(scene.read(), scene.elapsed * 1.0003, 1e-6);
});

test("clock page: a clock of milliseconds makes no rate of its ticks", () => {
  const scene = new Scene();
  scene.tell = () => Math.floor(scene.elapsed * 1000 + 1e-6) / 1000;
  for (let i = 0; i < 300; i++) {
    scene.elapsed += 0.0317;
    scene.writer.publish();
    assertAlmostEquals(scene.read(), scene.elapsed, 0.003);
  }
  scene.elapsed += 5;
  assertAlmostEquals(scene.read(), scene.elapsed, 0.01);
  // And its error is not told smaller than it may be.
  const { rootDispersion } = scene.reader.state();
  assert(rootDispersion > STATE.rootDispersion + 5 * 0.0001, `${rootDispersion}`);
});

test("clock page: a step is followed, and does not pass for a rate", () => {
  const scene = new Scene();
  scene.run(5);
  const before = scene.elapsed;
  scene.tell = () => scene.elapsed + 100;
  scene.run(0.1);
  scene.elapsed += 1;
  assertAlmostEquals(scene.read(), before + 101.1, 1e-6);
  scene.tell = () => scene.elapsed - 100;
  scene.run(0.1);
  scene.elapsed += 1;
  assertAlmostEquals(scene.read(), scene.elapsed - 100, 1e-6);
});

test("clock page: a clock at another speed, or that stands still, is followed soon", () => {
  for (const speed of [0, 0.5, 60]) {
    const scene = new Scene();
    scene.tell = () => scene.elapsed * speed;
    scene.run(0.4);
    scene.elapsed += 0.05;
    assertAlmostEquals(scene.read(), scene.elapsed * speed, 1e-6, `speed ${speed}`);
  }
});

test("clock page: small corrections never turn the time back", () => {
  const scene = new Scene();
  let shift = 0;
  scene.tell = () => scene.elapsed + shift;
  scene.writer.publish();
  let last = -1;
  for (let i = 0; i < 2000; i++) {
    scene.elapsed += 0.0001;
    if (i % 37 === 0) {
      shift = (i * 7919 % 100) * 1e-6; // up to 100 µs to and fro
      scene.writer.publish();
    }
    const now = scene.read();
    assert(now >= last, `${now} after ${last}`);
    last = now;
  }
});

test("clock page: the error grows with the age of the page, and an old page is not synchronised", () => {
  const scene = new Scene();
  scene.run(1);
  const at = scene.elapsed;
  const dispersionAfter = (seconds: number) => {
    scene.elapsed = at + seconds;
    return scene.reader.state().rootDispersion;
  };
  assertEquals(dispersionAfter(0.9), STATE.rootDispersion);
  assertAlmostEquals(dispersionAfter(4), STATE.rootDispersion + 4 * 15e-6, 1e-6);
  assertEquals(scene.reader.state().synchronized, true);
  assert(dispersionAfter(10.5) > STATE.rootDispersion);
  assertEquals(scene.reader.state().synchronized, false);
  assertEquals(scene.reader.state().leapIndicator, 3);
  scene.writer.publish();
  assertEquals(scene.reader.state().synchronized, true);
});

test("clock page: a clock that fails is told once, and the readers have no time until it works", () => {
  const scene = new Scene();
  scene.run(1);
  const works = scene.tell;
  scene.tell = () => {
    throw new Error("no signal");
  };
  scene.run(1);
  assertEquals(scene.errors.length, 1);
  assertThrows(() => scene.read(), NTPError, "failed");
  assertEquals(scene.reader.state().synchronized, false);
  scene.tell = works;
  scene.run(0.1);
  assertAlmostEquals(scene.read(), scene.elapsed, 1e-9);
});

test("clock page: it publishes until it is stopped, on the timers it is given", () => {
  const { page, clock, counter } = new Scene();
  const waiting: (() => void)[] = [];
  const timers = {
    after(milliseconds: number, callback: () => void) {
      assertEquals(milliseconds, 250);
      waiting.push(callback);
      return () => void waiting.splice(0);
    },
  };
  let asked = 0;
  const counted = { ...clock, precision: -22, state: () => (asked++, STATE) };
  const writer = new ClockPageWriter(page, { clock: counted, counter, timers, intervalMs: 250 });
  writer.start();
  waiting.shift()!();
  waiting.shift()!();
  assertEquals(asked, 3);
  writer.stop();
  assertEquals(waiting.length, 0);
});

test("clock page: a reader never sees half of a record, while another thread writes", async () => {
  const page = makeClockPage();
  const counter = { read: (into: Uint32Array) => void into.fill(0) };
  const reader = new ClockPageReader(page, { counter });
  const times = 200_000;
  const enough = new Int32Array(new SharedArrayBuffer(4));
  let written = 0;
  const thread = startThread(new URL("./clock_page_thread.ts", import.meta.url), {
    onMessage: (count) => written = count as number,
    onEnd: () => {},
  });
  thread.post({ page, times, enough });
  const into = new Uint32Array(2), reference = new Uint32Array(2);
  let last = 0, seen = 0;
  const deadline = performance.now() + 60_000;
  while (written === 0 && performance.now() < deadline) {
    for (let i = 0; i < 2000; i++) {
      const state = reader.state();
      if (!state.synchronized) continue; // not begun
      const second = state.referenceId!;
      assert(second >= last, "records come in order");
      seen += second > last ? 1 : 0;
      last = second;
      timestampToWords(state.referenceTimestamp, reference);
      const { rootDelay, rootDispersion, stratum } = state;
      assertEquals([...reference, rootDelay, rootDispersion, stratum], [
        second,
        second,
        second % 65536,
        second % 65536,
        1 + second % 15,
      ]);
      reader.read(into);
      assertEquals(into[0], into[1]); // rate and age have no part in it here
    }
    // However seldom a busy machine lets both run at once, there is time for it.
    if (seen > 100) Atomics.store(enough, 0, 1);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  thread.terminate();
  assert(written >= times, "the writer came to its end");
  assert(seen > 100, `${seen} records were seen`);
  assertEquals(reader.state().referenceId, written);
});
