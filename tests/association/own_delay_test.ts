import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Association } from "../../src/association/association.ts";
import { OwnDelay } from "../../src/association/own_delay.ts";
import { FunctionClock } from "../../src/clock/function_clock.ts";
import { addSeconds, NTPPacket, timestampDifference } from "../../src/packet/mod.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { VARIABLES } from "../server/asking.ts";

test("own delay: from four on, most of the least of the last eight", () => {
  const own = new OwnDelay();
  const told = [100, 90, 120, 110, 100].map((microseconds) => {
    const next = own.next();
    own.tell(1); // a first guess, which is corrected
    own.tell(microseconds * 1e-6);
    return next;
  });
  assertEquals(told.slice(0, 4), [0, 0, 0, 0]);
  assertAlmostEquals(told[4]!, 0.8 * 90e-6, 1e-12);
  for (let i = 0; i < 8; i++) {
    own.next();
    own.tell(200e-6);
  }
  assertAlmostEquals(own.next(), 0.8 * 200e-6, 1e-12);
  own.tell(10e-6);
  assertAlmostEquals(own.next(), 0.8 * 10e-6, 1e-12);
});

test("own delay: what is not known, negative or far too long teaches nothing", () => {
  const own = new OwnDelay();
  for (const seconds of [0.01, -1e-6, NaN, 0.6e-3]) {
    own.next();
    own.tell(seconds);
  }
  for (let i = 0; i < 10; i++) assertEquals(own.next(), 0);
});

test("association: a peer is told nearly when its packets leave, and never later", () => {
  let time = 0xecb1_0000_0000_0000n;
  const association = new Association({
    mode: "symmetric active",
    remote: new Endpoint("192.0.2.2", 123),
    clock: new FunctionClock(() => time, { precision: -24 }),
    random: (into) => void into.fill(0),
    variables: () => VARIABLES,
    minPoll: 4,
    maxPoll: 6,
  });
  const errors = Array.from({ length: 12 }, () => {
    time = addSeconds(time, 16);
    const { transmitTimestamp } = NTPPacket.decode(association.transmit());
    const left = addSeconds(time, 120e-6);
    association.departed(left);
    return timestampDifference(left, transmitTimestamp);
  });
  assert(errors.slice(0, 4).every((error) => error > 119e-6), `${errors}`);
  assert(errors.slice(4).every((error) => error >= 0 && error < 25e-6), `${errors}`);
});
