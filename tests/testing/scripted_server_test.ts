import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import type { QueryOptions } from "../../src/client/options.ts";
import { queryRaw, type RawReply } from "../../src/client/query.ts";
import { NTPError } from "../../src/packet/error.ts";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import { type Fault, GPS_ROLLOVER } from "../../src/testing/fault.ts";
import { FALSETICKER_PATTERNS, falsetickers } from "../../src/testing/falsetickers.ts";
import { Simulation } from "../../src/testing/simulation.ts";

const KEY = new SymmetricKey({ id: 1, type: "SHA1", secret: new Uint8Array(20).fill(7) });

/** A server with these faults, and how to ask it. */
async function serve(...faults: Fault[]) {
  const simulation = new Simulation({ link: { base: 0.01 } });
  const server = await simulation.addServer({ name: "server", faults, keys: [KEY] });
  const { world } = simulation.addNode({ name: "client" });
  const ask = (options: QueryOptions = {}): Promise<RawReply> =>
    simulation.runUntil(queryRaw("server", { ...world, timeoutMs: 1000, ...options }));
  return { simulation, server, ask };
}

function offsetOf({ packet, requestTimestamp, destinationTimestamp }: RawReply): number {
  const outward = timestampDifference(packet.receiveTimestamp, requestTimestamp);
  return (outward + timestampDifference(packet.transmitTimestamp, destinationTimestamp)) / 2;
}

async function assertSilent(reply: Promise<RawReply>): Promise<void> {
  const error = await assertRejects(() => reply, NTPError);
  assertEquals((error as NTPError).code, "timeout");
}

test("scripted server: without faults it is right and says so", async () => {
  const { ask, server } = await serve();
  const reply = await ask();
  assertAlmostEquals(offsetOf(reply), 0, 2e-9);
  assertEquals([reply.packet.leapIndicator, reply.packet.stratum], [0, 1]);
  assertEquals(reply.fault, undefined);
  assertEquals(server.offset, 0);
});

test("scripted server: wrong times are wrong by what they say, and add up", async () => {
  const { simulation, ask, server } = await serve(
    { kind: "offset", seconds: 0.5 },
    { kind: "drift", rate: 1e-3, from: 100 },
    { kind: "oscillation", amplitude: 2, period: 400, from: 100 },
  );
  assertAlmostEquals(offsetOf(await ask()), 0.5, 2e-9);
  await simulation.run(200 - simulation.elapsed - 0.01); // the request arrives after 200 s
  const expected = 0.5 + 0.1 + 2;
  assertAlmostEquals(offsetOf(await ask()), expected, 2e-8);
  assertAlmostEquals(server.offset, expected, 1e-3);
});

test("scripted server: a fault lasts from when until when it is said to", async () => {
  const { simulation, ask } = await serve({ kind: "offset", seconds: 1, from: 10, until: 20 });
  const offsets = [];
  for (const at of [9, 10, 19.5, 20]) {
    await simulation.run(at - simulation.elapsed);
    offsets.push(Math.round(offsetOf(await ask())));
  }
  assertEquals(offsets, [0, 1, 1, 0]);
});

test("scripted server: noise is another in each reply, and within its bounds", async () => {
  const { ask } = await serve({ kind: "noise", seconds: 0.01 });
  const offsets = new Set<number>();
  for (let i = 0; i < 50; i++) offsets.add(offsetOf(await ask()));
  assert(offsets.size > 45);
  for (const offset of offsets) assert(Math.abs(offset) <= 0.010001);
});

test("scripted server: a smear grows evenly and says so by its reference identifier", async () => {
  const { simulation, ask } = await serve({ kind: "smear", seconds: -1, from: 100, until: 1100 });
  assertEquals((await ask()).packet.referenceId >>> 24, 0x4c); // LOCL
  await simulation.run(600 - simulation.elapsed - 0.01);
  const half = await ask();
  assertEquals(half.packet.referenceId, 0xfe000000);
  assertAlmostEquals(offsetOf(half), -0.5, 1e-4);
  await simulation.run(1000);
  assertAlmostEquals(offsetOf(await ask()), -1, 2e-9);
});

test("scripted server: it says of itself what it is told to", async () => {
  const of = async (fault: Fault) => (await (await serve(fault)).ask()).packet;
  assertEquals((await of({ kind: "leap", leapIndicator: 2 })).leapIndicator, 2);
  assertEquals((await of({ kind: "stratum", stratum: 16 })).stratum, 16);
  assertEquals((await of({ kind: "reference", referenceId: 7 })).referenceId, 7);
  const root = await of({ kind: "root", rootDelay: 0.25, rootDispersion: 2 });
  assertEquals([root.rootDelay, root.rootDispersion], [0.25, 2]);
  const without = await of({ kind: "unsynchronized" });
  assertEquals([without.leapIndicator, without.stratum, without.kissCode], [3, 0, "INIT"]);
});

