import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  firstByte,
  HEADER_LENGTH,
  leapOf,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  POLL_AT,
  PRECISION_AT,
  readTimestamp,
  readWord,
  RECEIVE_TIMESTAMP_AT,
  REFERENCE_ID_AT,
  REFERENCE_TIMESTAMP_AT,
  ROOT_DELAY_AT,
  ROOT_DISPERSION_AT,
  STRATUM_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
  writeTimestamp,
  writeWord,
} from "../../src/packet/header.ts";

const runs = { numRuns: 1000 };

test("header: the fields stand where RFC 5905 figure 8 has them, without a gap", () => {
  const fields = [
    [STRATUM_AT, 1],
    [POLL_AT, 1],
    [PRECISION_AT, 1],
    [ROOT_DELAY_AT, 4],
    [ROOT_DISPERSION_AT, 4],
    [REFERENCE_ID_AT, 4],
    [REFERENCE_TIMESTAMP_AT, 8],
    [ORIGIN_TIMESTAMP_AT, 8],
    [RECEIVE_TIMESTAMP_AT, 8],
    [TRANSMIT_TIMESTAMP_AT, 8],
  ] as const;
  let at = 1;
  for (const [start, length] of fields) {
    assertEquals(start, at);
    at += length;
  }
  assertEquals(at, HEADER_LENGTH);
  assertEquals(HEADER_LENGTH, 48);
});

test("header: all 256 first bytes are taken apart and put together", () => {
  for (let first = 0; first < 256; first++) {
    const [leap, version, mode] = [leapOf(first), versionOf(first), modeOf(first)];
    assertEquals(leap * 64 + version * 8 + mode, first);
    assertEquals(firstByte(leap, version, mode), first);
  }
});

test("header: words are unsigned and big-endian", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 9, maxLength: 9 }), fc.nat(5), (bytes, at) => {
      const word = readWord(bytes, at);
      assertEquals(word, new DataView(bytes.buffer).getUint32(at));
      const copy = new Uint8Array(9);
      writeWord(copy, at, word);
      assertEquals(copy.subarray(at, at + 4), bytes.subarray(at, at + 4));
      assertEquals(copy.filter((_, i) => i < at || i >= at + 4), new Uint8Array(5));
    }),
    runs,
  );
});

test("header: timestamps are unsigned and big-endian", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), fc.nat(2), (bytes, at) => {
      const timestamp = readTimestamp(bytes, at);
      assertEquals(timestamp, new DataView(bytes.buffer).getBigUint64(at));
      const copy = new Uint8Array(10);
      writeTimestamp(copy, at, timestamp);
      assertEquals(copy.subarray(at, at + 8), bytes.subarray(at, at + 8));
    }),
    runs,
  );
});
