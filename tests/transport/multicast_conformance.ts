// The suite for multicast and broadcast that every adapter passes. Without privileges: IPv4 goes over
// the loopback interface, and IPv6, for which that has no route, to groups of scope 1, which leave no
// machine (RFC 4291 §2.7). What takes a wire is in multicast_wire_test.ts.
import { networkInterfaces } from "node:os";
import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { UdpBindOptions, UdpTransport } from "../../src/transport/udp_transport.ts";
import { type Adapter, type Bind, type Check, checksOf } from "./adapter.ts";
import { Inbox } from "./inbox.ts";

const interfaces = Object.entries(networkInterfaces());
const loopback = interfaces.find(([, list]) => list?.some(({ address }) => address === "127.0.0.1"))
  ?.[0];
const withIpv6 = interfaces.find(([name, list]) =>
  name !== loopback && list?.some(({ family }) => family === "IPv6")
)?.[0];

/** Everybody on the network of the loopback interface. */
const BROADCAST = "127.255.255.255";

/** A group of the port's own: on Linux a socket hears what any other of the machine has joined. */
function groupOf({ port }: UdpTransport, first: string): string {
  return first.includes(":")
    ? `${first}${port.toString(16)}`
    : `${first}.${port >> 8}.${port & 255}`;
}

function codeOf(body: () => void, ...texts: string[]): string {
  const error = assertThrows(body, NTPError);
  for (const text of texts) assertStringIncludes(error.message, text);
  return error.code;
}

/** A socket that collects, and one that sends to it, both able to do all that groups take. */
async function pair(bind: Bind, options: Partial<UdpBindOptions> = {}) {
  const inbox = new Inbox(), senderInbox = new Inbox();
  const receiver = await bind(inbox.options({ multicast: true, ...options }));
  const sender = await bind(senderInbox.options({ multicast: true, ...options }));
  const send = (byte: number, hostname: string) =>
    void sender.send(Uint8Array.of(byte), new Endpoint(hostname, receiver.port));
  /** A datagram arrives that is sent there. */
  const arrives = async (hostname: string): Promise<void> => {
    const before = inbox.received.length;
    send(1, hostname);
    await inbox.count(before + 1);
    assertEquals(inbox.firstBytes.slice(before), [1]);
  };
  /** None arrives: what is sent later, and straight to the receiver, is the first. */
  const staysAway = async (hostname: string): Promise<void> => {
    const before = inbox.received.length;
    send(2, hostname);
    send(3, hostname.includes(":") ? "::1" : "127.0.0.1");
    await inbox.count(before + 1);
    assertEquals(inbox.firstBytes.slice(before), [3]);
  };
  return { inbox, senderInbox, receiver, sender, arrives, staysAway };
}

