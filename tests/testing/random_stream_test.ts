import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/testing/random_stream.ts";

/** Moments of numbers, and how many there are. */
function moments(count: number, draw: () => number) {
  let sum = 0, squares = 0, cubes = 0, fourths = 0;
  for (let i = 0; i < count; i++) {
    const x = draw();
    sum += x;
    squares += x * x;
    cubes += x * x * x;
    fourths += x * x * x * x;
  }
  return [sum, squares, cubes, fourths].map((total) => total / count);
}

function assertNear(values: number[], expected: number[], tolerances: number[]): void {
  expected.forEach((value, i) =>
    assert(Math.abs(values[i]! - value) < tolerances[i]!, `moment ${i + 1}: ${values[i]}`)
  );
}

const COUNT = 200_000;

test("random stream: the same seed gives these numbers everywhere", () => {
  const random = new RandomStream(1, "a");
  const numbers = [random.word(), random.uniform(), random.normal(), random.normal()];
  numbers.push(random.exponential());
  assertEquals(numbers, [
    1605397390,
    0.8286922099948438,
    0.3087829070629971,
    -0.8638939986346432,
    1.1561442460164641,
  ]);
});

test("random stream: uniform numbers have the moments of their distribution", () => {
  const random = new RandomStream(7, "uniform");
  assertNear(moments(COUNT, () => random.uniform()), [1 / 2, 1 / 3, 1 / 4, 1 / 5], [
    0.003,
    0.003,
    0.003,
    0.003,
  ]);
});

test("random stream: normal numbers have the moments of their distribution", () => {
  const random = new RandomStream(7, "normal");
  assertNear(moments(COUNT, () => random.normal()), [0, 1, 0, 3], [0.01, 0.015, 0.04, 0.1]);
});

test("random stream: exponential numbers have the moments of their distribution", () => {
  const random = new RandomStream(7, "exponential");
  assertNear(moments(COUNT, () => random.exponential()), [1, 2, 6, 24], [0.01, 0.05, 0.4, 4]);
});

test("random stream: whole numbers are evenly distributed, bits too", () => {
  const random = new RandomStream(3);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < COUNT; i++) counts[random.integer(10)]!++;
  const expected = COUNT / 10;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  assert(chiSquare > 1 && chiSquare < 28, `${chiSquare}`); // 99.9 % of 9 degrees of freedom
  const bits = new Array<number>(32).fill(0);
  for (let i = 0; i < 20_000; i++) {
    const word = random.word();
    for (let bit = 0; bit < 32; bit++) bits[bit]! += (word >>> bit) & 1;
  }
  for (const count of bits) assert(Math.abs(count - 10_000) < 300, `${count}`);
});

test("random stream: streams of different names or seeds have nothing in common", () => {
  const names = ["", "a", "b", "ab", "a/b", "link 10.0.0.1", "link 10.0.0.2"];
  const streams = names.map((name) => new RandomStream(1, name));
  streams.push(new RandomStream(2), new RandomStream("1 "));
  const first = new Set(streams.map((stream) => stream.word()));
  assertEquals(first.size, streams.length);
  for (let i = 1; i < streams.length; i++) {
    const [correlation] = moments(20_000, () => streams[0]!.normal() * streams[i]!.normal());
    assert(Math.abs(correlation!) < 0.03, `${i}: ${correlation}`);
  }
});

test("random stream: a fork depends on names, not on what was drawn", () => {
  const random = new RandomStream(1, "a");
  const before = random.fork("b").word();
  random.normal();
  assertEquals(random.fork("b").word(), before);
  assertEquals(new RandomStream(1, "a/b").word(), before);
});

test("random stream: fills bytes, and each byte takes all values", () => {
  const bytes = new Uint8Array(20_003);
  new RandomStream(1).fill(bytes);
  assertEquals(new Set(bytes).size, 256);
  assertEquals([...bytes.subarray(0, 4)], [239, 168, 147, 183]);
});

test("random stream: chance happens as often as it says, and draws each time", () => {
  const random = new RandomStream(1), other = new RandomStream(1);
  let count = 0;
  for (let i = 0; i < 10_000; i++) if (random.chance(0.2)) count++;
  assert(Math.abs(count - 2000) < 150, `${count}`);
  for (let i = 0; i < 10_000; i++) assertEquals(other.chance(0), false);
  assertEquals(random.word(), other.word());
});

test("random stream: limits that are none are refused", () => {
  for (const limit of [0, -1, 1.5, NaN, 2 ** 33]) {
    assertThrows(() => new RandomStream(1).integer(limit), RangeError, `${limit}`);
  }
});
