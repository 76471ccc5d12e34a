import { test } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { formatIpAddress, parseIpAddress } from "../../src/packet/mod.ts";
import { type AccessAction, AccessList, type AccessRule } from "../../src/server/access.ts";

function bytesOf(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  parseIpAddress(address, bytes);
  return bytes;
}

function actionFor(rules: AccessRule[], address: string, otherwise?: AccessAction): AccessAction {
  return new AccessList(rules, otherwise).actionFor(bytesOf(address));
}

test("without rules all are answered", () => {
  assertEquals(actionFor([], "192.0.2.1"), "allow");
  assertEquals(actionFor([], "2001:db8::1"), "allow");
});

test("rules that only refuse leave the others alone", () => {
  const rules: AccessRule[] = [
    { prefix: "192.0.2.0/24", action: "deny" },
    { prefix: "2001:db8::/32", action: "kod" },
  ];
  assertEquals(actionFor(rules, "192.0.2.255"), "deny");
  assertEquals(actionFor(rules, "192.0.3.0"), "allow");
  assertEquals(actionFor(rules, "192.0.1.255"), "allow");
  assertEquals(actionFor(rules, "2001:db8:ffff::"), "kod");
  assertEquals(actionFor(rules, "2001:db9::"), "allow");
});

test("rules that allow something refuse the rest, unless told otherwise", () => {
  for (const action of ["allow", "limited", "require-auth"] as const) {
    const rules: AccessRule[] = [{ prefix: "10.0.0.0/8", action }];
    assertEquals(actionFor(rules, "10.255.255.255"), action);
    assertEquals(actionFor(rules, "11.0.0.0"), "deny");
    assertEquals(actionFor(rules, "::1"), "deny");
    assertEquals(actionFor(rules, "11.0.0.0", "kod"), "kod");
  }
});

test("the longest prefix decides, whatever the order of the rules", () => {
  const rules: AccessRule[] = [
    { prefix: "192.0.2.77", action: "allow" },
    { prefix: "192.0.2.64/26", action: "deny" },
    { prefix: "192.0.0.0/16", action: "limited" },
    { prefix: "0.0.0.0/0", action: "kod" },
  ];
  for (const ordered of [rules, [...rules].reverse()]) {
    assertEquals(actionFor(ordered, "192.0.2.77"), "allow");
    assertEquals(actionFor(ordered, "192.0.2.76"), "deny");
    assertEquals(actionFor(ordered, "192.0.2.128"), "limited");
    assertEquals(actionFor(ordered, "203.0.113.1"), "kod");
    assertEquals(actionFor(ordered, "2001:db8::1"), "deny");
  }
});

test("an IPv4 rule covers the IPv4-mapped form, and only that", () => {
  const rules: AccessRule[] = [{ prefix: "0.0.0.0/0", action: "deny" }];
  assertEquals(actionFor(rules, "::ffff:192.0.2.1"), "deny");
  assertEquals(actionFor(rules, "::fffe:ffff:ffff"), "allow");
  assertEquals(actionFor(rules, "::1:0:0:0"), "allow");
});

test("an IPv6 rule covers no IPv4 address, though IPv4 is kept in its IPv4-mapped form", () => {
  for (const prefix of ["::/0", "::/64"]) {
    assertEquals(actionFor([{ prefix, action: "allow" }], "192.0.2.1"), "deny");
    assertEquals(actionFor([{ prefix, action: "allow" }], "::1"), "allow");
    assertEquals(actionFor([{ prefix, action: "deny" }], "192.0.2.1"), "allow");
    assertEquals(actionFor([{ prefix, action: "deny" }], "::1"), "deny");
    const both: AccessRule[] = [
      { prefix, action: "kod" },
      { prefix: "0.0.0.0/0", action: "allow" },
    ];
    assertEquals(actionFor(both, "192.0.2.1"), "allow");
    assertEquals(actionFor(both, "::1"), "kod");
  }
});

