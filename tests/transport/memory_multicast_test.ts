import { test } from "node:test";
import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import {
  type MemoryDatagram,
  MemoryNetwork,
  type MemoryNetworkOptions,
} from "../../src/transport/memory.ts";
import type { UdpBindOptions } from "../../src/transport/udp_transport.ts";
import { Inbox } from "./inbox.ts";

const GROUP = new Endpoint("224.0.1.1", 123), BROADCAST = new Endpoint("192.0.2.255", 123);

/** A network whose datagrams arrive when `run` is called. */
function stage(options: MemoryNetworkOptions = {}) {
  const due: { at: number; deliver: () => void }[] = [];
  const network = new MemoryNetwork({
    schedule: (at, deliver) => void due.push({ at, deliver }),
    ...options,
  });
  const run = () => {
    due.sort((a, b) => a.at - b.at);
    while (due.length > 0) due.shift()!.deliver();
  };
  /** A machine at port 123. */
  const host = async (hostname: string, more: Partial<UdpBindOptions> = {}) => {
    const inbox = new Inbox();
    const options = inbox.options({ hostname, port: 123, multicast: true, ...more });
    return { inbox, socket: await network.bind(options) };
  };
  return { run, host };
}

test("MemoryNetwork: a group is who has joined it, of either family, at the port", async () => {
  for (const [prefix, group] of [["192.0.2.", "224.0.1.1"], ["2001:db8::", "ff05::101"]] as const) {
    const { run, host } = stage();
    const hosts = [];
    for (let i = 1; i <= 4; i++) hosts.push(await host(`${prefix}${i}`));
    const elsewhere = await host(`${prefix}5`, { port: 124 });
    const [sender, b, c, d] = hosts;
    for (const { socket } of [b!, c!, elsewhere]) socket.joinGroup(group);
    const to = new Endpoint(group, 123);
    assertEquals(sender!.socket.send(Uint8Array.of(1), to), "sent");
    run();
    b!.socket.leaveGroup(group);
    sender!.socket.send(Uint8Array.of(2), to);
    run();
    assertEquals([sender, b, c, d, elsewhere].map((one) => one!.inbox.firstBytes), [
      [],
      [1],
      [1, 2],
      [],
      [],
    ]);
    assertEquals(`${c!.inbox.received[0]!.source}`, `${new Endpoint(`${prefix}1`, 123)}`);
    assertEquals(sender!.socket.counters.sent, 2);
  }
});

test("MemoryNetwork: each copy goes the path by itself, in order of joining", async () => {
  const seen: string[] = [];
  const { run, host } = stage({
    path: ({ data, receiver, destination, hopLimit }: MemoryDatagram) => {
      seen.push(`${destination} ${receiver} ${hopLimit}`);
      if (receiver.hostname === "192.0.2.3") return [];
      if (receiver.hostname === "192.0.2.4") data[0] = 99;
      return receiver.hostname === "192.0.2.2" ? [0.2, 0.1] : [0];
    },
  });
  const sender = await host("192.0.2.1");
  const hosts = [await host("192.0.2.2"), await host("192.0.2.3"), await host("192.0.2.4")];
  for (const { socket } of hosts.toReversed()) socket.joinGroup("224.0.1.1");
  sender.socket.configureMulticast({ hopLimit: 32 });
  sender.socket.send(Uint8Array.of(1), GROUP);
  run();
  assertEquals(hosts.map(({ inbox }) => inbox.firstBytes), [[1, 1], [], [99]]);
  assertEquals(seen, [4, 3, 2].map((i) => `224.0.1.1:123 192.0.2.${i}:123 32`));
  seen.length = 0;
  hosts[0]!.socket.send(Uint8Array.of(1), GROUP);
  hosts[0]!.socket.send(Uint8Array.of(1), new Endpoint("192.0.2.1", 123));
  assertEquals(seen.at(-2), "224.0.1.1:123 192.0.2.2:123 1"); // the default: it stays on the link
  assertEquals(seen.at(-1), "192.0.2.1:123 192.0.2.1:123 64");
});

test("MemoryNetwork: who leaves or closes in the meantime hears nothing", async () => {
  let copies = 0;
  const { run, host } = stage({ path: () => [copies++] });
  const sender = await host("192.0.2.1");
  const leaver = await host("192.0.2.2"), closer = await host("192.0.2.3");
  for (const { socket } of [leaver, closer]) socket.joinGroup("224.0.1.1");
  sender.socket.send(Uint8Array.of(1), GROUP);
  leaver.socket.leaveGroup("224.0.1.1");
  await closer.socket.close();
  const successor = await host("192.0.2.3"); // at the same address, but it has not joined
  run();
  sender.socket.send(Uint8Array.of(2), GROUP);
  run();
  assertEquals([leaver, closer, successor].map(({ inbox }) => inbox.firstBytes), [[], [], []]);
  assertEquals(copies, 2); // none for them of the second
});

