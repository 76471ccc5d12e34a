import { Buffer } from "node:buffer";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { NTPPacket, type NTPPacketFields } from "../../src/packet/packet.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";

/** A reply in which every field differs, as RFC 5905 figure 8 lays it out. */
const BYTES = decodeHex(
  "5c" + "02" + "fe" + "ec" + // LI 1, version 3, mode 4; stratum 2; poll -2; precision -20
    "00018000" + "00000001" + "c0000201" + // root delay, root dispersion, reference identifier
    "0102030405060708" + "1112131415161718" + "2122232425262728" + "fffefdfcfbfaf9f8",
);

const FIELDS: NTPPacketFields = {
  leapIndicator: 1,
  version: 3,
  mode: 4,
  stratum: 2,
  poll: -2,
  precision: -20,
  rootDelay: 1.5,
  rootDispersion: 1 / 65536,
  referenceId: 0xc0000201,
  referenceTimestamp: 0x0102030405060708n,
  originTimestamp: 0x1112131415161718n,
  receiveTimestamp: 0x2122232425262728n,
  transmitTimestamp: 0xfffefdfcfbfaf9f8n,
  extensionFields: [],
  mac: undefined,
};

const NAMES = Object.keys(FIELDS) as (keyof NTPPacketFields)[];

function malformed(hex: string, byteOffset: number, message: string): void {
  const error = assertThrows(() => NTPPacket.decode(decodeHex(hex)), NTPPacketError, message);
  assertEquals(error.byteOffset, byteOffset, hex);
}

const header = (first = "23") => first + "00".repeat(47);

test("packet: every field of the header is read", () => {
  const packet = NTPPacket.decode(BYTES);
  for (const name of NAMES) assertEquals(packet[name], FIELDS[name], name);
});

test("packet: every field of the header is written", () => {
  assertEquals(encodeHex(new NTPPacket(FIELDS).encode()), encodeHex(BYTES));
});

test("packet: without fields, a request of version 4 that discloses nothing", () => {
  assertEquals(encodeHex(new NTPPacket().encode()), header());
  assertEquals(new NTPPacket({ version: undefined, mac: undefined } as object), new NTPPacket());
});

test("packet: all versions and modes of time packets, no others", () => {
  for (let first = 0; first < 256; first++) {
    const bytes = new Uint8Array(48);
    bytes[0] = first;
    const version = (first >> 3) & 7, mode = first & 7;
    if (version >= 1 && version <= 4 && mode <= 5) {
      const packet = NTPPacket.decode(bytes);
      assertEquals([packet.leapIndicator, packet.version, packet.mode], [
        first >> 6,
        version,
        mode,
      ]);
      assertEquals(packet.encode(), bytes);
    } else {
      const error = assertThrows(() => NTPPacket.decode(bytes), NTPPacketError);
      assertEquals(error.byteOffset, 0);
      const what = version >= 1 && version <= 4 ? `Mode ${mode}` : `Version ${version} `;
      assert(error.message.startsWith(what), error.message);
    }
  }
});

test("packet: signed exponents and unsigned stratum", () => {
  const bytes = new Uint8Array(48).fill(0x23, 0, 1).fill(0x80, 1, 4);
  const { stratum, poll, precision } = NTPPacket.decode(bytes);
  assertEquals([stratum, poll, precision], [128, -128, -128]);
  bytes.fill(0x7f, 1, 4);
  const other = NTPPacket.decode(bytes);
  assertEquals([other.stratum, other.poll, other.precision], [127, 127, 127]);
});

test("packet: too short", () => {
  malformed("", 0, "The packet is empty");
  malformed("23", 1, "within the header");
  for (let length = 1; length < 48; length++) {
    malformed(header().slice(0, 2 * length), length, "48");
  }
});

test("packet: what is wrong behind the header, and where", () => {
  const version3 = header("1b");
  const field = (length: string, words: number) => `0104${length}` + "00000000".repeat(words - 1);
  malformed(header() + "00", 48, "no multiple of four");
  malformed(header() + "00".repeat(25), 48, "no multiple of four");
  malformed(header() + field("0018", 2), 48, "No MAC of version 4 has 8 bytes");
  malformed(header() + field("0010", 4), 48, "No MAC of version 4 has 16 bytes");
  malformed(header() + field("000c", 7), 48, "shorter than 16");
  malformed(header() + field("001a", 7), 48, "length of an extension field is no multiple of four");
  malformed(header() + field("0020", 7), 48, "longer than the rest");
  malformed(header() + field("ffff", 7), 48, "length of an extension field is no multiple of four");
  malformed(header() + field("001c", 7) + field("0010", 4), 76, "No MAC of version 4 has 16 bytes");
  malformed(header() + field("0010", 4) + field("0020", 7), 64, "longer than the rest");
  malformed(version3 + field("001c", 7), 48, "No MAC of version 3 has 28 bytes");
  malformed(header("0b") + "00".repeat(16), 48, "No MAC of version 1 has 16 bytes");
});

test("packet: extension fields and MAC are read", () => {
  const bytes = decodeHex(
    header() + "0104" + "0010" + "aa".repeat(12) + // a field of 16 bytes
      "f323" + "001c" + "bb".repeat(24) +
      "fffffff0" + "cc".repeat(20), // key identifier and digest
  );
  const packet = NTPPacket.decode(bytes);
  assertEquals(packet.extensionFields, [
    { type: 0x0104, value: new Uint8Array(12).fill(0xaa) },
    { type: 0xf323, value: new Uint8Array(24).fill(0xbb) },
  ]);
  assertEquals(packet.mac, { keyId: 0xfffffff0, digest: new Uint8Array(20).fill(0xcc) });
  assertEquals(packet.byteLength, bytes.length);
  assertEquals(packet.encode(), bytes);
});

