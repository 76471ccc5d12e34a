import { test } from "node:test";
import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { query } from "../../src/client/query.ts";
import { NTPError } from "../../src/packet/error.ts";
import { timestampDifference, timestampFromDate } from "../../src/packet/timestamp.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { ClockErrorStatistics } from "../../src/testing/clock_errors.ts";
import { Simulation, type SimulationOptions } from "../../src/testing/simulation.ts";

/** A day of a machine that steps its clock to what a server says, once a minute. */
async function day(options: SimulationOptions, more?: (simulation: Simulation) => unknown) {
  const simulation = new Simulation(options);
  await more?.(simulation);
  await simulation.addServer({ name: "server" });
  const { clock, world } = simulation.addNode({
    name: "client",
    clock: { offset: 0.5, frequency: 5e-5, wander: 1e-8 },
  });
  const repeat = async () => {
    world.timers.after(60_000, repeat);
    clock.step((await query("server", world)).offset);
  };
  repeat();
  const errors = simulation.watch(clock);
  await simulation.run(86_400);
  return errors.statistics({ from: 60 });
}

const WAY = { base: 0.02, exponential: 0.001, normal: 0.0001 };

test("simulation: the same seed gives the same day to the last bit, on every runtime", async () => {
  const { maxTime, rmsTime, medianTime, rmsFrequency } = await day({ seed: 7, link: WAY });
  assertEquals([maxTime, rmsTime, medianTime, rmsFrequency], [
    0.00749643501531792,
    0.0019196329022444952,
    0.0015670571943249292,
    0.0004111705717046367,
  ]);
});

test("simulation: another seed gives another day", async () => {
  const days: ClockErrorStatistics[] = [];
  for (const seed of [1, 2, "2 "]) days.push(await day({ seed, link: WAY }));
  assertEquals(new Set(days.map(({ rmsTime }) => rmsTime)).size, 3);
});

test("simulation: another machine changes nothing for those that are there", async () => {
  const alone = await day({ seed: 7, link: WAY });
  const together = await day({ seed: 7, link: WAY }, async (simulation) => {
    const { world } = simulation.addNode({ name: "x", clock: { wander: 1e-6 } });
    await simulation.addServer({ name: "y" });
    simulation.at(100, () => void query("y", world));
    simulation.at(1000, () => void query("server", world));
  });
  assertEquals(together, alone);
});

test("simulation: a link leads both ways, or each way has its own", async () => {
  const simulation = new Simulation({ link: { base: 0.001 } });
  for (const name of ["a", "b", "c"]) await simulation.addServer({ name });
  const { world } = simulation.addNode({ name: "client" });
  simulation.link("client", "b", { base: 0.1 });
  simulation.link("client", "c", { base: 0.3 }, { base: 0.1 });
  const results = [];
  for (const name of ["a", "b", "c"]) {
    const { offset, delay } = await simulation.runUntil(query(name, world));
    results.push([offset, delay].map((seconds) => Math.round(seconds * 1e6)));
  }
  assertEquals(results, [[0, 2000], [0, 200_000], [100_000, 400_000]]);
});

test("simulation: what leads to and from machines adds up", async () => {
  const simulation = new Simulation();
  await simulation.addServer({ name: "a", link: { toward: { base: 0.1 }, away: { base: 0.01 } } });
  const { world } = simulation.addNode({ name: "client", link: { base: 1 } });
  const { offset, delay } = await simulation.runUntil(query("a", world));
  assertAlmostEquals(delay, 2.11, 1e-8);
  assertAlmostEquals(offset, 0.045, 1e-8);
  simulation.setAccess("client", {});
  const second = await simulation.runUntil(query("a", world));
  assertAlmostEquals(second.delay, 0.11, 1e-8);
});

test("simulation: machines can be cut off for a time", async () => {
  const simulation = new Simulation();
  for (const name of ["a", "b"]) await simulation.addServer({ name });
  const { world } = simulation.addNode({ name: "client" });
  simulation.cut({ from: 10, until: 20 }, ["a"]);
  simulation.cut({ from: 30, until: 40 });
  const outcomes: string[] = [];
  for (const at of [9, 15, 21, 35, 41]) {
    for (const name of ["a", "b"]) {
      simulation.at(at, () => {
        query(name, { ...world, timeoutMs: 1000 }).then(
          () => outcomes.push(`${at} ${name}`),
          () => {},
        );
      });
    }
  }
  await simulation.run(60);
  assertEquals(outcomes.join(", "), "9 a, 9 b, 15 b, 21 a, 21 b, 41 a, 41 b");
});

test("simulation: names are those of machines and what is added", async () => {
  const simulation = new Simulation();
  for (const name of ["a", "b"]) await simulation.addServer({ name });
  const { world } = simulation.addNode({ name: "client", address: "192.0.2.7" });
  simulation.addName("pool", ["a", "b", "192.0.2.99"]);
  assertEquals(await world.resolve("pool", {}), ["10.0.0.1", "10.0.0.2", "192.0.2.99"]);
  assertEquals(await world.resolve("client", {}), ["192.0.2.7"]);
  const error = await assertRejects(() => world.resolve("nobody", {}), NTPError, "nobody");
  assertEquals((error as NTPError).code, "not-found");
});