test("MemoryNetwork: without loopback, not the machine itself", async () => {
  const { run, host } = stage();
  const sender = await host("192.0.2.1");
  const neighbour = await host("192.0.2.1", { port: 124 });
  const other = await host("192.0.2.2");
  for (const { socket } of [sender, neighbour, other]) socket.joinGroup("224.0.1.1");
  for (const loopback of [true, false]) {
    sender.socket.configureMulticast({ loopback });
    sender.socket.send(Uint8Array.of(1), GROUP);
    sender.socket.send(Uint8Array.of(1), new Endpoint("224.0.1.1", 124));
  }
  run();
  const counts = [sender, neighbour, other].map(({ inbox }) => inbox.received.length);
  assertEquals(counts, [1, 1, 2]);
});

test("MemoryNetwork: interfaces are names for the one network", async () => {
  const { run, host } = stage();
  const sender = await host("192.0.2.1"), receiver = await host("192.0.2.2");
  sender.socket.configureMulticast({ networkInterface: "eth7" });
  for (const name of ["eth0", "eth1"]) receiver.socket.joinGroup("224.0.1.1", name);
  sender.socket.send(Uint8Array.of(1), GROUP);
  run();
  receiver.socket.leaveGroup("224.0.1.1", "eth0");
  sender.socket.send(Uint8Array.of(2), GROUP);
  run();
  receiver.socket.leaveGroup("224.0.1.1", "eth1");
  sender.socket.send(Uint8Array.of(3), GROUP);
  run();
  assertEquals(receiver.inbox.firstBytes, [1, 2]);
});

test("MemoryNetwork: a broadcast address is everybody in the subnet", async () => {
  const { run, host } = stage({ subnets: ["192.0.2.0/24", "198.51.100.64/26"] });
  const a = await host("192.0.2.1"), b = await host("192.0.2.2", { multicast: false });
  const other = await host("198.51.100.65"), none = await host("203.0.113.1");
  assertEquals(a.socket.send(Uint8Array.of(0), BROADCAST), "failed");
  const [error] = a.inbox.errors;
  assertInstanceOf(error, NTPError);
  assertEquals(error.code, "permission");
  a.socket.allowBroadcast();
  a.socket.configureMulticast({ hopLimit: 5, loopback: false }); // broadcast is another matter
  assertEquals(a.socket.send(Uint8Array.of(1), BROADCAST), "sent");
  a.socket.send(Uint8Array.of(2), new Endpoint("198.51.100.127", 123));
  run();
  assertEquals([a, b, other, none].map(({ inbox }) => inbox.firstBytes), [[1], [1], [2], []]);
  await b.socket.close();
  a.socket.send(Uint8Array.of(3), BROADCAST);
  run();
  assertEquals([a, b].map(({ inbox }) => inbox.firstBytes), [[1, 3], [1]]);
});

test("MemoryNetwork: copies under way fill the sender's queue", async () => {
  const { run, host } = stage({ queueLimit: 2 });
  const sender = await host("192.0.2.1");
  for (let i = 2; i <= 4; i++) (await host(`192.0.2.${i}`)).socket.joinGroup("224.0.1.1");
  assertEquals(sender.socket.send(Uint8Array.of(1), GROUP), "sent");
  assertEquals(sender.socket.send(Uint8Array.of(2), GROUP), "full");
  run();
  assertEquals(sender.socket.send(Uint8Array.of(3), GROUP), "sent");
});

test("MemoryNetwork: both families on one port", async () => {
  const { run, host } = stage();
  const both = await host("::"),
    sender4 = await host("192.0.2.1"),
    sender6 = await host("2001:db8::1");
  for (const group of ["224.0.1.1", "ff05::101"]) both.socket.joinGroup(group);
  sender4.socket.send(Uint8Array.of(4), GROUP);
  sender6.socket.send(Uint8Array.of(6), new Endpoint("ff05::101", 123));
  run();
  assertEquals(both.inbox.firstBytes, [4, 6]);
  both.socket.send(Uint8Array.of(5), both.inbox.received[0]!.source);
  run();
  assertEquals(sender4.inbox.firstBytes, [5]);
  assertEquals(`${sender4.inbox.received[0]!.source}`, "127.0.0.1:123");
});

test("MemoryNetwork: wrong subnets", () => {
  const make = (subnets: unknown) => () => new MemoryNetwork({ subnets: subnets as string[] });
  assertThrows(make("192.0.2.0/24"), TypeError, "192.0.2.0/24");
  assertThrows(make([24]), TypeError, "24");
  for (
    const text of ["192.0.2.0/31", "192.0.2.1", "192.0.2.1/24", "2001:db8::/32", "nonsense"]
  ) assertThrows(make([text]), RangeError, text);
});
