import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { NTPPacket } from "../../src/packet/packet.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";
import { packetFields } from "./packet_arbitrary.ts";

// fast-check prints seed and path of a failure; { seed, path } here repeats it.
const runs = { numRuns: 3000 };

/** Decodes, and checks what is promised of any bytes whatever. */
function decodeAny(bytes: Uint8Array): void {
  const before = bytes.slice();
  try {
    assertEquals(NTPPacket.decode(bytes).encode(), before);
  } catch (error) {
    assert(error instanceof NTPPacketError, `not a packet's error: ${error}`);
    const { byteOffset } = error;
    assert(Number.isInteger(byteOffset) && byteOffset >= 0 && byteOffset <= bytes.length);
    assertEquals(error.code, "malformed");
  }
  assertEquals(bytes, before);
}

test("packet property: encoded and decoded, every packet is the same", () => {
  fc.assert(
    fc.property(packetFields, (fields) => {
      const packet = new NTPPacket(fields);
      const bytes = packet.encode();
      assertEquals(bytes.length, packet.byteLength);
      assertEquals(NTPPacket.decode(bytes), packet);
      assertEquals({ ...packet }, { ...fields });
    }),
    runs,
  );
});

test("packet property: arbitrary bytes give the same bytes, or a packet's error", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), decodeAny), runs);
});

test("packet property: so do those that begin as a time packet does", () => {
  const firsts = fc.constantFrom(0x0b, 0x13, 0x1b, 0x23, 0x24, 0xe4);
  const lengths = fc.constantFrom(0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x68, 0xf8);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 48, maxLength: 300 }),
      firsts,
      fc.array(lengths, { maxLength: 5 }),
      (bytes, first, fields) => {
        bytes[0] = first;
        let at = 48;
        for (const length of fields) {
          if (at + 4 > bytes.length) break;
          bytes.set([0, length], at + 2);
          at += length;
        }
        decodeAny(bytes);
        decodeAny(bytes.subarray(0, bytes.length & ~3));
        decodeAny(bytes.subarray(0, Math.min(at, bytes.length)));
      },
    ),
    runs,
  );
});

test("packet property: truncated anywhere, an encoded packet gives the same bytes or an error", () => {
  fc.assert(
    fc.property(packetFields, fc.nat(400), (fields, length) => {
      decodeAny(new NTPPacket(fields).encode().subarray(0, length));
    }),
    runs,
  );
});