test("simulation: a machine binds at its own address", async () => {
  const simulation = new Simulation();
  const a = simulation.addNode({ name: "a" }), b = simulation.addNode({ name: "b" });
  const seen: string[] = [];
  await a.bind({
    port: 7,
    clock: a.clock,
    onDatagram: (data, source) => void seen.push(`${data[0]} from ${source}`),
  });
  const socket = await b.bind({ hostname: "::", port: 8, clock: b.clock, onDatagram() {} });
  socket.send(Uint8Array.of(5), new Endpoint(a.address, 7));
  await simulation.run(1);
  assertEquals(seen, ["5 from 10.0.0.2:8"]);
});

test("simulation: any clock can be watched, without being disturbed", async () => {
  const simulation = new Simulation({ start: new Date("2036-02-07T06:28:00Z") });
  const { clock } = simulation.addNode({
    name: "a",
    clock: { offset: -1, frequency: 1e-6, wander: 1e-9 },
  });
  const looks: number[] = [];
  const exact = simulation.watch(clock, {
    interval: 10,
    frequencyError: () => clock.frequencyError,
    onLook: (at) => void looks.push(at),
  });
  const told = simulation.watch({ read: (into) => clock.read(into) }, { interval: 10 });
  await simulation.run(100); // across the end of the era
  assertEquals(looks, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  const [one, other] = [[...exact], [...told]];
  one.forEach(({ at, time, frequency }, i) => {
    assertEquals(at, other[i]!.at);
    assertAlmostEquals(other[i]!.time, time, 1e-9);
    assertAlmostEquals(other[i]!.frequency, frequency, 1e-8);
  });
  assertAlmostEquals(simulation.errorOf(clock), clock.offset, 1e-9);
});

for (const kind of ["insert", "delete"] as const) {
  test(`simulation: a leap second (${kind}) is announced, and true time steps`, async () => {
    const start = timestampFromDate(new Date("2026-12-30T12:00:00Z"));
    const step = kind === "insert" ? -1 : 1;
    const simulation = new Simulation({ start, leap: { at: 129_600, kind } });
    const server = await simulation.addServer({ name: "server" });
    const { clock, world } = simulation.addNode({ name: "client" });
    const ask = async (at: number) => {
      await simulation.run(at - simulation.elapsed);
      const { packet, offset } = await simulation.runUntil(query("server", world));
      return [packet.leapIndicator, Math.round(offset * 1e6) / 1e6];
    };
    const leapIndicator = kind === "insert" ? 1 : 2;
    assertEquals(await ask(43_000), [0, 0]);
    assertEquals(await ask(43_201), [leapIndicator, 0]);
    assertEquals(await ask(129_599), [leapIndicator, 0]);
    assertEquals(await ask(129_601), [0, step]);
    assertEquals(server.offset, 0);
    assertEquals(simulation.errorOf(clock), -step);
    const elapsed = timestampDifference(simulation.trueTime(), start);
    assertAlmostEquals(elapsed, simulation.elapsed + step, 1e-8);
  });
}

test("simulation: many machines talk in one world", async () => {
  const simulation = new Simulation({ link: { base: 0.01, exponential: 0.01 } });
  const names = Array.from({ length: 20 }, (_, index) => `server${index}`);
  for (const name of names) await simulation.addServer({ name });
  const offsets: number[] = [];
  for (let index = 0; index < 100; index++) {
    const { world } = simulation.addNode({ name: `client${index}`, clock: { offset: index } });
    query(names[index % 20]!, world).then(({ offset }) => offsets.push(Math.round(-offset)));
  }
  await simulation.run(5);
  assertEquals(offsets.sort((a, b) => a - b), Array.from({ length: 100 }, (_, index) => index));
  assertEquals([simulation.nodes.length, simulation.servers.length], [120, 20]);
});

test("simulation: what does not go together is refused", async () => {
  const simulation = new Simulation();
  simulation.addNode({ name: "a", address: "192.0.2.1" });
  assertThrows(() => simulation.addNode({ name: "a" }), RangeError, "a");
  assertThrows(() => simulation.addNode({ name: "b", address: "192.0.2.1" }), RangeError, "192");
  assertThrows(() => simulation.addNode({ name: "b", address: "b" }), RangeError, `"b"`);
  assertThrows(() => simulation.link("a", "nobody", {}), RangeError, "nobody");
  assertThrows(() => simulation.cut({ from: 2, until: 1 }), RangeError, "span");
  assertThrows(() => new Simulation({ link: { loss: 2 } }), RangeError, "loss");
  const leap = { at: 1, kind: "skip" as "insert" };
  assertThrows(() => new Simulation({ leap }), RangeError, "skip");
  await assertRejects(() => simulation.run(-1), RangeError, "-1");
});
