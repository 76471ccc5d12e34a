import { test } from "node:test";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { accepted, measure } from "../../src/client/measurement.ts";
import { addSeconds, NTPPacket } from "../../src/packet/mod.ts";

/** An exchange with a server that is `ahead`, over a path of `out` and `back`, taking `taken`. */
function exchange(
  { start = 0xecb1_0000_0000_0000n, ahead = 0, out = 0, taken = 0, back = 0, precision = -20 },
) {
  const packet = new NTPPacket({
    mode: 4,
    stratum: 2,
    precision,
    rootDelay: 0.5,
    rootDispersion: 0.25,
    receiveTimestamp: addSeconds(start, ahead + out),
    transmitTimestamp: addSeconds(start, ahead + out + taken),
  });
  return {
    packet,
    requestTimestamp: start,
    destinationTimestamp: addSeconds(start, out + taken + back),
  };
}

test("offset and delay as RFC 5905 §8 defines them", () => {
  const { offset, delay } = measure(exchange({ ahead: 3, out: 0.25, taken: 0.5, back: 0.25 }), -20);
  assertEquals([offset, delay], [3, 0.5]);
});

test("an asymmetric path costs half its asymmetry, which the root distance covers", () => {
  const { offset, delay, rootDistance } = measure(exchange({ out: 0.5, back: 0.25 }), -20);
  assertEquals([offset, delay], [0.125, 0.75]);
  assertAlmostEquals(rootDistance, (0.5 + 0.75) / 2 + 0.25 + 2 * 2 ** -20 + 15e-6 * 0.75, 1e-12);
});

test("dispersion is both precisions and the drift during the exchange", () => {
  const { dispersion } = measure(exchange({ out: 1, back: 1, precision: -10 }), -12);
  assertAlmostEquals(dispersion, 2 ** -10 + 2 ** -12 + 2 * 15e-6, 1e-15);
});

test("an exchange across the end of the era", () => {
  const start = 0xffff_ffff_c000_0000n;
  const { offset, delay } = measure(exchange({ start, ahead: 2, out: 0.25, back: 0.25 }), -20);
  assertEquals([offset, delay], [2, 0.5]);
});

test("a clock 60 years behind the server", () => {
  const years = 60 * 365.25 * 86400;
  assertEquals(measure(exchange({ ahead: years, out: 0.5, back: 0.5 }), -20).offset, years);
});

test("a delay that comes out negative is told as it is", () => {
  assertEquals(measure(exchange({ taken: 1, back: -0.5 }), -20).delay, -0.5);
});

test("what a negative delay shows of the stamps is part of the error", () => {
  const measured = measure(exchange({ out: 0.25, taken: 1, back: -0.5 }), -20);
  const { dispersion, offset, rootDistance } = measured;
  assertEquals(accepted(measured), {
    offset,
    delay: 0,
    dispersion: dispersion + 0.25,
    rootDistance: rootDistance + 0.25,
  });
  const positive = measure(exchange({ out: 0.25, back: 0.5 }), -20);
  assertEquals(accepted(positive), positive);
});
