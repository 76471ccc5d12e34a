import { test } from "node:test";
import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import { Endpoint } from "../../src/transport/endpoint.ts";

test("Endpoint: text, family and port", () => {
  const cases: [string, string, number, string][] = [
    ["192.0.2.1", "192.0.2.1", 4, "192.0.2.1:123"],
    ["::ffff:192.0.2.1", "192.0.2.1", 4, "192.0.2.1:123"],
    ["::FFFF:c000:201", "192.0.2.1", 4, "192.0.2.1:123"],
    ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1", 4, "192.0.2.1:123"],
    ["2001:db8::1", "2001:db8::1", 6, "[2001:db8::1]:123"],
    ["::1", "::1", 6, "[::1]:123"],
    ["fe80::1%eth0", "fe80::1%eth0", 6, "[fe80::1%eth0]:123"],
    ["ntp.example", "ntp.example", 0, "ntp.example:123"],
  ];
  for (const [given, hostname, family, text] of cases) {
    const endpoint = new Endpoint(given, 123);
    assertEquals(endpoint.hostname, hostname);
    assertEquals(endpoint.rawHostname, given);
    assertEquals(endpoint.family, family);
    assertEquals(endpoint.port, 123);
    assertEquals(`${endpoint}`, text);
  }
});

test("Endpoint: bytes follow assign", () => {
  const endpoint = new Endpoint("192.0.2.1", 1);
  assertEquals([...endpoint.bytes.subarray(10)], [255, 255, 192, 0, 2, 1]);
  endpoint.assign("::1", 2);
  assertEquals([...endpoint.bytes], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  assertEquals([endpoint.family, endpoint.port], [6, 2]);
  const { bytes } = endpoint;
  endpoint.assign("::1", 3); // the same address again is not read anew
  assertStrictEquals(endpoint.bytes, bytes);
  assertEquals([endpoint.family, endpoint.port], [6, 3]);
  endpoint.assign("nobody", 3);
  assertEquals(endpoint.family, 0);
});

test("Endpoint: a clone is independent", () => {
  const endpoint = new Endpoint("::ffff:192.0.2.1", 123);
  const clone = endpoint.clone();
  endpoint.assign("2001:db8::1", 1);
  assertEquals(`${clone}`, "192.0.2.1:123");
  assertEquals(clone.rawHostname, "::ffff:192.0.2.1");
});

test("Endpoint: equality is of address and port, however written", () => {
  const equal = (a: string, b: string, port = 123) =>
    new Endpoint(a, 123).equals(new Endpoint(b, port));
  assert(equal("192.0.2.1", "::ffff:192.0.2.1"));
  assert(equal("2001:db8::1", "2001:0DB8:0::1"));
  assertFalse(equal("192.0.2.1", "192.0.2.2"));
  assertFalse(equal("192.0.2.1", "192.0.2.1", 124));
  assertFalse(equal("::192.0.2.1", "192.0.2.1"));
  assert(equal("fe80::1%eth0", "fe80::1%eth0"));
  assert(equal("fe80::1%eth0", "fe80::1")); // some runtimes drop the scope
  assertFalse(equal("fe80::1%eth0", "fe80::1%eth1"));
});
