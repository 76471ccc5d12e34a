import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { NTPPacket, type NTPPacketFields } from "../../src/packet/packet.ts";
import { checkPacketFields } from "../../src/packet/packet_fields.ts";

/** Fields of any type, as plain JavaScript may pass them. */
type Loose = { [name in keyof NTPPacketFields]?: unknown };

function refused(fields: Loose, kind: typeof TypeError | typeof RangeError, text: string): void {
  const given = fields as Partial<NTPPacketFields>;
  assertThrows(() => checkPacketFields(given), kind, text);
  assertThrows(() => new NTPPacket(given), kind, text);
}

const field = (length: number, type = 1) => ({ type, value: new Uint8Array(length) });
const mac = (length: number, keyId = 1) => ({ keyId, digest: new Uint8Array(length) });

test("packet fields: whole numbers, least and largest", () => {
  const bounds = [
    ["leapIndicator", 0, 3],
    ["version", 1, 4],
    ["mode", 0, 5],
    ["stratum", 0, 255],
    ["poll", -128, 127],
    ["precision", -128, 127],
    ["referenceId", 0, 0xffffffff],
  ] as const;
  for (const [name, least, largest] of bounds) {
    checkPacketFields({ [name]: least });
    checkPacketFields({ [name]: largest });
    for (const value of [least - 1, largest + 1, least + 0.5, NaN, Infinity, -Infinity]) {
      refused(
        { [name]: value },
        RangeError,
        `${name} is a whole number from ${least} to ${largest}`,
      );
      refused({ [name]: value }, RangeError, `not ${value}`);
    }
    for (const value of ["1", 1n, null, true]) {
      refused({ [name]: value }, TypeError, `${name} is a number, not ${typeof value}`);
    }
  }
});

test("packet fields: durations", () => {
  for (const name of ["rootDelay", "rootDispersion"]) {
    for (const value of [0, -0, 1e-9, 1.5, 65535.999999]) checkPacketFields({ [name]: value });
    for (const value of [-1e-9, -1, 65536, NaN, Infinity]) {
      refused(
        { [name]: value },
        RangeError,
        `${name} lies from 0 up to 65536 seconds, not ${value}`,
      );
    }
    refused({ [name]: 1n }, TypeError, `${name} is a number of seconds, not bigint: 1`);
  }
});

test("packet fields: timestamps", () => {
  const names = ["referenceTimestamp", "originTimestamp", "receiveTimestamp", "transmitTimestamp"];
  for (const name of names) {
    for (const value of [0n, 2n ** 64n - 1n]) checkPacketFields({ [name]: value });
    for (const value of [-1n, 2n ** 64n]) {
      refused({ [name]: value }, RangeError, `${name} is an NTP timestamp of 64 bits`);
    }
    refused({ [name]: 5 }, TypeError, `${name} is an NTP timestamp, a bigint, not number: 5`);
    refused({ [name]: new Date(0) }, TypeError, `${name} is an NTP timestamp, a bigint`);
  }
});

test("packet fields: an extension field has 16 bytes at least, the last one without MAC 28", () => {
  checkPacketFields({ extensionFields: [field(12), field(24)] });
  checkPacketFields({ extensionFields: [field(12)], mac: mac(16) });
  checkPacketFields({ extensionFields: [field(65528)] });
  refused({ extensionFields: [field(12)] }, RangeError, "extensionFields[0].value");
  refused({ extensionFields: [field(20)] }, RangeError, "from 24 (as the last one");
  refused({ extensionFields: [field(8), field(24)] }, RangeError, "extensionFields[0].value");
  refused({ extensionFields: [field(24), field(20)] }, RangeError, "extensionFields[1].value");
  refused({ extensionFields: [field(8)], mac: mac(16) }, RangeError, "from 12 to 65528, not 8");
  refused({ extensionFields: [field(65532)] }, RangeError, "not 65532");
  refused({ extensionFields: [field(26)] }, RangeError, "multiple of 4");
});

test("packet fields: types and values of extension fields", () => {
  checkPacketFields({ extensionFields: [field(24, 0), field(24, 0xffff)] });
  refused({ extensionFields: [field(24, 0x10000)] }, RangeError, "extensionFields[0].type");
  refused({ extensionFields: [field(24, -1)] }, RangeError, "extensionFields[0].type");
  const value = [...new Uint8Array(24)];
  refused({ extensionFields: [{ type: 1, value }] }, TypeError, "extensionFields[0].value");
  refused({ extensionFields: [{ type: "1", value }] }, TypeError, "extensionFields[0].type");
});

test("packet fields: only version 4 has extension fields", () => {
  for (const version of [1, 2, 3]) {
    refused({ version, extensionFields: [field(24)] }, RangeError, `Version ${version} has no`);
    checkPacketFields({ version: version as 3, extensionFields: [] });
  }
});

test("packet fields: digests of each version", () => {
  const lengths = Array.from({ length: 80 }, (_, length) => length);
  const taken = (version: 1 | 2 | 3 | 4) =>
    lengths.filter((length) => {
      try {
        checkPacketFields({ version, mac: mac(length) });
        return true;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return false;
      }
    });
  assertEquals(taken(4), [0, 16, 20]);
  for (const version of [1, 2, 3] as const) {
    assertEquals(taken(version), [0, 8, 16, 20, 32, 48, 64, 68]);
  }
  refused({ mac: mac(32) }, RangeError, "mac.digest has 32 bytes, which is no digest of version 4");
});

test("packet fields: keys", () => {
  checkPacketFields({ mac: mac(16, 0) });
  checkPacketFields({ mac: mac(16, 0xffffffff) });
  refused({ mac: mac(16, -1) }, RangeError, "mac.keyId");
  refused({ mac: mac(16, 2 ** 32) }, RangeError, "mac.keyId");
  refused({ mac: { keyId: 1, digest: "00" } }, TypeError, "mac.digest");
  refused({ mac: { digest: new Uint8Array(16) } }, TypeError, "mac.keyId is a number");
});

test("packet fields: a crypto-NAK needs a field of 24 bytes before it", () => {
  // A field of 16 or 20 bytes and 4 of crypto-NAK would be read as a MAC of 20 or 24.
  checkPacketFields({ extensionFields: [field(20)], mac: mac(0) });
  checkPacketFields({ extensionFields: [field(12), field(20)], mac: mac(0) });
  for (const length of [12, 16]) {
    const text = `extensionFields[0].value has a multiple of 4 bytes, from 20 (as the last one`;
    refused({ extensionFields: [field(length)], mac: mac(0) }, RangeError, text);
    refused({ extensionFields: [field(24), field(length)], mac: mac(0) }, RangeError, "[1].value");
  }
});

test("packet fields: what holds fields has the right type", () => {
  refused({ extensionFields: null }, TypeError, "extensionFields is an array, not object: null");
  refused({ extensionFields: "abc" }, TypeError, "extensionFields is an array, not string: abc");
  refused(
    { extensionFields: [null] },
    TypeError,
    "extensionFields[0] is an object, not object: null",
  );
  refused({ extensionFields: [7] }, TypeError, "extensionFields[0] is an object, not number: 7");
  refused({ mac: null }, TypeError, "mac is an object, not object: null");
  refused({ mac: "00" }, TypeError, "mac is an object, not string: 00");
});
