// `ntps monitor` and `ntps report`: what is shown, recorded, and made of it.
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  CSV_HEAD,
  csvLine,
  jsonLine,
  type Observation,
  readRecording,
} from "../../src/cli/recording.ts";
import { allanDeviation, evenlySpaced } from "../../src/cli/report/allan.ts";
import { reportPage } from "../../src/cli/report/report_page.ts";
import { textPlot } from "../../src/cli/text_plot.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { FakeWorld } from "./fake_world.ts";

const AT = Date.parse("2026-11-24T12:00:00Z") / 1000;

/** A terminal with keys. */
function terminalWorld() {
  let press = (_key: string) => {};
  let isOpen = false;
  const world = Object.assign(new FakeWorld(), {
    onKey(callback: (key: string) => void) {
      press = callback;
      isOpen = true;
      return () => void (isOpen = false);
    },
  });
  world.stdout.terminal = { columns: 100, rows: 40 };
  return { world, press: (key: string) => press(key), isOpen: () => isOpen };
}

/** What a terminal shows at last. */
function screenOf(text: string): string {
  return text.split("\x1b[J").at(-1)!;
}

test("ntps monitor: servers, their plots, sorting by keys, and the terminal given back", async () => {
  const { world, press, isOpen } = terminalWorld();
  await world.serve("192.0.2.1", { stratum: 3 }, { aheadSeconds: 0.5 });
  await world.serve("192.0.2.2", { stratum: 1 }, { aheadSeconds: -0.002 });
  const hosts = ["192.0.2.1", "192.0.2.2", "192.0.2.9"];
  const ended = world.start("monitor", "--interval", "4s", ...hosts);
  await world.time.run(21_000);
  const rows = () => screenOf(world.stdout.text).split("\n").slice(2, 5);
  assertMatch(
    rows()[0]!,
    /^192\.0\.2\.1 +3 +6\/6 +500(\.0)? ms +\S+ ms +\S+ [µnm]?s +20\.00 ms +ok$/,
  );
  assertMatch(rows()[1]!, /^192\.0\.2\.2 +1 +6\/6 +-2(\.000)? ms /);
  assertMatch(rows()[2]!, /^192\.0\.2\.9 +0\/\d +(refused|timeout)$/);
  assertMatch(screenOf(world.stdout.text), /\n +offset +[\u2800-\u28ff]+\n/);
  press("o");
  assertMatch(rows()[0]!, /^192\.0\.2\.2 /);
  press("s");
  assertMatch(rows()[0]!, /^192\.0\.2\.2 /);
  press("x");
  press("n");
  assertMatch(rows()[0]!, /^192\.0\.2\.1 /);
  assert(isOpen());
  press("q");
  assertEquals(await world.time.runUntil(ended), 0);
  assertEquals([isOpen(), world.listening], [false, 0]);
  assert(world.stdout.text.endsWith("\x1b[?25h"), "the cursor is back");
});

test("ntps monitor: Ctrl+C in a terminal, a signal, and the end of its time end it alike", async () => {
  for (const way of ["key", "signal", "hangup", "duration"]) {
    const { world, press, isOpen } = terminalWorld();
    await world.serve("192.0.2.1");
    const args = way === "duration" ? ["--duration", "10s"] : [];
    const ended = world.start("monitor", "192.0.2.1", ...args);
    await world.time.run(5000);
    if (way === "key") press("\x03");
    if (way === "signal") world.signal("SIGTERM");
    if (way === "hangup") world.reload();
    assertEquals(await world.time.runUntil(ended), 0);
    assertEquals([isOpen(), world.listening], [false, 0]);
    assert(world.stdout.text.endsWith("\x1b[?25h"));
  }
});

test("ntps monitor: recordings as CSV and as JSON lines are read back the same", async () => {
  for (const format of ["--csv", "--json", undefined]) {
    const world = new FakeWorld();
    await world.serve("192.0.2.1", { stratum: 2 }, { aheadSeconds: 0.25 });
    const args = ["192.0.2.1", "192.0.2.9", "--interval", "10s", "--duration", "35s"];
    const { status, stdout } = await world.run("monitor", ...args, ...(format ? [format] : []));
    assertEquals(status, 0);
    const read = readRecording(stdout, "it");
    const answered = read.filter(({ host }) => host === "192.0.2.1");
    assertEquals(answered.length, 4);
    for (const { offset, delay, stratum } of answered) {
      assert(Math.abs(offset! - 0.25) < 1e-5 && Math.abs(delay! - 0.02) < 1e-5);
      assertEquals(stratum, 2);
    }
    assert(read.some(({ host, error }) => host === "192.0.2.9" && error !== undefined));
    assertEquals(stdout.startsWith("{"), format === "--json");
  }
});

test("ntps monitor: who is asked too often is asked less often, who denies service no more", async () => {
  const world = new FakeWorld();
  const rate = await world.serve("192.0.2.1", {
    decide: () => ({ action: "kiss", kissCode: "RATE", reason: "test" }),
  });
  const deny = await world.serve("192.0.2.2", {
    decide: () => ({ action: "kiss", kissCode: "DENY", reason: "test" }),
  });
  await world.run("monitor", "192.0.2.1", "192.0.2.2", "-i", "1s", "--duration", "60s");
  assertEquals([rate.statistics().kissed, deny.statistics().kissed], [5, 1]);
});

test("ntps monitor: what makes no sense is told", async () => {
  for (
    const [args, text] of [
      [["--csv", "--json", "a"], /exclude each other/],
      [["--interval", "100ms", "a"], /1s at least/],
      [["-4", "-6", "a"], /exclude each other/],
      [[], /HOST/],
    ] as const
  ) {
    const { status, stderr } = await new FakeWorld().run("monitor", ...args);
    assertEquals(status, 2);
    assertMatch(stderr, text);
  }
});

