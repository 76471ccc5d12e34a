import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { isSmearReferenceId, smearReferenceId } from "../../src/packet/smear_reference_id.ts";

test("smear reference identifier: 254, and a fraction of 22 bits", () => {
  assertEquals(smearReferenceId(0), 0xfe000000);
  assertEquals(smearReferenceId(0.5), 0xfe200000);
  assertEquals(smearReferenceId(1), 0xfe400000);
  assertEquals(smearReferenceId(-0.5), 0xfee00000);
  assertEquals(smearReferenceId(-1), 0xfec00000);
  assertEquals(smearReferenceId(2 ** -22), 0xfe000001);
});

test("smear reference identifier: two bits of whole seconds", () => {
  assertEquals(smearReferenceId(-2), 0xfe800000);
  assertThrows(() => smearReferenceId(2), RangeError, "2");
  assertThrows(() => smearReferenceId(-2.1), RangeError, "-2.1");
  assertThrows(() => smearReferenceId(NaN), RangeError, "NaN");
});

test("smear reference identifier: told from addresses and names", () => {
  assertEquals(isSmearReferenceId(0xfe123456), true);
  assertEquals(isSmearReferenceId(0x47505300), false);
  assertEquals(isSmearReferenceId(0xff000001), false);
});
