import { test } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { findInterface, systemInterfaces } from "../../src/transport/network_interface.ts";

const listed = {
  lo: [{ address: "127.0.0.1", family: "IPv4" }, { address: "::1", family: "IPv6", scopeid: 0 }],
  eth0: [
    { address: "192.0.2.1", family: "IPv4" },
    { address: "192.0.2.2", family: "IPv4" },
    { address: "2001:db8::1", family: "IPv6", scopeid: 0 },
    { address: "fe80::1", family: "IPv6", scopeid: 2 },
  ],
  wan: [{ address: "198.51.100.1", family: "IPv4" }],
  tun: [{ address: "fe80::1", family: "IPv6", scopeid: 4 }],
  gone: undefined,
};

test("network interfaces: by name and by any address", () => {
  const eth0 = { name: "eth0", zone: "eth0", ipv4: "192.0.2.1", hasIpv6: true };
  for (const text of ["eth0", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:DB8:0::1"]) {
    const { zone: _, ...found } = findInterface(text, listed);
    assertEquals({ zone: "eth0", ...found }, eth0, text);
  }
  // Of several IPv4 addresses, the one that was named.
  assertEquals(findInterface("192.0.2.2", listed).ipv4, "192.0.2.2");
});

test("network interfaces: the scope tells those with one link-local address apart", () => {
  for (const name of ["eth0", "tun"]) {
    assertEquals(findInterface(`fe80::1%${name}`, listed).name, name);
  }
  assertThrows(() => findInterface("fe80::1%wan", listed), NTPError, "fe80::1%wan");
});

test("network interfaces: the families that each has", () => {
  assertEquals(findInterface("wan", listed).hasIpv6, false);
  assertEquals(findInterface("tun", listed).ipv4, undefined);
});

test("network interfaces: an unknown one is told with those there are", () => {
  for (const text of ["eth1", "192.0.2.3", "2001:db8::2", "%eth0", "eth0%"]) {
    const error = assertThrows(() => findInterface(text, listed), NTPError, text);
    assertEquals(error.code, "address-unavailable");
    assertStringIncludes(error.message, "lo, eth0, wan, tun");
  }
  assertThrows(() => findInterface("eth0", {}), NTPError, "none");
});

test("network interfaces: those of this machine", async () => {
  const find = await systemInterfaces();
  assertEquals(find("127.0.0.1").ipv4, "127.0.0.1");
  assertThrows(() => find("203.0.113.77"), NTPError, "203.0.113.77");
});