test("a rule that reaches the last address of all", () => {
  const rules: AccessRule[] = [
    { prefix: "ff00::/8", action: "deny" },
    { prefix: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", action: "kod" },
  ];
  assertEquals(actionFor(rules, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "kod");
  assertEquals(actionFor(rules, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"), "deny");
  assertEquals(actionFor(rules, "feff::"), "allow");
});

test("prefixes end on any bit (CVE-2015-1821): the first and last address of each length", () => {
  for (let length = 1; length <= 128; length++) {
    const first = new Uint8Array(16).map((_, i) => length > 8 * i + 7 ? 0xa5 : 0);
    first[0] = 0xa5 & (0xff << Math.max(0, 8 - length));
    const rules: AccessRule[] = [{ prefix: `${formatIpAddress(first)}/${length}`, action: "deny" }];
    const last = first.map((byte, i) => {
      const hostBits = Math.min(8, Math.max(0, 8 * (i + 1) - length));
      return byte | (2 ** hostBits - 1);
    });
    const access = new AccessList(rules);
    assertEquals(access.actionFor(first), "deny", `/${length}`);
    assertEquals(access.actionFor(last), "deny", `/${length}`);
    const before = Uint8Array.from(first), behind = Uint8Array.from(last);
    for (let i = 15; i >= 0 && before[i]!-- === 0; i--);
    for (let i = 15; i >= 0 && behind[i]!++ === 255; i--);
    assertEquals(access.actionFor(before), "allow", `/${length}`);
    assertEquals(access.actionFor(behind), "allow", `/${length}`);
  }
});

test("as a look at every rule would decide", () => {
  // Few bits, near each other, so that prefixes nest and touch.
  const prefix = fc.record({ low: fc.nat(255), length: fc.integer({ min: 24, max: 32 }) }).map(
    ({ low, length }) => ({ start: low & (0xff << (32 - length)), length }),
  );
  const action = fc.constantFrom<AccessAction>("allow", "limited", "require-auth", "kod", "deny");
  const rules = fc.uniqueArray(fc.tuple(prefix, action), {
    selector: ([{ start, length }]) => `${start}/${length}`,
    maxLength: 12,
  });
  fc.assert(
    fc.property(rules, (rules) => {
      const access = new AccessList(
        rules.map(([{ start, length }, action]) => ({
          prefix: `192.0.2.${start}/${length}`,
          action,
        })),
        "kod",
      );
      for (let low = 0; low < 256; low++) {
        let expected: AccessAction = "kod", longest = 0;
        for (const [{ start, length }, action] of rules) {
          const within = (low & (0xff << (32 - length)) & 0xff) === start;
          if (within && length > longest) [expected, longest] = [action, length];
        }
        assertEquals(access.actionFor(bytesOf(`192.0.2.${low}`)), expected);
      }
      assertEquals(access.actionFor(bytesOf("192.0.3.0")), "kod");
    }),
    { numRuns: 200 },
  );
});

test("what is no prefix is refused before anything starts, by name", () => {
  const refused: [string, string][] = [
    ["192.0.2.0/33", "prefix length"],
    ["2001:db8::/129", "prefix length"],
    ["192.0.2.0/", "prefix length"],
    ["192.0.2.0/-1", "prefix length"],
    ["192.0.2.0/8x", "prefix length"],
    ["192.0.2.1/24", "192.0.2.0/24"],
    ["2001:db8::1/64", "2001:db8::/64"],
    ["192.0.2/24", "not a prefix"],
    ["192.0.2.0/24/24", "not a prefix"],
    ["fe80::%eth0/64", "not a prefix"],
    ["example.com", "not a prefix"],
    ["", "not a prefix"],
  ];
  for (const [prefix, hint] of refused) {
    const rules: AccessRule[] = [{ prefix: "::1", action: "allow" }, { prefix, action: "deny" }];
    const { message } = assertThrows(() => new AccessList(rules), RangeError);
    assertStringIncludes(message, "access rule 2");
    assertStringIncludes(message, hint);
  }
});

test("two rules for one prefix are refused, however they are written", () => {
  const rules: AccessRule[] = [
    { prefix: "2001:DB8::/32", action: "allow" },
    { prefix: "10.0.0.0/8", action: "allow" },
    { prefix: "2001:0db8:0::/32", action: "deny" },
  ];
  assertStringIncludes(assertThrows(() => new AccessList(rules), RangeError).message, "2001:");
});

test("an action that does not exist is refused", () => {
  const rules = [{ prefix: "::1", action: "refuse" as AccessAction }];
  assertStringIncludes(assertThrows(() => new AccessList(rules), TypeError).message, "refuse");
});
