import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { KissOfDeathError } from "../../src/client/kiss_of_death_error.ts";
import { measure } from "../../src/client/measurement.ts";
import { findFault } from "../../src/client/validate.ts";
import {
  addSeconds,
  NTPPacket,
  type NTPPacketFields,
  referenceIdFromText,
} from "../../src/packet/mod.ts";

const T1 = 0xecb1_0000_0000_0000n;
const T4 = addSeconds(T1, 0.02);

const GOOD: Partial<NTPPacketFields> = {
  mode: 4,
  stratum: 2,
  precision: -20,
  rootDelay: 0.01,
  rootDispersion: 0.01,
  referenceId: 0xc0000201,
  referenceTimestamp: addSeconds(T1, -30),
  receiveTimestamp: addSeconds(T1, 0.01),
  transmitTimestamp: addSeconds(T1, 0.0101),
};

function fault(
  fields: Partial<NTPPacketFields> = {},
  times: { t4?: bigint; precision?: number } = {},
) {
  const packet = new NTPPacket({ ...GOOD, ...fields });
  const exchange = {
    packet,
    requestTimestamp: T1,
    destinationTimestamp: times.t4 ?? T4,
    authentication: "none",
  } as const;
  const measurement = measure(exchange, times.precision ?? -20);
  const limits = { maxRootDistance: 16, timeoutMs: 5000 };
  return findFault(exchange, measurement, "192.0.2.1:123", limits);
}

test("a good reply has no fault", () => {
  assertEquals(fault(), undefined);
  assertEquals(fault({ stratum: 15 }), undefined);
  assertEquals(fault({ leapIndicator: 1 }), undefined);
  assertEquals(fault({ version: 3 }), undefined);
  assertEquals(fault({ referenceTimestamp: 0n }), undefined); // many simple servers leave it out
});

test("each kiss code that wants something is a kiss-o'-death", () => {
  for (const code of ["DENY", "RSTR", "RATE", "NTSN", "XYZ"]) {
    const found = fault({ stratum: 0, leapIndicator: 3, referenceId: referenceIdFromText(code) });
    assert(found instanceof KissOfDeathError);
    assertEquals([found.code, found.kissCode], ["kiss-of-death", code]);
  }
});

test("a kiss-o'-death needs no sensible times", () => {
  const fields = { stratum: 0, referenceId: referenceIdFromText("RATE") };
  const times = { receiveTimestamp: 0n, transmitTimestamp: 0n, rootDispersion: 1000 };
  assertEquals(fault({ ...fields, ...times })?.code, "kiss-of-death");
});

test("stratum 0 without a kiss, stratum 16 and above, and leap indicator 3 know no time", () => {
  const init = referenceIdFromText("INIT"), step = referenceIdFromText("STEP");
  assertEquals(fault({ stratum: 0, referenceId: 0 })?.code, "unsynchronized");
  assertEquals(fault({ stratum: 0, referenceId: init })?.code, "unsynchronized");
  assertEquals(fault({ stratum: 0, referenceId: step })?.code, "unsynchronized");
  for (const stratum of [16, 17, 255]) assertEquals(fault({ stratum })?.code, "unsynchronized");
  assertEquals(fault({ leapIndicator: 3 })?.code, "unsynchronized");
});

test("zero timestamps are refused (CVE-2015-8138)", () => {
  assertEquals(fault({ receiveTimestamp: 0n })?.code, "bogus");
  assertEquals(fault({ transmitTimestamp: 0n })?.code, "bogus");
});

test("a clock set after the reply was sent is refused", () => {
  assertEquals(fault({ referenceTimestamp: addSeconds(T1, 1) })?.code, "bogus");
});

test("a reply sent before its request arrived is refused", () => {
  assertEquals(fault({ transmitTimestamp: addSeconds(T1, 0.009) })?.code, "bogus");
});

test("a server that takes longer than four seconds is refused", () => {
  const found = fault(
    { transmitTimestamp: addSeconds(T1, 4.2) },
    { t4: addSeconds(T1, 4.3) },
  );
  assertEquals(found?.code, "bogus");
});

test("a delay below what the precisions explain is refused, one within is not", () => {
  const fields = { transmitTimestamp: addSeconds(T1, 0.04) };
  assertEquals(fault(fields)?.code, "bogus");
  assertEquals(fault({ ...fields, precision: -5 }), undefined);
  assertEquals(fault(fields, { precision: -5 }), undefined);
});

test("stamps of different origin may contradict each other a little", () => {
  const early = (seconds: number) => ({
    receiveTimestamp: T1,
    transmitTimestamp: addSeconds(T1, seconds),
  });
  const t4 = addSeconds(T1, 0.001);
  assertEquals(fault(early(0.00109), { t4 }), undefined);
  assertEquals(fault(early(0.0012), { t4 })?.code, "bogus");
  assertEquals(fault(early(-0.00009), { t4 }), undefined);
  assertEquals(fault(early(-0.0002), { t4 })?.code, "bogus");
});

test("a root distance of 16 seconds is refused", () => {
  assertEquals(fault({ rootDispersion: 15.9 }), undefined);
  assertEquals(fault({ rootDispersion: 16 })?.code, "bogus");
  assertEquals(fault({ rootDelay: 32 })?.code, "bogus");
});

test("a step of the local clock during the exchange is told as what it is", () => {
  for (const t4 of [addSeconds(T1, -0.5), addSeconds(T1, 7)]) {
    const found = fault({}, { t4 });
    assertEquals(found?.code, "bogus");
    assertStringIncludes(found!.message, "local clock");
  }
});

test("every message names the server", () => {
  for (const fields of [{ stratum: 0 }, { stratum: 16 }, { receiveTimestamp: 0n }]) {
    assertStringIncludes(fault(fields)!.message, "192.0.2.1:123");
  }
});
