import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { Multicast } from "../../src/transport/multicast.ts";

/** The groups of a socket whose system refuses with the code that the test says. */
function scripted(hostname: string) {
  const calls: string[] = [];
  const script: { code?: string } = {};
  const call = (...args: unknown[]) => {
    calls.push(args.filter((one) => one !== undefined).join(" "));
    if (script.code !== undefined) throw Object.assign(new Error("of the system"), script);
  };
  const socket = {
    addMembership: (group: string, via?: string) => call("join", group, via),
    dropMembership: (group: string, via?: string) => call("leave", group, via),
    setMulticastTTL: (hopLimit: number) => call("hops", hopLimit),
    setMulticastLoopback: (loopback: boolean) => call("loopback", loopback),
    setMulticastInterface: (via: string) => call("via", via),
  };
  const interfaces: Record<string, { ipv4?: string; hasIpv6: boolean }> = {
    eth0: { ipv4: "192.0.2.1", hasIpv6: true },
    v4only: { ipv4: "198.51.100.1", hasIpv6: false },
    v6only: { hasIpv6: true },
  };
  const find = (name: string) => {
    const { ipv4, hasIpv6 } = interfaces[name]!;
    return { name, zone: name, ipv4, hasIpv6 };
  };
  return { groups: new Multicast(socket, hostname, find, false), calls, script };
}

function codeOf(body: () => void, ...texts: string[]): string {
  const error = assertThrows(body, NTPError);
  for (const text of texts) assertStringIncludes(error.message, text);
  return error.code;
}

test("multicast: each family has its name of an interface", () => {
  const ipv4 = scripted("0.0.0.0"), ipv6 = scripted("::");
  ipv4.groups.join("224.0.1.1", "eth0");
  ipv4.groups.join("::ffff:224.0.1.2", undefined);
  ipv4.groups.configure({ networkInterface: "eth0" });
  assertEquals(ipv4.calls, ["join 224.0.1.1 192.0.2.1", "join 224.0.1.2", "via 192.0.2.1"]);
  ipv6.groups.join("FF02:0::101%eth0", undefined);
  ipv6.groups.leave("ff02::101", "eth0");
  ipv6.groups.configure({ hopLimit: 5, loopback: false, networkInterface: "eth0" });
  assertEquals(ipv6.calls, [
    "join ff02::101 ::%eth0",
    "leave ff02::101 ::%eth0",
    "hops 5",
    "loopback false",
    "via ::%eth0",
  ]);
});

test("multicast: an interface that lacks the family", () => {
  const ipv4 = scripted("0.0.0.0"), ipv6 = scripted("::");
  for (
    const body of [
      () => ipv4.groups.join("224.0.1.1", "v6only"),
      () => ipv4.groups.configure({ hopLimit: 5, networkInterface: "v6only" }),
    ]
  ) assertEquals(codeOf(body, "v6only", "IPv4", "family: 6"), "address-unavailable");
  const body = () => ipv6.groups.join("ff02::101%v4only", undefined);
  assertEquals(codeOf(body, "v4only", "IPv6", "family: 4"), "address-unavailable");
  assertEquals([...ipv4.calls, ...ipv6.calls], []);
});

test("multicast: joined again is joined, whatever the system says of it", () => {
  for (const code of ["EADDRINUSE", "EINVAL"]) {
    const { groups, calls, script } = scripted("0.0.0.0");
    groups.join("224.0.1.1", "eth0");
    script.code = code;
    groups.join("224.0.1.1", "eth0"); // and asks, since an interface may have come back
    assertEquals(calls.length, 2);
  }
});

test("multicast: without a route", () => {
  for (const code of ["ENODEV", "EINVAL", "ENETUNREACH", "EADDRNOTAVAIL"]) {
    for (
      const [hostname, group, remedy] of [
        ["0.0.0.0", "224.0.1.1", "ip route add 224.0.0.0/4 dev"],
        ["::", "ff05::101", "ip -6 route add multicast ff00::/8 dev"],
      ] as const
    ) {
      const { groups, script } = scripted(hostname);
      script.code = code;
      const join = () => groups.join(group, undefined);
      assertEquals(codeOf(join, group, code, remedy), "unreachable");
      script.code = "EINVAL"; // it is not taken for joined
      assertThrows(join, NTPError);
    }
  }
});

test("multicast: what else keeps from joining", () => {
  const { groups, script } = scripted("0.0.0.0");
  const join = () => groups.join("224.0.1.1", "eth0");
  script.code = "ENOBUFS";
  assertEquals(codeOf(join, "igmp_max_memberships", "224.0.1.1"), "system");
  script.code = "EINVAL";
  assertEquals(codeOf(join, "224.0.1.1", "eth0", "of the system"), "system");
  const configure = () => groups.configure({ hopLimit: 2 });
  assertEquals(codeOf(configure, "of the system"), "system");
});

test("multicast: an NTPError of the socket stays as it is", () => {
  const error = new NTPError("unsupported", "said already");
  const socket = {
    addMembership() {},
    dropMembership() {},
    setMulticastTTL() {
      throw error;
    },
    setMulticastLoopback() {},
    setMulticastInterface() {},
  };
  const groups = new Multicast(socket, "::", (name) => ({
    name,
    zone: name,
    ipv4: undefined,
    hasIpv6: true,
  }));
  assertStrictEquals(assertThrows(() => groups.configure({ hopLimit: 2 })), error);
});

test("multicast: a group is joined either on named interfaces or where routes lead", () => {
  const { groups, calls } = scripted("0.0.0.0");
  groups.join("224.0.1.1", undefined);
  assertThrows(() => groups.join("224.0.1.1", "eth0"), RangeError, "without naming");
  groups.join("224.0.1.11", "eth0"); // another group is another matter
  groups.leave("224.0.1.1", undefined);
  groups.join("224.0.1.1", "eth0");
  groups.join("224.0.1.1", "v4only");
  groups.leave("224.0.1.1", "eth0");
  assertThrows(() => groups.join("224.0.1.1", undefined), RangeError, "on named");
  assertEquals(calls.length, 6);
});

test("multicast: leaving", () => {
  const { groups, calls, script } = scripted("::");
  groups.leave("ff05::101", "eth0");
  assertEquals(calls, []); // it was not joined

  groups.join("ff05::101", "eth0");
  script.code = "EADDRNOTAVAIL"; // the interface was away, and with it the membership
  groups.leave("ff05::101", "eth0");
  groups.leave("ff05::101", "eth0");
  assertEquals(calls.length, 2);

  delete script.code;
  groups.join("ff05::101", undefined);
  script.code = "ENODEV"; // it is still joined, but nobody can say where
  const leave = () => groups.leave("ff05::101", undefined);
  for (let i = 0; i < 2; i++) assertEquals(codeOf(leave, "ff05::101"), "unreachable");
});

test("multicast: the scope of a destination must exist", () => {
  const { groups } = scripted("::");
  groups.checkScope("ff02::101");
  groups.checkScope("ff02::101%eth0");
  assertThrows(() => groups.checkScope("ff02::101%v4only"), NTPError, "v4only");
  assertThrows(() => groups.checkScope("ff02::101%"), RangeError);
});
