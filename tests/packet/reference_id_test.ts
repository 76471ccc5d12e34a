import { createHash } from "node:crypto";
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  describeReferenceId,
  formatReferenceId,
  referenceIdFromAddress,
  referenceIdFromText,
  referenceIdToText,
} from "../../src/packet/reference_id.ts";

const runs = { numRuns: 2000 };
const words = fc.integer({ min: 0, max: 0xffffffff });

/** RFC 5905 figure 12. */
const REGISTERED = [
  "GOES",
  "GPS",
  "GAL",
  "PPS",
  "IRIG",
  "WWVB",
  "DCF",
  "HBG",
  "MSF",
  "JJY",
  "LORC",
  "TDF",
  "CHU",
  "WWV",
  "WWVH",
  "NIST",
  "ACTS",
  "USNO",
  "PTB",
];

test("reference id: the clocks of RFC 5905 figure 12 are known", () => {
  for (const text of REGISTERED) {
    const id = referenceIdFromText(text);
    assertEquals(referenceIdToText(id), text);
    assertEquals(formatReferenceId(id, 1), text);
    assertEquals(describeReferenceId(id, 1).includes("unregistered"), false, text);
  }
  assertEquals(describeReferenceId(referenceIdFromText("XYZ"), 1), "unregistered reference clock");
  assertEquals(describeReferenceId(0, 1), "unregistered reference clock");
});

test("reference id: text is left-justified and padded with zeros (RFC 5905 §7.3)", () => {
  assertEquals(referenceIdFromText("G"), 0x47000000);
  assertEquals(referenceIdFromText("GP"), 0x47500000);
  assertEquals(referenceIdFromText("GPS"), 0x47505300);
  assertEquals(referenceIdFromText("GOES"), 0x474f4553);
  assertEquals(referenceIdFromText("~~~~"), 0x7e7e7e7e);
});

test("reference id: printable text comes back", () => {
  const texts = fc.array(fc.integer({ min: 0x20, max: 0x7e }), { minLength: 1, maxLength: 4 })
    .map((codes) => String.fromCharCode(...codes));
  fc.assert(
    fc.property(texts, (text) => referenceIdToText(referenceIdFromText(text)) === text),
    runs,
  );
});

test("reference id: what is text gives the same word again, what is not is none", () => {
  fc.assert(
    fc.property(words, (word) => {
      const text = referenceIdToText(word);
      return text === undefined || referenceIdFromText(text) === word;
    }),
    runs,
  );
  assertEquals(referenceIdToText(0), undefined);
  assertEquals(referenceIdToText(0x47005300), undefined); // a zero in the middle
  assertEquals(referenceIdToText(0x4750537f), undefined);
  assertEquals(referenceIdToText(0x47505381), undefined);
  assertEquals(referenceIdToText(0x0a505347), undefined); // would break a line
});

test("reference id: wrong text is refused, by name", () => {
  for (const text of ["", "GPSX1", "GP\n", "GPS\n", "\u00e9", "G\0S", "\u{1f551}"]) {
    assertThrows(() => referenceIdFromText(text), RangeError, JSON.stringify(text));
  }
  assertThrows(() => referenceIdFromText(1 as unknown as string), TypeError, "number");
  assertThrows(() => referenceIdFromText(undefined as unknown as string), TypeError, "undefined");
});

test("reference id: of an IPv4 address, the address", () => {
  assertEquals(referenceIdFromAddress("0.0.0.0"), 0);
  assertEquals(referenceIdFromAddress("255.255.255.255"), 0xffffffff);
  assertEquals(referenceIdFromAddress("127.0.0.1"), 0x7f000001);
  assertEquals(referenceIdFromAddress("::ffff:127.0.0.1"), 0x7f000001);
});

test("reference id: of an IPv6 address, the start of its MD5 digest", () => {
  // An IPv4-mapped address, which these are not, would count as IPv4.
  const addresses = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((bytes) =>
    bytes[0] !== 0
  );
  fc.assert(
    fc.property(addresses, (bytes) => {
      const text = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const address = text.replace(/(.{4})(?!$)/g, "$1:");
      const digest = createHash("md5").update(bytes).digest();
      assertEquals(referenceIdFromAddress(address), digest.readUInt32BE(0), address);
    }),
    runs,
  );
});

test("reference id: the scope of an address does not count", () => {
  assertEquals(referenceIdFromAddress("fe80::1%eth0"), referenceIdFromAddress("fe80::1"));
});

test("reference id: what is no address is refused, by name", () => {
  for (const text of ["", "localhost", "192.0.2", "::1::", "192.0.2.1 "]) {
    assertThrows(() => referenceIdFromAddress(text), TypeError, JSON.stringify(text));
  }
});

test("reference id: as it is written at each stratum", () => {
  assertEquals(formatReferenceId(0x52415445, 0), "RATE");
  assertEquals(formatReferenceId(0, 0), "0x00000000");
  assertEquals(formatReferenceId(0xc0000201, 1), "0xc0000201");
  assertEquals(formatReferenceId(0x47505300, 2), "71.80.83.0");
  assertEquals(formatReferenceId(0xffffffff, 15), "255.255.255.255");
  assertEquals(formatReferenceId(0, 255), "0.0.0.0");
  assertEquals(formatReferenceId(-1, 1), "0xffffffff");
});

test("reference id: what it means at each stratum", () => {
  assertEquals(describeReferenceId(0, 0), "none");
  assertEquals(describeReferenceId(0x52415445, 0).startsWith("rate exceeded"), true);
  assertEquals(describeReferenceId(0x58594247, 0), "unknown kiss code");
  assertEquals(describeReferenceId(0x00000001, 0), "unknown kiss code");
  assertEquals(describeReferenceId(0xfe010203, 2), "a server that smears a leap second");
  assertEquals(describeReferenceId(0x7f000001, 16), "a server at 127.0.0.1, or an IPv6 address");
});
