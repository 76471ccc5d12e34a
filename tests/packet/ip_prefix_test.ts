import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { formatIpAddress, parseIpAddress } from "../../src/packet/ip_address.ts";
import {
  type IpPrefix,
  maskByte,
  parseIpPrefix,
  prefixContains,
} from "../../src/packet/ip_prefix.ts";

function prefixOf(text: string): IpPrefix {
  const prefix = parseIpPrefix(text);
  assert(typeof prefix !== "string", `${text} ${prefix}`);
  return prefix;
}

function bytesOf(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  assert(parseIpAddress(address, bytes) !== 0);
  return bytes;
}

test("prefixes of both families, and addresses alone", () => {
  const cases: [text: string, first: string, length: number][] = [
    ["192.0.2.0/24", "192.0.2.0", 120],
    ["192.0.2.1", "192.0.2.1", 128],
    ["0.0.0.0/0", "0.0.0.0", 96],
    ["2001:db8::/32", "2001:db8::", 32],
    ["::1", "::1", 128],
    ["::/0", "::", 0],
    ["::ffff:192.0.2.0/120", "192.0.2.0", 120],
  ];
  for (const [text, first, length] of cases) {
    const prefix = prefixOf(text);
    assertEquals([formatIpAddress(prefix.bytes), prefix.length], [first, length], text);
  }
});

test("which addresses are in a prefix", () => {
  const cases: [prefix: string, within: string[], outside: string[]][] = [
    ["192.0.2.128/25", ["192.0.2.128", "::ffff:192.0.2.255"], ["192.0.2.127", "192.0.3.128"]],
    ["192.0.2.1", ["192.0.2.1"], ["192.0.2.0", "2001:db8::1"]],
    ["0.0.0.0/0", ["1.2.3.4", "255.255.255.255"], ["::1", "::fffe:102:304"]],
    ["2001:db8:8000::/33", ["2001:db8:ffff::1"], ["2001:db8:7fff::1", "2001:db9:8000::"]],
    ["::/0", ["::", "ff02::101"], ["1.2.3.4", "::ffff:1.2.3.4"]],
  ];
  for (const [text, within, outside] of cases) {
    for (const address of within) assert(prefixContains(prefixOf(text), bytesOf(address)), address);
    for (const address of outside) {
      assert(!prefixContains(prefixOf(text), bytesOf(address)), address);
    }
  }
});

test("a prefix of any length holds what differs from it behind that, and nothing else", () => {
  const address = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(address, fc.integer({ min: 0, max: 128 }), fc.nat(127), (start, length, bit) => {
      const bytes = start.map((byte, at) => byte & maskByte(length, at));
      const other = start.slice();
      other[bit >> 3]! ^= 0x80 >> (bit & 7);
      assert(prefixContains({ bytes, length }, start));
      assertEquals(prefixContains({ bytes, length }, other), bit >= length);
    }),
  );
});

test("what is no prefix is said", () => {
  const cases: [text: string, fault: string][] = [
    ["192.0.2.0/33", "0 to 32"],
    ["2001:db8::/129", "0 to 128"],
    ["192.0.2.0/", "prefix length"],
    ["192.0.2.0/-1", "prefix length"],
    ["192.0.2.1/24", "192.0.2.0/24"],
    ["2001:db8::1/64", "2001:db8::/64"],
    ["192.0.2/24", "not a prefix"],
    ["192.0.2.0/24/24", "not a prefix"],
    ["fe80::%eth0/64", "not a prefix"],
    ["", "not a prefix"],
  ];
  for (const [text, fault] of cases) {
    const said = parseIpPrefix(text);
    assert(typeof said === "string", text);
    assertStringIncludes(said, fault);
  }
});