test("packet: a crypto-NAK is a MAC without digest (RFC 5905 §9.2)", () => {
  const packet = NTPPacket.decode(decodeHex(header() + "00000000"));
  assertEquals(packet.mac, { keyId: 0, digest: new Uint8Array(0) });
  assertEquals(packet.byteLength, 52);
});

test("packet: MS-SNTP's extended authenticator of version 3 is a MAC of 72 bytes", () => {
  const packet = NTPPacket.decode(decodeHex(header("1b") + "01020304" + "ee".repeat(68)));
  assertEquals(packet.mac?.digest.length, 68);
});

test("packet: the longest extension field there is", () => {
  const value = new Uint8Array(65528).fill(7);
  const packet = new NTPPacket({ extensionFields: [{ type: 0xffff, value }] });
  assertEquals(packet.byteLength, 48 + 65532);
  assertEquals(NTPPacket.decode(packet.encode()), packet);
});

test("packet: nothing is shared with the bytes decoded, nor with those encoded", () => {
  const bytes = new NTPPacket({
    extensionFields: [{ type: 1, value: new Uint8Array(24).fill(1) }],
    mac: { keyId: 1, digest: new Uint8Array(16).fill(2) },
  }).encode();
  const packet = NTPPacket.decode(bytes);
  const before = packet.encode();
  bytes.fill(0xff);
  assertEquals(packet.encode(), before);
  packet.encode().fill(0xff);
  assertEquals(packet.encode(), before);
  assertNotStrictEquals(packet.encode(), packet.encode());
});

test("packet: a view in the middle of a buffer is read, and no byte outside it", () => {
  const buffer = new Uint8Array(100).fill(0xff);
  buffer.set(BYTES, 7);
  assertEquals(NTPPacket.decode(buffer.subarray(7, 55)), new NTPPacket(FIELDS));
  assertThrows(() => NTPPacket.decode(buffer.subarray(7, 54)), NTPPacketError);
});

test("packet: root delay and dispersion are rounded up at once, not only on the wire", () => {
  const packet = new NTPPacket({ rootDelay: 1e-9, rootDispersion: 65535.9999999 });
  assertEquals([packet.rootDelay, packet.rootDispersion], [1 / 65536, 65536 - 1 / 65536]);
  assertEquals(NTPPacket.decode(packet.encode()), packet);
});

test("packet: reference text follows the stratum", () => {
  assertEquals(new NTPPacket({ stratum: 1, referenceId: 0x47505300 }).referenceText, "GPS");
  assertEquals(new NTPPacket({ stratum: 2, referenceId: 0x47505300 }).referenceText, "71.80.83.0");
});

test("packet: only a packet of stratum 0 that is no request has a kiss code (RFC 5905 §7.4)", () => {
  const code = (fields: Partial<NTPPacketFields>) =>
    new NTPPacket({ mode: 4, referenceId: 0x52415445, ...fields }).kissCode;
  assertEquals(code({}), "RATE");
  assertEquals(code({ stratum: 1 }), undefined);
  assertEquals(code({ stratum: 16 }), undefined);
  assertEquals(code({ mode: 3 }), undefined);
  assertEquals(code({ mode: 5 }), "RATE");
  assertEquals(code({ referenceId: 0 }), undefined);
  assertEquals(code({ referenceId: 0xc0000201 }), undefined);
});

test("packet: nothing is shared with a Node.js Buffer, whose slice() does not copy", () => {
  const bytes = Buffer.from(
    new NTPPacket({
      extensionFields: [{ type: 1, value: new Uint8Array(24).fill(1) }],
      mac: { keyId: 1, digest: new Uint8Array(16).fill(2) },
    }).encode(),
  );
  const packet = NTPPacket.decode(bytes);
  const before = packet.encode();
  bytes.fill(0xff);
  assertEquals(packet.encode(), before);
});

test("packet: nothing is shared with the fields it was made of", () => {
  const value = new Uint8Array(24).fill(1), digest = new Uint8Array(16).fill(2);
  const field = { type: 1, value }, mac = { keyId: 1, digest };
  const extensionFields = [field];
  const packet = new NTPPacket({ extensionFields, mac });
  const before = packet.encode();
  value.fill(0xff);
  digest.fill(0xff);
  field.type = 2;
  mac.keyId = 2;
  extensionFields.push(field);
  assertEquals(packet.encode(), before);
});

test("packet: bytes of another realm are as good as any", () => {
  const Foreign = runInNewContext("Uint8Array") as Uint8ArrayConstructor;
  const packet = new NTPPacket({
    extensionFields: [{ type: 1, value: Foreign.from(new Uint8Array(24)) }],
    mac: { keyId: 1, digest: Foreign.from(new Uint8Array(16)) },
  });
  assertEquals(NTPPacket.decode(Foreign.from(packet.encode())), packet);
});

test("packet: what is no Uint8Array is a wrong argument, not a bad packet", () => {
  for (
    const bytes of [
      undefined,
      null,
      "",
      new ArrayBuffer(48),
      [35],
      new DataView(new ArrayBuffer(48)),
    ]
  ) {
    assertThrows(() => NTPPacket.decode(bytes as unknown as Uint8Array), TypeError, "Uint8Array");
  }
});

test("packet: a zero without sign", () => {
  // log2 of a little less than a second, rounded up: -0.
  const zero = Math.ceil(Math.log2(0.9));
  assertStrictEquals(zero, -0);
  const packet = new NTPPacket({ poll: zero, precision: zero });
  assertStrictEquals(packet.poll, 0);
  assertStrictEquals(packet.precision, 0);
});
