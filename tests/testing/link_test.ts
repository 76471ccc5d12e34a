import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Link, type LinkOptions } from "../../src/testing/link.ts";
import { RandomStream } from "../../src/testing/random_stream.ts";

const PACKET = new Uint8Array(48);

/** Delays of the datagrams sent one a second: a list for each. */
function send(count: number, options: LinkOptions, seed = 1): number[][] {
  const link = new Link(options, new RandomStream(seed));
  return Array.from({ length: count }, (_, second) => [...link.transit(second, PACKET)]);
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test("link: without options all arrives at once", () => {
  assertEquals(send(3, {}), [[0], [0], [0]]);
});

test("link: exponential delays have their base and mean", () => {
  const delays = send(50_000, { base: 0.02, exponential: 0.001 }).flat();
  assertEquals(delays.length, 50_000);
  assert(Math.min(...delays) >= 0.02);
  assertAlmostEquals(mean(delays), 0.021, 2e-5);
  const deviation = Math.sqrt(mean(delays.map((delay) => (delay - 0.021) ** 2)));
  assertAlmostEquals(deviation, 0.001, 3e-5);
});

test("link: normal delays have mean and deviation, and none is below the least", () => {
  const delays = send(50_000, { base: 0.02, normal: 0.001, least: 0.0185 }).flat();
  assertEquals(Math.min(...delays), 0.0185);
  const atLeast = delays.filter((delay) => delay === 0.0185).length / delays.length;
  assertAlmostEquals(atLeast, 0.0668, 0.004); // the normal distribution below -1.5 sigma
  assertAlmostEquals(mean(send(50_000, { base: 0.02, normal: 0.001 }).flat()), 0.02, 2e-5);
});

test("link: delays of both directions are independent, being of two streams", () => {
  const options = { base: 0, exponential: 1 };
  const [there, back] = [1, 2].map((seed) => send(20_000, options, seed).flat());
  assertAlmostEquals(mean(there!.map((delay, i) => (delay - 1) * (back![i]! - 1))), 0, 0.03);
});

test("link: losses, copies and bit errors are as frequent as they are said to be", () => {
  const sent = send(20_000, { loss: 0.2, duplication: 0.1 });
  assertAlmostEquals(sent.filter((delays) => delays.length === 0).length / 20_000, 0.2, 0.01);
  assertAlmostEquals(sent.filter((delays) => delays.length === 2).length / 20_000, 0.08, 0.01);
  const link = new Link({ corruption: 0.5 }, new RandomStream(1));
  let flipped = 0;
  for (let i = 0; i < 2000; i++) {
    const data = new Uint8Array(48);
    link.transit(i, data);
    const bits = data.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
    assert(bits <= 1);
    flipped += bits;
  }
  assertAlmostEquals(flipped / 2000, 0.5, 0.04);
});

test("link: what else may happen to a datagram changes no delay", () => {
  const plain = send(500, { base: 0.01, exponential: 0.01 });
  const bad = send(500, { base: 0.01, exponential: 0.01, loss: 0.3, duplication: 0.2 });
  bad.forEach((delays, i) => {
    if (delays.length > 0) assertEquals(delays[0], plain[i]![0]);
  });
});

test("link: without order datagrams overtake each other, in order they do not", () => {
  const arrivals = (options: LinkOptions) => {
    const link = new Link({ base: 0.01, exponential: 0.05, ...options }, new RandomStream(1));
    return Array.from({ length: 1000 }, (_, i) => i / 100 + link.transit(i / 100, PACKET)[0]!);
  };
  const overtaken = (times: number[]) => times.filter((time, i) => time < times[i - 1]!).length;
  assert(overtaken(arrivals({})) > 100);
  assertEquals(overtaken(arrivals({ inOrder: true })), 0);
  const heldBack = send(1000, { reordering: { probability: 0.1, delay: 1.5 } }).flat();
  assertAlmostEquals(heldBack.filter((delay) => delay === 1.5).length, 100, 30);
});

test("link: bursts come as often and last as long as they are said to", () => {
  const options = { bursts: { every: 90, lasting: 10, loss: 1 } };
  const lost = send(200_000, options).map((delays) => delays.length === 0);
  assertAlmostEquals(lost.filter((isLost) => isLost).length / lost.length, 0.1, 0.01);
  const begun = lost.filter((isLost, i) => isLost && !lost[i - 1]).length;
  // Each takes 100 s in the mean, but a tenth falls between two datagrams or two bursts meet.
  assert(begun > 1650 && begun < 2050, `${begun}`);
  const slow = send(100_000, { bursts: { every: 90, lasting: 10, delay: 0.5 } }).flat();
  assertAlmostEquals(mean(slow), 0.05, 0.01);
});

test("link: what does not fit through queues, and is lost when the queue is full", () => {
  const bits = 8 * (48 + 28);
  const link = new Link({ bitsPerSecond: bits, queueSeconds: 2.5 }, new RandomStream(1));
  const at = (now: number) => [...link.transit(now, PACKET)];
  assertEquals([at(0), at(0), at(0), at(0)], [[1], [2], [3], []]);
  assertEquals([at(1), at(10)], [[3], [1]]);
});

test("link: nothing passes in an outage", () => {
  const arrived = send(10, { outages: [{ from: 2, until: 4 }, { from: 8 }] });
  assertEquals(arrived.map((delays) => delays.length), [1, 1, 0, 0, 1, 1, 1, 1, 0, 0]);
});

test("link: whatever the options, delays are finite and not negative, and runs alike", () => {
  const probability = fc.double({ min: 0, max: 1, noNaN: true });
  const seconds = fc.double({ min: 0, max: 10, noNaN: true });
  const options = fc.record({
    base: seconds,
    exponential: seconds,
    normal: seconds,
    least: seconds,
    loss: probability,
    duplication: probability,
    inOrder: fc.boolean(),
    reordering: fc.record({ probability, delay: seconds }),
    bursts: fc.record({
      every: fc.double({ min: 0.1, max: 100, noNaN: true }),
      lasting: fc.double({ min: 0.1, max: 100, noNaN: true }),
      delay: seconds,
      loss: probability,
    }),
    bitsPerSecond: fc.integer({ min: 1, max: 10_000 }),
  }, { requiredKeys: [] });
  fc.assert(
    fc.property(options, fc.integer(), (options, seed) => {
      const sent = send(50, options, seed);
      for (const delay of sent.flat()) assert(delay >= 0 && delay < Infinity);
      for (const delays of sent) assert(delays.length <= 2);
      assertEquals(sent, send(50, options, seed));
    }),
    { numRuns: 100 },
  );
});

test("link: what is out of range is refused", () => {
  const make = (options: LinkOptions) => () => new Link(options, new RandomStream(1));
  assertThrows(make({ base: -1 }), RangeError, "link.base");
  assertThrows(make({ loss: 1.1 }), RangeError, "loss");
  assertThrows(make({ reordering: { probability: 2, delay: 1 } }), RangeError, "reordering");
  assertThrows(make({ bursts: { every: 0, lasting: 1 } }), RangeError, "bursts.every");
  assertThrows(make({ bitsPerSecond: 0 }), RangeError, "bitsPerSecond");
  assertThrows(make({ outages: [{ from: 3, until: 2 }] }), RangeError, "outages");
  assertThrows(make({ base: "1" as unknown as number }), TypeError, "link.base");
});