test("scripted server: silence, kisses and wrong origins", async () => {
  await assertSilent((await serve({ kind: "silent" })).ask());
  const kissed = await (await serve({ kind: "kiss", code: "RATE" })).ask();
  assertEquals(kissed.packet.kissCode, "RATE");
  await assertSilent((await serve({ kind: "origin" })).ask());
  const { ask, server } = await serve({ kind: "silent", probability: 0.3 });
  let answers = 0;
  for (let i = 0; i < 200; i++) await ask().then(() => answers++, () => {});
  assert(answers > 115 && answers < 165, `${answers}`);
  assertEquals(server.server.statistics().answered, answers);
});

test("scripted server: a wrong MAC is not believed, a right one over a lie is", async () => {
  const { ask, server } = await serve({ kind: "offset", seconds: 3 });
  const reply = await ask({ key: KEY });
  assertEquals(reply.fault, undefined);
  assertAlmostEquals(offsetOf(reply), 3, 2e-9);
  const remove = server.add({ kind: "mac" });
  assertEquals((await ask({ key: KEY })).fault?.code, "authentication");
  assertEquals((await ask()).fault, undefined); // there is no MAC to be wrong
  remove();
  remove();
  assertEquals((await ask({ key: KEY })).fault, undefined);
});

test("scripted server: replies can be tampered with, or taken away", async () => {
  const { ask, server } = await serve({
    kind: "tamper",
    tamper(reply) {
      reply[1] = 9;
      return reply;
    },
  });
  assertEquals((await ask()).packet.stratum, 9);
  server.clear();
  assertEquals((await ask()).packet.stratum, 1);
  server.add({ kind: "tamper", tamper: () => undefined });
  await assertSilent(ask());
});

test("scripted server: a wrong era, or a receiver's wrong week, is an offset", async () => {
  const { ask } = await serve({ kind: "offset", seconds: -GPS_ROLLOVER });
  assertAlmostEquals(offsetOf(await ask()), -GPS_ROLLOVER, 1e-6);
});

test("scripted server: its clock may wander, and step", async () => {
  const simulation = new Simulation();
  const server = await simulation.addServer({
    name: "server",
    clock: { frequency: 1e-5, steps: [{ at: 50, seconds: 0.1 }] },
  });
  await simulation.run(100);
  assertAlmostEquals(server.offset, 0.101, 1e-9);
});

test("scripted server: what is no fault is refused", async () => {
  const { server } = await serve();
  const add = (fault: unknown) => () => server.add(fault as Fault);
  assertThrows(add({ kind: "lazy" }), TypeError, "lazy");
  assertThrows(add({ kind: "offset", seconds: NaN }), RangeError, "seconds");
  assertThrows(add({ kind: "silent", probability: 2 }), RangeError, "probability");
  assertThrows(add({ kind: "silent", from: 2, until: 1 }), RangeError, "silent");
  assertThrows(add({ kind: "kiss", code: "TOOLONG" }), RangeError);
  assertThrows(add({ kind: "oscillation", amplitude: 1, period: 0 }), RangeError, "period");
  assertThrows(add({ kind: "tamper" }), TypeError, "tamper");
  assertEquals(server.faults, []);
});

test("falsetickers: every pattern makes as many servers wrong as it is asked for", async () => {
  for (const pattern of FALSETICKER_PATTERNS) {
    const wrong = falsetickers(pattern, 3, { size: 0.2, from: 100, period: 1000 });
    assertEquals(wrong.length, 3, pattern);
    const simulation = new Simulation();
    const { world } = simulation.addNode({ name: "client" });
    const servers = [];
    for (const [index, faults] of wrong.entries()) {
      servers.push(await simulation.addServer({ name: `${pattern}${index}`, faults }));
    }
    await simulation.run(50);
    for (const server of servers) assertEquals(server.offset, 0, pattern);
    await simulation.run(1270); // not in the middle of an oscillation, and in a flicker that is on
    for (const { node } of servers) {
      const reply = await simulation.runUntil(queryRaw(node.name, world));
      assert(Math.abs(offsetOf(reply)) > 0.001, `${pattern} of ${node.name}: ${offsetOf(reply)}`);
    }
  }
});

test("falsetickers: who agree, agree; who bracket the truth have a right mean", () => {
  const seconds = (pattern: "apart" | "together" | "brackets") =>
    falsetickers(pattern, 4).map(([fault]) => (fault as { seconds: number }).seconds);
  assertEquals(seconds("together"), [0.1, 0.1, 0.1, 0.1]);
  assertEquals(seconds("brackets"), [0.1, -0.1, 0.1, -0.1]);
  assertEquals(new Set(seconds("apart")).size, 4);
  assertThrows(() => falsetickers("odd" as "apart", 1), RangeError, "odd");
  assertThrows(() => falsetickers("apart", -1), RangeError, "count");
});