/** The suite for one adapter. */
export function multicastConformance(adapter: Adapter): Check[] {
  const { checks, check } = checksOf(adapter);
  const isVirtual = adapter.virtual ? "has no machine around it" : false;
  const lacks = !adapter.honours.includes("multicast") && "it has no multicast";
  const noIpv6 = !adapter.virtual && withIpv6 === undefined &&
    "no network interface but the loopback has IPv6";
  const lo = loopback ?? "lo", other = withIpv6 ?? "eth0";

  for (const hostname of ["0.0.0.0", "::"]) {
    const noDual = hostname === "::" ? noIpv6 : false;

    check(`an IPv4 group is heard on ${hostname} from joining to leaving`, async (bind) => {
      const { receiver, sender, arrives, staysAway } = await pair(bind, { hostname });
      assertEquals([receiver.hostname, receiver.kind], [hostname, adapter.kind]);
      const group = groupOf(receiver, "239.255");
      sender.configureMulticast({ networkInterface: lo });
      await staysAway(group);
      receiver.joinGroup(group, lo);
      await arrives(group);
      receiver.joinGroup(group, lo); // harmless
      await arrives(group);
      receiver.leaveGroup(group, lo);
      await staysAway(group);
      receiver.leaveGroup(group, lo); // harmless
      receiver.joinGroup(group, lo);
      await arrives(group);
    }, lacks || noDual);

    check(`broadcasts, heard on ${hostname}, must be allowed`, async (bind) => {
      const inbox = new Inbox(), senderInbox = new Inbox();
      const receiver = await bind(inbox.options({ hostname }));
      const sender = await bind(senderInbox.options({ hostname }));
      const to = new Endpoint(BROADCAST, receiver.port);
      if (!adapter.broadcastsUnasked) {
        sender.send(Uint8Array.of(0), to);
        await senderInbox.until(() => senderInbox.errors.length > 0);
        const [error] = senderInbox.errors;
        assertInstanceOf(error, NTPError);
        assertEquals(error.code, "permission");
        assertStringIncludes(error.message, "allowBroadcast()");
        assertStringIncludes(error.message, `${to}`);
      }
      sender.allowBroadcast();
      sender.allowBroadcast(); // harmless
      sender.send(Uint8Array.of(1), to);
      await inbox.count(1);
      assertEquals(inbox.firstBytes, [1]);
      assertEquals(inbox.received[0]!.source.port, sender.port);
    }, noDual);
  }

  check("an interface is meant by its name and by its address", async (bind) => {
    const { receiver, sender, arrives, staysAway } = await pair(bind, { hostname: "0.0.0.0" });
    const group = groupOf(receiver, "239.255");
    sender.configureMulticast({ networkInterface: "127.0.0.1" });
    receiver.joinGroup(group, "127.0.0.1");
    receiver.joinGroup(group, lo);
    await arrives(group);
    receiver.leaveGroup(group, lo);
    await staysAway(group);
  }, lacks || isVirtual);

  check("an IPv6 group on its interface, named in three ways", async (bind) => {
    for (const options of [{ hostname: "::" }, { hostname: "::", ipv6Only: true }]) {
      const { receiver, sender, arrives, staysAway } = await pair(bind, options);
      const group = groupOf(receiver, "ff01::1:");
      const address = interfaces.find(([name]) => name === other)?.[1]
        ?.find(({ family }) => family === "IPv6")?.address ?? "2001:db8::1";
      const joins: [string, string?][] = [[group, other], [`${group}%${other}`]];
      if (!adapter.virtual) joins.push([group, address], [`${group}%${other}`, address]);
      for (const join of joins) {
        await staysAway(`${group}%${other}`);
        receiver.joinGroup(...join);
        await arrives(`${group}%${other}`);
        receiver.leaveGroup(...join);
      }
      receiver.joinGroup(group, other);
      if (options.ipv6Only) {
        sender.configureMulticast({ networkInterface: other });
        await arrives(group);
      }
      await arrives(`${group}%${other}`);
    }
  }, lacks || noIpv6);

  check("without loopback this machine does not hear it", async (bind) => {
    const { receiver, sender, arrives, staysAway } = await pair(bind, { hostname: "::" });
    const group = groupOf(receiver, "ff01::1:");
    receiver.joinGroup(group, other);
    await arrives(`${group}%${other}`);
    sender.configureMulticast({ loopback: false });
    await staysAway(`${group}%${other}`);
    sender.configureMulticast({ loopback: true });
    await arrives(`${group}%${other}`);
  }, lacks || noIpv6);

  check("a socket bound to the group itself hears nothing else", async (bind) => {
    const inbox = new Inbox();
    const hostname = "239.255.200.1";
    const receiver = await bind(inbox.options({ hostname, multicast: true }));
    const sender = await bind(new Inbox().options({ hostname: "0.0.0.0", multicast: true }));
    receiver.joinGroup(hostname, lo);
    sender.configureMulticast({ networkInterface: lo });
    sender.send(Uint8Array.of(1), new Endpoint("127.0.0.1", receiver.port));
    sender.send(Uint8Array.of(2), new Endpoint(hostname, receiver.port));
    await inbox.count(1);
    assertEquals(inbox.firstBytes, [2]);
  }, lacks || isVirtual);

  check("a socket bound to an address is told that it hears no groups", async (bind) => {
    const { receiver } = await pair(bind, { hostname: "127.0.0.1" });
    const error = assertThrows(() => receiver.joinGroup("224.0.1.1", lo), RangeError);
    assertStringIncludes(error.message, '"0.0.0.0"');
  }, lacks || isVirtual);

  check("a group is multicast, and of the socket's family", async (bind) => {
    const { receiver: ipv4 } = await pair(bind, { hostname: "0.0.0.0" });
    for (const group of ["192.0.2.1", "240.0.0.1", "2001:db8::1", "ntp.example", "", "224.0.1"]) {
      for (const method of ["joinGroup", "leaveGroup"] as const) {
        const error = assertThrows(() => ipv4[method](group), RangeError);
        assertStringIncludes(error.message, JSON.stringify(group));
      }
    }
    assertThrows(() => ipv4.joinGroup(5 as never), TypeError, "5");
    assertThrows(() => ipv4.joinGroup("224.0.1.1", 5 as never), TypeError, "5");
    assertThrows(() => ipv4.joinGroup("224.0.1.1", ""), RangeError, "networkInterface");
    assertThrows(() => ipv4.joinGroup("ff02::101", lo), RangeError, '"::"');
  }, lacks);

  check("a group of the other family, where there is IPv6 only", async (bind) => {
    const options = new Inbox().options({ hostname: "::", ipv6Only: true, multicast: true });
    const ipv6 = await bind(options);
    assertThrows(() => ipv6.joinGroup("224.0.1.1", lo), RangeError, '"0.0.0.0"');
    assertEquals(codeOf(() => ipv6.allowBroadcast(), "broadcast"), "unsupported");
  }, lacks || noIpv6);

  check("an unknown interface is an error that names those there are", async (bind) => {
    const { receiver, sender, senderInbox } = await pair(bind, { hostname: "::" });
    for (const name of ["nowhere0", "203.0.113.77", "2001:db8::77", "fe80::1%nowhere0"]) {
      for (
        const body of [
          () => receiver.joinGroup("224.0.1.1", name),
          () => receiver.joinGroup("ff02::101", name),
          () => receiver.leaveGroup("224.0.1.1", name),
          () => sender.configureMulticast({ networkInterface: name }),
        ]
      ) assertEquals(codeOf(body, name, lo), "address-unavailable");
    }
    const scoped = () => receiver.joinGroup("ff02::101%nowhere0");
    assertEquals(codeOf(scoped, "nowhere0", lo), "address-unavailable");
    // Runtimes would send it over any interface.
    const to = new Endpoint("ff02::101%nowhere0", receiver.port);
    assertEquals(sender.send(new Uint8Array(1), to), "failed");
    assertEquals(senderInbox.errors.map((error) => (error as NTPError).code), [
      "address-unavailable",
    ]);
    assertThrows(() => receiver.joinGroup(`ff02::101%${other}`, lo), RangeError, lo);
  }, lacks || isVirtual || noIpv6);

  check("what is configured is checked", async (bind) => {
    const { sender } = await pair(bind, { hostname: "0.0.0.0" });
    for (const hopLimit of [0, 256, -1, 1.5, NaN]) {
      assertThrows(() => sender.configureMulticast({ hopLimit }), RangeError, `${hopLimit}`);
    }
    const wrong = (options: unknown, text: string) =>
      assertThrows(() => sender.configureMulticast(options as never), TypeError, text);
    wrong(undefined, "undefined");
    assertThrows(() => sender.configureMulticast({ family: 5 as never }), RangeError, "family");
    assertThrows(() => sender.configureMulticast({ family: 6 }), RangeError, "IPv6");
    sender.configureMulticast({ family: 4, hopLimit: 2 });
    wrong({ hopLimit: "5" }, "hopLimit");
    wrong({ loopback: 1 }, "loopback");
    wrong({ networkInterface: 1 }, "networkInterface");
    for (const hopLimit of [1, 255]) sender.configureMulticast({ hopLimit });
    sender.configureMulticast({});
  }, lacks);

  check("a hop limit for IPv6 groups, or the reason why not", async (bind) => {
    const { sender } = await pair(bind, { hostname: "::" });
    sender.configureMulticast({ hopLimit: 1 });
    if (adapter.ipv6HopLimit !== false) return sender.configureMulticast({ hopLimit: 32 });
    const error = () => sender.configureMulticast({ hopLimit: 32 });
    assertEquals(codeOf(error, "node", "family: 4"), "unsupported");
    sender.configureMulticast({ hopLimit: 32, family: 4 });
  }, lacks || noIpv6);

  check("without multicast it says what is missing", async (bind) => {
    const transport = await bind(new Inbox().options({ hostname: "127.0.0.1" }));
    for (
      const body of [
        () => transport.joinGroup("224.0.1.1"),
        () => transport.leaveGroup("224.0.1.1"),
        () => transport.configureMulticast({}),
      ]
    ) assertEquals(codeOf(body, "multicast: true", `127.0.0.1:${transport.port}`), "unsupported");
  });

  check("once closed it does nothing of this", async (bind) => {
    const transport = await bind(new Inbox().options({ hostname: "0.0.0.0", multicast: !lacks }));
    await transport.close();
    for (
      const body of [
        () => transport.joinGroup("224.0.1.1", lo),
        () => transport.configureMulticast({}),
        () => transport.allowBroadcast(),
      ]
    ) assertEquals(codeOf(body, `0.0.0.0:${transport.port}`), "closed");
  });
  return checks;
}
