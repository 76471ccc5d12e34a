import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  CRYPTO_NAK_LENGTH,
  FIELD_TOO_LONG,
  FIELD_TOO_SHORT,
  FIELD_UNALIGNED,
  MAX_MAC_LENGTH,
  MIN_FIELD_LENGTH,
  MIN_LAST_FIELD_LENGTH,
  NO_SUCH_MAC,
  trailerPart,
  UNALIGNED,
} from "../../src/packet/trailer.ts";

/** The rest of a packet: `length` bytes that begin as an extension field of `claimed` bytes. */
function rest(length: number, claimed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (length >= 4) bytes.set([0x01, 0x04, claimed >> 8, claimed & 255]);
  return bytes;
}

function part(length: number, claimed: number, version: number): number {
  return trailerPart(rest(length, claimed), 0, length, version);
}

test("trailer: the lengths that RFC 7822 names", () => {
  // §7.5: no extension field is shorter than 16 octets; §7.5.1.4: the last one of a packet without
  // MAC has 28 at least. §3: a MAC has 20 or 24 octets, or 4 as a crypto-NAK.
  assertEquals([MIN_FIELD_LENGTH, MIN_LAST_FIELD_LENGTH], [16, 28]);
  assertEquals([CRYPTO_NAK_LENGTH, MAX_MAC_LENGTH], [4, 24]);
});

test("trailer: version 4, every length of the rest up to 100, as a field that fills it", () => {
  for (let length = 0; length <= 100; length++) {
    const expected = length === 0
      ? 0
      : length % 4 !== 0
      ? UNALIGNED
      : length === 4 || length === 20 || length === 24
      ? -length // RFC 7822 §3: whatever the bytes say, this is a MAC
      : length < MIN_LAST_FIELD_LENGTH
      ? NO_SUCH_MAC
      : length;
    assertEquals(part(length, length, 4), expected, `${length} bytes`);
  }
});

test("trailer: versions 1 to 3 have no fields; every length of the rest up to 100", () => {
  const macs = [4, 12, 20, 24, 36, 52, 68, 72];
  for (const version of [1, 2, 3]) {
    for (let length = 0; length <= 100; length++) {
      const expected = length === 0
        ? 0
        : length % 4 !== 0
        ? UNALIGNED
        : macs.includes(length)
        ? -length
        : NO_SUCH_MAC;
      assertEquals(part(length, length, version), expected, `version ${version}, ${length} bytes`);
    }
  }
});

test("trailer: version 4, every length a field can claim, in a rest of 28 and of 40 bytes", () => {
  for (const length of [28, 40]) {
    for (let claimed = 0; claimed <= 0xffff; claimed++) {
      const expected = claimed < MIN_FIELD_LENGTH
        ? FIELD_TOO_SHORT
        : claimed % 4 !== 0
        ? FIELD_UNALIGNED
        : claimed > length
        ? FIELD_TOO_LONG
        : claimed;
      const actual = part(length, claimed, 4);
      if (actual !== expected) assertEquals(actual, expected, `${claimed} of ${length} bytes`);
    }
  }
});

/** Walks a whole trailer: the lengths of its parts, MACs negative, ended by a fault if any. */
function walk(bytes: Uint8Array, version: number): number[] {
  const parts: number[] = [];
  let at = 0, next: number;
  while ((next = trailerPart(bytes, at, bytes.length, version)) > 0) {
    parts.push(next);
    at += next;
  }
  if (next < 0) parts.push(next);
  return parts;
}

function joined(...lengths: number[]): Uint8Array {
  return Uint8Array.from(lengths.flatMap((length) => [...rest(length, length)]));
}

test("trailer: fields and MAC in a row", () => {
  assertEquals(walk(joined(28), 4), [28]);
  assertEquals(walk(joined(16, 28), 4), [16, 28]); // §7.5.1.4: the last has 28, others 16
  assertEquals(walk(joined(16, 16, 28), 4), [16, 16, 28]);
  assertEquals(walk(joined(16, 20), 4), [16, -20]); // §7.5.1.3: before a MAC, 16 are enough
  assertEquals(walk(joined(16, 24), 4), [16, -24]);
  assertEquals(walk(joined(24, 4), 4), [24, -4]);
  assertEquals(walk(joined(36, 104, 40, 4), 4), [36, 104, 40, -4]);
  // Too short a last field: what is left looks like a MAC, or like nothing.
  assertEquals(walk(joined(28, 16), 4), [28, NO_SUCH_MAC]);
  assertEquals(walk(joined(28, 20), 4), [28, -20]);
  assertEquals(walk(joined(16, 4), 4), [-20]);
});

test("trailer: the faults and the lengths of MACs are never mistaken for one another", () => {
  for (const fault of [UNALIGNED, FIELD_TOO_SHORT, FIELD_TOO_LONG, FIELD_UNALIGNED, NO_SUCH_MAC]) {
    assertEquals(fault < 0 && fault % 4 !== 0, true);
  }
});

test("trailer: arbitrary bytes end within the packet, wherever it begins", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(60),
      fc.integer({ min: 1, max: 4 }),
      (bytes, before, version) => {
        const buffer = new Uint8Array(before + bytes.length + 40).fill(16);
        buffer.set(bytes, before);
        const end = before + bytes.length;
        let at = before, next: number;
        while ((next = trailerPart(buffer, at, end, version)) > 0) at += next;
        return at <= end && (next % 4 !== 0 || at - next === end);
      },
    ),
    { numRuns: 5000 },
  );
});
