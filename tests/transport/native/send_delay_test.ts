import { test } from "node:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import { CHUNK, SendDelay } from "../../../src/transport/native/send_delay.ts";

const NANOSECOND = 2 ** 32 / 1e9;
/** So long nothing has come that each reply is stamped. */
const SELDOM = 5e6;

test("send delay: nothing is added while little is known", () => {
  const delays = new SendDelay();
  const key = delays.key(-1, SELDOM, 0, 0);
  for (let i = 0; i < 31; i++) delays.learn(key, 5000);
  assertEquals(delays.units(key), 0);
});

test("send delay: less than the least that was seen, and nearer to it the more is known", () => {
  const delays = new SendDelay();
  const key = delays.key(-1, SELDOM, 0, 0);
  const after: number[] = [];
  for (let i = 1; i <= 4000; i++) {
    delays.learn(key, 5000 + (i * 7919) % 10_000);
    if (i % 1000 === 0) after.push(delays.units(key) / NANOSECOND);
  }
  assert(
    after.every((nanoseconds, i) => i === 0 || nanoseconds >= 0.98 * after[i - 1]!),
    `${after}`,
  );
  assertLess(after.at(-1)!, 5000);
  assert(after.at(-1)! > 4400, `${after}`);
});

test("send delay: a quicker reply counts at once, a slower way after two windows", () => {
  const delays = new SendDelay();
  const key = delays.key(-1, SELDOM, 0, 0);
  for (let i = 0; i < 3000; i++) delays.learn(key, 5000);
  delays.learn(key, 1000);
  assertLess(delays.units(key) / NANOSECOND, 1000);
  for (let i = 0; i < 1024; i++) delays.learn(key, 9000);
  assertLess(delays.units(key) / NANOSECOND, 1000);
  for (let i = 0; i < 2048; i++) delays.learn(key, 9000);
  assert(delays.units(key) / NANOSECOND > 8000);
});

test("send delay: at most one of a thousand replies is late, whatever the ways are like", () => {
  let seed = 7;
  const random = () => (seed = Math.imul(seed, 48271) >>> 0) / 2 ** 32;
  for (const way of [() => 2000 + 8000 * random(), () => 1500 - 3000 * Math.log(random() + 1e-9)]) {
    const delays = new SendDelay();
    const key = delays.key(-1, SELDOM, 0, 0);
    let late = 0;
    const count = 50_000;
    for (let i = 0; i < count; i++) {
      const nanoseconds = way();
      if (delays.units(key) / NANOSECOND > nanoseconds) late++;
      if (delays.wants(key)) delays.learn(key, nanoseconds);
    }
    assertLess(late, count / 1000);
  }
});

test("send delay: what is no delay teaches nothing", () => {
  const delays = new SendDelay();
  const key = delays.key(-1, SELDOM, 0, 0);
  for (let i = 0; i < 3000; i++) {
    for (const nanoseconds of [-5, 0, NaN, Infinity, 1e9]) delays.learn(key, nanoseconds);
    delays.learn(-1, 5000);
  }
  assertEquals(delays.units(key), 0);
});

test("send delay: each kind of reply is known by itself, and all have a place", () => {
  const delays = new SendDelay();
  const keys = new Set<number>();
  for (let place = -1; place < CHUNK; place++) {
    for (const idle of [0, 5e5, 5e6, 5e9]) {
      for (const wait of [-1, 0, 3e4, 5e4, 9e9]) keys.add(delays.key(place, idle, wait, 0));
    }
  }
  // Four kinds for each doubling of the rehearsal, from 1 us on; none is out of range.
  for (let us = 0.001; us < 1e9; us *= 1.1) keys.add(delays.key(-1, SELDOM, 0, us * 1000));
  for (const key of [...keys].sort((a, b) => b - a)) {
    assertEquals(delays.units(key), 0);
    for (let i = 0; i < 3000; i++) delays.learn(key, 4000);
    assert(delays.units(key) > 0, `${key}`);
  }
  assertEquals(keys.size, CHUNK / 4 + 16 + 25);
});

test("send delay: of busy replies few are stamped, and what that costs is taken off", () => {
  const delays = new SendDelay();
  const key = delays.key(-1, 0, 0, 0);
  let stamped = 0;
  for (let i = 0; i < 200_000; i++) {
    if (!delays.wants(key)) continue;
    stamped++;
    delays.learn(key, 5000);
  }
  assertLess(stamped, 8000);
  assert(Math.abs(delays.units(key) / NANOSECOND - 3500) < 2, `${delays.units(key) / NANOSECOND}`);
  for (let i = 0; i < 3000; i++) delays.learn(key, 900);
  assertEquals(delays.units(key), 0);
});

test("send delay: who took longer for the rehearsal is added no less than others", () => {
  const delays = new SendDelay();
  const of = (rehearsal: number) => delays.key(-1, SELDOM, 0, rehearsal);
  for (let i = 0; i < 3000; i++) {
    delays.learn(of(2500), 2000);
    delays.learn(of(10_000), 6000);
  }
  const quick = delays.units(of(2500));
  assert(quick > 0);
  assertEquals(delays.units(of(2000)), 0);
  assertEquals(delays.units(of(5000)), quick);
  assert(delays.units(of(10_000)) > 2 * quick);
  assertEquals(delays.units(of(20_000)), delays.units(of(10_000)));
});
