import { isIP } from "node:net";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatIpAddress, isLinkLocal, parseIpAddress } from "../../src/packet/ip_address.ts";

const runs = { numRuns: 5000 };

/** 16 bytes with runs of zeros, as addresses have them, and often IPv4-mapped. */
const addresses = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.array(fc.oneof(fc.constant(0), fc.constant(0), fc.nat(255)), { minLength: 16, maxLength: 16 })
    .map((bytes) => Uint8Array.from(bytes)),
  fc.uint8Array({ minLength: 4, maxLength: 4 })
    .map((bytes) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...bytes])),
);

function parse(text: string): [family: number, bytes: Uint8Array] {
  const bytes = new Uint8Array(16).fill(0xaa); // what it held before must not matter
  return [parseIpAddress(text, bytes), bytes];
}

/** Both ways through the text: what the canonical form is. */
function canonical(text: string): string {
  const [family, bytes] = parse(text);
  return family === 0 ? "none" : formatIpAddress(bytes);
}

test("ip address: any 16 bytes come back from their text, which the platform knows too", () => {
  fc.assert(
    fc.property(addresses, (bytes) => {
      const text = formatIpAddress(bytes);
      const [family, back] = parse(text);
      assertEquals(back, bytes);
      assertEquals(family, isIP(text));
      assertEquals(formatIpAddress(back), text);
    }),
    runs,
  );
});

test("ip address: the full form means the same as the short one", () => {
  fc.assert(
    fc.property(addresses, (bytes) => {
      const groups = Array.from(
        { length: 8 },
        (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16),
      );
      const forms = [
        groups.join(":"),
        groups.map((group) => group.padStart(4, "0").toUpperCase()).join(":"),
        `${groups.slice(0, 6).join(":")}:${bytes.slice(12).join(".")}`,
      ];
      for (const form of forms) assertEquals(parse(form)[1], bytes);
    }),
    runs,
  );
});

test("ip address: text as RFC 5952 §4 and §5 want it", () => {
  assertEquals(canonical("2001:0db8::0001"), "2001:db8::1"); // leading zeros
  assertEquals(canonical("2001:db8:0:0:0:0:2:1"), "2001:db8::2:1"); // as short as possible
  assertEquals(canonical("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1"); // not for one group
  assertEquals(canonical("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1"); // the longest run
  assertEquals(canonical("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1"); // the first of two
  assertEquals(canonical("2001:DB8::ABCD"), "2001:db8::abcd"); // lower case
  assertEquals(canonical("::ffff:c000:201"), "192.0.2.1"); // IPv4-mapped: the address itself
  assertEquals(canonical("0:0:0:0:0:0:0:0"), "::");
  assertEquals(canonical("0:0:0:0:0:0:0:1"), "::1");
  assertEquals(canonical("1:0:0:0:0:0:0:0"), "1::");
});

test("ip address: families", () => {
  for (const text of ["0.0.0.0", "255.255.255.255", "::ffff:0:0", "::FFFF:192.0.2.1"]) {
    assertEquals(parse(text)[0], 4, text);
  }
  for (
    const text of [
      "::",
      "::1",
      "::192.0.2.1", // IPv4-compatible (RFC 4291 §2.5.5.1) is not IPv4-mapped
      "64:ff9b::192.0.2.1",
      "::fffe:192.0.2.1",
      "1:2:3:4:5:6:7::",
      "::2:3:4:5:6:7:8",
      "1:2:3:4:5:6:1.2.3.4",
      "1::1.2.3.4",
    ]
  ) {
    assertEquals(parse(text)[0], 6, text);
  }
});

test("ip address: what is none", () => {
  for (
    const text of [
      "",
      " ",
      ".",
      "...",
      "1",
      "1.2.3",
      "1.2.3.",
      ".1.2.3",
      "1..2.3",
      "1.2.3.4.",
      "1.2.3.4.5",
      "256.0.0.1",
      "1.2.3.256",
      "1.2.3.1000",
      "01.2.3.4", // octal to some
      "00.0.0.0",
      "1.2.3.04",
      "0x7f.0.0.1",
      "1.2.3.a",
      "1.2.3.-4",
      "+1.2.3.4",
      " 1.2.3.4",
      "1.2.3.4 ",
      "1.2.3.4\n",
      "1.2.3.4/32",
      "1.2.3.4%eth0", // scopes are of IPv6
      "2130706433",
      ":",
      ":::",
      "::::",
      ":1",
      "1:",
      ":1::",
      "1::2:",
      "1:::2",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:",
      ":2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7:8:",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::", // :: for nothing
      "::1:2:3:4:5:6:7:8",
      "1::2:3:4:5:6:7:8",
      "12345::",
      "00001::",
      "g::",
      "::-1",
      "::1 ",
      " ::1",
      "[::1]",
      "::1/128",
      "::1.2.3",
      "::1.2.3.4.5",
      "::1.2.3.256",
      "::01.2.3.4",
      "::a.2.3.4",
      "1.2.3.4::",
      "::1.2.3.4:5",
      "1:2:3:4:5:6:7:1.2.3.4",
      "1:2:3:4:5:1.2.3.4",
      "%",
      "%eth0",
      "::1%",
      ":%:",
      "1%:2::",
      "１.2.3.4", // digits of another script
      "localhost",
    ]
  ) {
    assertEquals(parse(text)[0], 0, JSON.stringify(text));
  }
});

test("ip address: a scope is allowed behind IPv6, and not kept", () => {
  assertEquals(parse("fe80::1%eth0"), parse("fe80::1"));
  assertEquals(parse("fe80::1%25"), parse("fe80::1"));
  assertEquals(parse("::ffff:192.0.2.1%eth0"), parse("192.0.2.1"));
});

test("ip address: mutated text is an address exactly when the platform says so", () => {
  const edits = fc.array(
    fc.record({
      at: fc.nat(45),
      what: fc.constantFrom(..."0123456789afAFg:::...%/ x-"),
      how: fc.constantFrom("insert", "remove", "replace"),
    }),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(addresses, fc.boolean(), edits, (bytes, mapped, changes) => {
      let text = (mapped ? "::ffff:" : "") + formatIpAddress(bytes);
      for (const { at, what, how } of changes) {
        const end = how === "insert" ? at : at + 1;
        text = text.slice(0, at) + (how === "remove" ? "" : what) + text.slice(end);
      }
      // The one difference: a platform has its own idea of which characters a scope may have.
      const [head, scope] = text.split(/%(.*)/s);
      const known = isIP(scope ? `${head}%x` : text);
      assertEquals(parse(text)[0] !== 0, known !== 0, JSON.stringify(text));
    }),
    runs,
  );
});

test("ip address: only 16 bytes are written, and a longer buffer serves as well", () => {
  for (const text of ["192.0.2.1", "2001:db8::1", "1:2:3:4:5:6:7:8:9", "::1:2:3:4:5:6:7:8"]) {
    const buffer = new Uint8Array(20).fill(0xaa);
    parseIpAddress(text, buffer);
    assertEquals(buffer.subarray(16), new Uint8Array(4).fill(0xaa), text);
  }
});

test("ip address: those of one link", () => {
  const bytes = new Uint8Array(16);
  for (
    const [text, expected] of [
      ["fe80::1", true],
      ["febf::1", true],
      ["fe7f::1", false],
      ["fec0::1", false],
      ["ff02::1", false],
      ["169.254.0.1", false],
      ["254.128.0.1", false],
    ] as const
  ) {
    parseIpAddress(text, bytes);
    assertEquals(isLinkLocal(bytes), expected, text);
  }
});
