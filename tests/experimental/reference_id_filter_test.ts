import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import {
  ntpv5ReferenceIdOf,
  ReferenceIdFilter,
} from "../../src/experimental/reference_id_filter.ts";
import { RandomStream } from "../../src/testing/random_stream.ts";

function randomId(stream: RandomStream): Uint8Array {
  return Uint8Array.from({ length: 15 }, () => Math.floor(stream.uniform() * 256));
}

test("an ID sets the bits of its ten numbers", () => {
  const filter = new ReferenceIdFilter();
  filter.add(Uint8Array.of(0, 0, 1, 0, 0x80, 2, 0, 0x10, 0, 0xff, 0xff, 0xff, 0, 0, 0));
  const set: number[] = [];
  filter.bytes.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) set.push(8 * i + bit);
  });
  assertEquals(set, [0, 1, 2, 8, 4095]);
});

test("what was added is there, in a union too; others are not", () => {
  const stream = new RandomStream(1);
  const a = new ReferenceIdFilter(), b = new ReferenceIdFilter();
  const inA = Array.from({ length: 30 }, () => randomId(stream));
  const inB = Array.from({ length: 30 }, () => randomId(stream));
  inA.forEach((id) => a.add(id));
  inB.forEach((id) => b.add(id));
  assertEquals(inB.filter((id) => a.has(id)), []);
  a.addAll(b);
  assert([...inA, ...inB].every((id) => a.has(id)));
  assert(inA.some((id) => !b.has(id)));
  assert(new ReferenceIdFilter(a.bytes).has(inB[0]!));
});

test("an earlier version's server is known by the digest of its address", () => {
  // MD5 of c0 00 02 01, and of 2001:db8::1, by another program.
  assertEquals(encodeHex(ntpv5ReferenceIdOf("192.0.2.1")), "b201f143e9c4d4048c4bf61e78b8ee");
  assertEquals(encodeHex(ntpv5ReferenceIdOf("2001:db8::1")), "39ab9b3749629b8f2c7ccf39226f68");
  assertThrows(() => ntpv5ReferenceIdOf("example.org"), RangeError, "example.org");
});

test("wrong lengths and types are told", () => {
  const filter = new ReferenceIdFilter();
  assertThrows(() => filter.add(new Uint8Array(16)), RangeError, "15");
  assertThrows(() => filter.has(new Uint8Array(4)), RangeError, "15");
  assertThrows(() => new ReferenceIdFilter(new Uint8Array(511)), RangeError, "512");
  assertThrows(() => filter.add([] as never), TypeError, "Uint8Array");
});
