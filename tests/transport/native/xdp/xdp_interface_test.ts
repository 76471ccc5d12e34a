import { test } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { NTPError } from "../../../../src/packet/error.ts";
import { SystemCallError } from "../../../../src/transport/native/linux.ts";
import { xdpAdapter } from "../../../../src/transport/native/xdp/bind_xdp.ts";
import { xdpError } from "../../../../src/transport/native/xdp/xdp_error.ts";
import {
  chooseInterface,
  redirectRule,
  type XdpAddress,
  type XdpInterfaces,
} from "../../../../src/transport/native/xdp/xdp_interface.ts";
import { addressBytes } from "./frames.ts";

function address(text: string, netmask: string, internal = false): XdpAddress {
  const family = text.includes(":") ? "IPv6" : "IPv4";
  return { address: text, family, netmask, internal, mac: "02:00:00:00:00:01" };
}

const lo = [address("127.0.0.1", "255.0.0.0", true), address("::1", "ffff::", true)];
const eth0 = [address("192.0.2.130", "255.255.255.128"), address("2001:db8::1", "ffff::")];
const eth1 = [address("198.51.100.1", "255.255.255.0")];

/** Code and message of what is thrown. */
function thrown(body: () => unknown): string {
  const { code, message } = assertThrows(body, NTPError);
  return `${code}: ${message}`;
}

test("AF_XDP: the interface that is named, that has the address, or that is alone", () => {
  const all: XdpInterfaces = { lo, eth0, eth1 };
  assertEquals(chooseInterface("198.51.100.1", undefined, all), "eth1");
  assertEquals(chooseInterface("::", "eth1", all), "eth1");
  assertEquals(chooseInterface("::", "2001:db8::1", all), "eth0");
  assertEquals(chooseInterface("0.0.0.0", undefined, { lo, eth0 }), "eth0");
  assertEquals(chooseInterface("::", undefined, { lo, eth0 }), "eth0");
});

test("AF_XDP: no interface, too many, or loopback", () => {
  const all: XdpInterfaces = { lo, eth0, eth1 };
  assertMatch(
    thrown(() => chooseInterface("::", undefined, all)),
    /^address-.*: .*eth0, eth1: name/,
  );
  assertMatch(thrown(() => chooseInterface("::", undefined, { lo })), /^address-.*: There is no/);
  assertMatch(thrown(() => chooseInterface("::", "eth7", all)), /^address-.*eth7/);
  for (
    const [hostname, asked] of [["127.0.0.1", undefined], ["::1", undefined], ["::", "lo"]] as const
  ) {
    assertMatch(thrown(() => chooseInterface(hostname, asked, all)), /^unsupported: .*loopback/);
  }
});

test("AF_XDP: what is taken is what is bound, or all that the interface has", () => {
  const both = [4, 6] as const;
  const rule = redirectRule("::", 123, eth0, both);
  assertEquals(rule.addresses, ["192.0.2.130", "2001:db8::1"].map(addressBytes));
  assertEquals(rule.broadcasts, [addressBytes("192.0.2.255")]);
  assertEquals(rule.mac, Uint8Array.of(2, 0, 0, 0, 0, 1));
  assertEquals(redirectRule("::", 123, eth0, [6]).addresses, [addressBytes("2001:db8::1")]);
  assertEquals(redirectRule("0.0.0.0", 123, eth0, [4]).addresses, [addressBytes("192.0.2.130")]);
  const one = redirectRule("203.0.113.7", 123, eth0, [4]);
  assertEquals(one.addresses, [addressBytes("203.0.113.7")]); // of a VLAN's interface, say
  assertEquals(redirectRule("::", 123, [], both).addresses, []);
  const none = [{ ...eth1[0]!, mac: "00:00:00:00:00:00" }];
  assertEquals(redirectRule("::", 123, none, both).mac, undefined);
});

test("AF_XDP: options of a wrong type or value are refused", () => {
  const wrong = (options: unknown) => () => xdpAdapter(options as { zeroCopy: boolean });
  assertThrows(wrong(null), TypeError, "object");
  assertThrows(wrong({ networkInterface: 7 }), TypeError, "networkInterface");
  assertThrows(wrong({ mode: "fast" }), RangeError, "mode");
  assertThrows(wrong({ zeroCopy: 1 }), TypeError, "zeroCopy");
});

test("AF_XDP: errors name what is missing, and the remedy", () => {
  const cases: [string, number, string, RegExp][] = [
    ["socket", 1, "permission", /needs CAP_NET_RAW: run as root.*setcap/],
    ["bpf BPF_MAP_CREATE", 1, "permission", /needs CAP_BPF.*ulimit -l/],
    ["bpf BPF_PROG_LOAD", 1, "permission", /needs CAP_BPF and CAP_NET_ADMIN/],
    ["bpf BPF_LINK_CREATE", 1, "permission", /needs CAP_NET_ADMIN/],
    ["bpf BPF_LINK_CREATE", 16, "address-in-use", /another program is attached.*eth0 xdp off/],
    ["bpf BPF_LINK_CREATE", 17, "address-in-use", /eth0 xdp off/],
    ["bind", 16, "address-in-use", /receive queue/],
    ["bind", 19, "address-unavailable", /has gone/],
    ["sendto", 100, "address-unavailable", /is down/],
    ["setsockopt XDP_UMEM_REG", 105, "system", /ulimit -l/],
    ["socket", 97, "unsupported", /CONFIG_XDP_SOCKETS/],
    ["bpf BPF_LINK_CREATE", 95, "unsupported", /Linux 5\.9/],
    ["bind", 5, "system", /system call/],
  ];
  for (const [call, errno, code, text] of cases) {
    const error = xdpError(new SystemCallError(call, errno), "eth0") as NTPError;
    assertEquals(error.code, code, call);
    assertMatch(error.message, text);
    assertStringIncludes(error.message, `AF_XDP on eth0: `);
  }
  const other = new NTPError("closed", "as it was");
  assertEquals(xdpError(other, "eth0"), other);
});
