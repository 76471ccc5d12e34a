import { test } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { checkBindOptions } from "../../src/transport/bind_options.ts";
import type { UdpBindOptions } from "../../src/transport/udp_transport.ts";

const least: UdpBindOptions = { clock: { read() {} }, onDatagram() {} };

function rejected(
  type: new (message: string) => Error,
  options: Record<string, unknown>,
  ...texts: string[]
) {
  const error = assertThrows(() => checkBindOptions({ ...least, ...options }), type);
  for (const text of texts) assertStringIncludes(error.message, text);
}

test("bind options: defaults", () => {
  assertEquals(checkBindOptions(least), {
    hostname: undefined,
    port: 0,
    clock: least.clock,
    onDatagram: least.onDatagram,
    onError: undefined,
    remote: undefined,
    signal: undefined,
    reusePort: false,
    reuseAddress: false,
    ipv6Only: false,
    multicast: false,
  });
});

test("bind options: wrong types are named with their value", () => {
  assertThrows(() => checkBindOptions(undefined as never), TypeError, "undefined");
  assertThrows(() => checkBindOptions(null as never), TypeError, "null");
  rejected(TypeError, { hostname: 123 }, "hostname", "123");
  rejected(TypeError, { port: "123" }, "port", '"123"');
  rejected(TypeError, { port: null }, "port", "null");
  rejected(TypeError, { clock: {} }, "clock", "read");
  rejected(TypeError, { clock: null }, "clock", "null");
  rejected(TypeError, { onDatagram: undefined }, "onDatagram", "undefined");
  rejected(TypeError, { onError: "log" }, "onError", '"log"');
  rejected(TypeError, { remote: "192.0.2.1" }, "remote", "192.0.2.1");
  rejected(TypeError, { remote: { hostname: "192.0.2.1" } }, "remote.port", "undefined");
  rejected(TypeError, { remote: { port: 123 } }, "remote.hostname", "undefined");
  rejected(TypeError, { signal: new AbortController() }, "signal");
  for (const name of ["reusePort", "reuseAddress", "ipv6Only", "multicast"]) {
    rejected(TypeError, { [name]: 1 }, name, "1");
  }
});

test("bind options: what is out of range is named with its value", () => {
  for (const port of [-1, 65536, 1.5, NaN, Infinity]) {
    rejected(RangeError, { port }, "port", `${port}`);
  }
  rejected(RangeError, { hostname: "" }, "hostname");
  rejected(RangeError, { remote: { hostname: "192.0.2.1", port: 0 } }, "remote.port", "0");
  rejected(RangeError, { remote: { hostname: "ntp.example", port: 123 } }, '"ntp.example"');
});

test("bind options: a group has no single peer", () => {
  const remote = { hostname: "192.0.2.1", port: 123 };
  rejected(RangeError, { remote, multicast: true }, "multicast", "192.0.2.1:123");
});

test("bind options: families that do not meet", () => {
  const remote4 = { hostname: "192.0.2.1", port: 123 }, remote6 = { hostname: "::1", port: 123 };
  rejected(RangeError, { hostname: "0.0.0.0", ipv6Only: true }, "ipv6Only", "0.0.0.0");
  rejected(RangeError, { remote: remote4, ipv6Only: true }, "ipv6Only", "192.0.2.1");
  rejected(RangeError, { hostname: "127.0.0.1", remote: remote6 }, "[::1]:123", "127.0.0.1");
  rejected(RangeError, { hostname: "::1", remote: remote4 }, "192.0.2.1:123", "::1");
  for (
    const options of [
      { hostname: "::", remote: remote4 },
      { hostname: "::", remote: remote6, ipv6Only: true },
      { hostname: "0.0.0.0", remote: remote4 },
      { hostname: "localhost", remote: remote4 },
    ]
  ) {
    const checked = checkBindOptions({ ...least, ...options });
    assertEquals(`${checked.remote}`, options.remote === remote4 ? "192.0.2.1:123" : "[::1]:123");
  }
});
