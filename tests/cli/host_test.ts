import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { readHost } from "../../src/cli/host.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

test("hosts with and without a port", () => {
  const cases: [text: string, hostname: string, port?: number][] = [
    ["pool.ntp.org", "pool.ntp.org"],
    ["pool.ntp.org:12300", "pool.ntp.org", 12300],
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:1", "192.0.2.1", 1],
    ["2001:db8::1", "2001:db8::1"],
    ["::1", "::1"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[::1]:65535", "::1", 65535],
  ];
  for (const [text, hostname, port] of cases) {
    assertEquals(
      readHost(text),
      port === undefined ? { text, hostname } : { text, hostname, port },
    );
  }
});

test("what is no host is refused by name", () => {
  for (const text of ["", ":123", "[]", "[]:123"]) {
    assertThrows(() => readHost(text), UsageError, `"${text}" names no host`);
  }
  for (const text of ["a:b:c", "[::1", "::1]", "[192.0.2.1]:1", "[name]", "::zz", "[::1]x"]) {
    assertThrows(() => readHost(text), UsageError, `"${text}" is no host`);
  }
  for (const text of ["a:", "a:0", "a:65536", "a:x", "a:1.5", "[::1]:-1"]) {
    assertThrows(() => readHost(text), UsageError, `the port in "${text}" is a whole number`);
  }
});