test("recording: names with commas and quotes, a last line cut off, and lines that are none", () => {
  const all: Observation[] = [
    { at: AT, host: 'a,"b"', offset: -1e-9, delay: 0.5, distance: 0.25, stratum: 1 },
    { at: AT + 0.125, host: "c", error: "timeout" },
  ];
  const csv = [CSV_HEAD, ...all.map(csvLine), ""].join("\n");
  assertEquals(readRecording(csv, "x"), all);
  assertEquals(readRecording(csv.replace(/\n/g, "\r\n"), "x"), all);
  const json = all.map((one) => `${jsonLine(one)}\n`).join("");
  assertEquals(readRecording(json, "x"), all);
  assertEquals(readRecording(`${json}{"time":"2026-`, "x"), all);
  assertEquals(readRecording(`${csv}2026-11-24T12:0`, "x"), all);
  assertThrows(() => readRecording("", "x"), UsageError, "no recording");
  assertThrows(() => readRecording("hello\n", "x.csv"), UsageError, "x.csv is no recording");
  assertThrows(
    () => readRecording(`${CSV_HEAD}\nnonsense\n${csvLine(all[0]!)}\n`, "x"),
    UsageError,
    "line 2",
  );
  assertThrows(
    () => readRecording(`${CSV_HEAD}\n2026-11-24T12:00:00Z,a,x,,,,\n\n`, "x"),
    UsageError,
    "line 2",
  );
});

test("text plot: from the lower left to the upper right", () => {
  const { lines, low, high } = textPlot([0, 1, 2, 3, 4, 5, 6, 7], 4, 2);
  assertEquals([low, high], [0, 7]);
  assertEquals(lines, ["\u2800\u2800\u2860\u280a", "\u2860\u280a\u2800\u2800"]);
  assertEquals(textPlot([], 3, 2).lines, ["   ", "   "]);
  assertEquals(textPlot([undefined, 5], 1, 1).lines[0]!.length, 1);
});

test("Allan deviation: the test suite of NIST SP 1065, 1000 points", () => {
  let draw = 1234567890;
  const phases = [0];
  for (let i = 0; i < 1000; i++) {
    phases.push(phases[i]! + draw / 2147483647);
    draw = Number((16807n * BigInt(draw)) % 2147483647n);
  }
  const at = new Map(allanDeviation(phases, 1).map(({ tau, deviation }) => [tau, deviation]));
  assert(Math.abs(at.get(1)! - 2.922319e-1) < 1e-6, `${at.get(1)}`);
  assertEquals([...at.keys()].slice(0, 4), [1, 2, 4, 8]);
  assertEquals(allanDeviation([1, 2], 1), []);
});

test("Allan deviation: gaps are bridged, and a steady clock has none", () => {
  const times = [0, 10, 20, 40, 50, 60], offsets = times.map((time) => 3 + time / 1000);
  const { spacing, phases } = evenlySpaced(times, offsets)!;
  assertEquals([spacing, phases.length], [10, 7]);
  for (const { deviation } of allanDeviation(phases, spacing)) assert(deviation < 1e-12);
  assertEquals(evenlySpaced([0, 1], [0, 1]), undefined);
});

test("ntps report: a page with all plots, and nothing of a stranger's as markup", async () => {
  const world = new FakeWorld();
  const observations: Observation[] = Array.from({ length: 200 }, (_, i) => ({
    at: AT + 8 * i,
    host: i % 2 ? "192.0.2.1" : "<img src=x onerror=alert(1)>",
    offset: 1e-3 * Math.sin(i / 20),
    delay: 0.01 + 1e-3 * (i % 7),
    distance: 0.01,
    stratum: 2,
  }));
  world.files.set("/tmp/day.csv", [CSV_HEAD, ...observations.map(csvLine), ""].join("\n"));
  const { status, stdout, stderr } = await world.run("report", "/tmp/day.csv");
  assertEquals([status, stderr], [0, ""]);
  assertStringIncludes(stdout, "<h1>day.csv</h1>");
  assertEquals(stdout.match(/<svg /g)!.length, 8);
  assertEquals(stdout.match(/aria-label="(Offset|Delays|Allan deviation|Wedge) of/g)!.length, 8);
  assertEquals(stdout.match(/<script|<img|NaN|undefined|https?:/g), null);
  assertStringIncludes(stdout, "100 of 100");

  const none = reportPage([{ at: AT, host: "a", error: "timeout" }], "x");
  assertStringIncludes(none, "Too few answers");
  assertEquals(none.match(/NaN|undefined|Infinity/g), null);
  assertEquals(reportPage([], "x").match(/NaN|undefined|Infinity/g), null);

  world.files.set("bad", "hello");
  assertEquals((await world.run("report", "bad")).status, 2);
  assertEquals((await world.run("report", "missing")).status, 1);
});

test("ntps monitor: a silent server is asked once at a time, and times are right after 2036", async () => {
  const world = new FakeWorld();
  let asked = 0;
  await world.bind({
    hostname: "192.0.2.1",
    port: 123,
    clock: world.clock,
    onDatagram: () => void asked++,
  });
  await world.run("monitor", "192.0.2.1", "-i", "1s", "-t", "5s", "-d", "20500ms");
  assert(asked >= 4 && asked <= 5, `${asked}`);
  const late = new FakeWorld();
  await late.time.run(Date.UTC(2037, 0, 1) - Date.UTC(2026, 10, 23, 12));
  await late.serve("192.0.2.1");
  const { stdout } = await late.run("monitor", "--csv", "192.0.2.1", "-d", "1s");
  assertMatch(stdout, /\n2037-01-01T00:00:00\.\d{3}Z,192\.0\.2\.1,/);
});
