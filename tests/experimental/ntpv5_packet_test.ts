import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { decodeHex } from "@std/encoding/hex";
import { NTPv5Packet } from "../../src/experimental/ntpv5_packet.ts";
import { time32FromSeconds, time32ToSeconds } from "../../src/experimental/time32.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";

test("every field stands where the draft puts it", () => {
  const packet = new NTPv5Packet({
    leapIndicator: 1,
    mode: 4,
    stratum: 2,
    poll: 6,
    precision: -20,
    rootDelay: 1.5,
    rootDispersion: 0.25,
    timescale: 3,
    era: 1,
    flags: 3,
    serverCookie: 0x0102_0304_0506_0708n,
    clientCookie: 0x1112_1314_1516_1718n,
    receiveTimestamp: 0x2122_2324_2526_2728n,
    transmitTimestamp: 0x3132_3334_3536_3738n,
    extensionFields: [
      { type: 0xf5ff, value: Uint8Array.of(1, 2, 3, 4, 5) },
      { type: 0xf501, value: new Uint8Array(0) },
    ],
  });
  const hex = "6c0206ec" + "18000000" + "04000000" + "03010003" + "0102030405060708" +
    "1112131415161718" + "2122232425262728" + "3132333435363738" +
    "f5ff00090102030405000000" + "f5010004";
  assertEquals(packet.encode(), decodeHex(hex));
  assertEquals(NTPv5Packet.decode(decodeHex(hex)), packet);
  assertEquals([packet.isSynchronized, packet.isInterleaved], [true, true]);
  assertEquals(packet.isAuthenticationNak, false);
});

test("root delay and root dispersion have 4 bits of seconds and 28 of fraction", () => {
  assertEquals(time32ToSeconds(0xffffffff), 16 - 2 ** -28);
  assertEquals(time32FromSeconds(0.001), Math.ceil(0.001 * 2 ** 28));
  assertEquals(time32FromSeconds(-1), 0);
  assertEquals(time32FromSeconds(NaN), 0xffffffff);
  assertEquals(time32FromSeconds(Infinity), 0xffffffff);
});

test("what is no packet is an error that says where", () => {
  const request = new NTPv5Packet().encode();
  const cases: [Uint8Array, number][] = [
    [new Uint8Array(0), 0],
    [Uint8Array.of(0x23, ...request.subarray(1)), 0],
    [Uint8Array.of(0x29, ...request.subarray(1)), 0],
    [request.subarray(0, 47), 47],
    [Uint8Array.of(...request, 0xf5, 0x01, 0), 48],
    [Uint8Array.of(...request, 0xf5, 0x01, 0, 3), 48],
    [Uint8Array.of(...request, 0xf5, 0x01, 0, 5), 48],
    [Uint8Array.of(...request, 0xf5, 0x01, 0, 4, 0xf5, 0x01, 0, 8), 52],
  ];
  for (const [bytes, byteOffset] of cases) {
    const error = assertThrows(() => NTPv5Packet.decode(bytes), NTPPacketError);
    assertEquals(error.byteOffset, byteOffset, `${bytes}`);
  }
});

test("fields that do not fit are told", () => {
  assertThrows(() => new NTPv5Packet({ stratum: 256 }), RangeError, "stratum");
  assertThrows(() => new NTPv5Packet({ mode: 1 as 3 }), RangeError, "mode");
  assertThrows(() => new NTPv5Packet({ rootDelay: 16 }), RangeError, "rootDelay");
  assertThrows(() => new NTPv5Packet({ clientCookie: -1n }), RangeError, "clientCookie");
  assertThrows(() => new NTPv5Packet({ clientCookie: 1 as never }), TypeError, "clientCookie");
  assertThrows(() => new NTPv5Packet({ era: "1" as never }), TypeError, "era");
  assertThrows(
    () => new NTPv5Packet({ extensionFields: [{ type: 1, value: new Uint8Array(65529) }] }),
    RangeError,
    "65528",
  );
});

test("the draft is told as text that a terminal does not obey", () => {
  const value = Uint8Array.of(0x61, 0x1b, 0x5b, 0x0a);
  const packet = new NTPv5Packet({ extensionFields: [{ type: 0xf5ff, value }] });
  assertEquals(packet.draft, "a?[?");
  assertEquals(new NTPv5Packet().draft, undefined);
});
