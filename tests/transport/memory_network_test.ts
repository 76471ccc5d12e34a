import { test } from "node:test";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import {
  type MemoryDatagram,
  MemoryNetwork,
  type MemoryNetworkOptions,
} from "../../src/transport/memory.ts";
import { Inbox } from "./inbox.ts";

const SERVER = new Endpoint("192.0.2.1", 123);

/** A network on virtual time, whose datagrams arrive when `run` is called. */
function virtual(options: MemoryNetworkOptions = {}) {
  const due: { at: number; deliver: () => void }[] = [];
  const network = new MemoryNetwork({
    schedule: (delay, deliver) => void due.push({ at: delay, deliver }),
    ...options,
  });
  const run = () => {
    due.sort((a, b) => a.at - b.at);
    while (due.length > 0) due.shift()!.deliver();
  };
  return { network, run, due };
}

/** A server at SERVER and a client at 192.0.2.2. */
async function pair(network: MemoryNetwork) {
  const serverInbox = new Inbox(), clientInbox = new Inbox();
  const server = await network.bind(serverInbox.options({ hostname: "192.0.2.1", port: 123 }));
  const client = await network.bind(clientInbox.options({ hostname: "192.0.2.2" }));
  return { server, client, serverInbox, clientInbox };
}

test("MemoryNetwork: loss, duplication, reordering and delay, as the path says", async () => {
  const delays = [[0.3], [], [0.1, 0.2], [0]];
  const seen: string[] = [];
  const { network, run, due } = virtual({
    path: ({ data, source, destination }: MemoryDatagram) => {
      seen.push(`${data[0]} ${source} ${destination}`);
      return delays[data[0]!]!;
    },
  });
  const { client, serverInbox } = await pair(network);
  for (let i = 0; i < 4; i++) client.send(Uint8Array.of(i), SERVER);
  assertEquals(due.map(({ at }) => at), [0.3, 0.1, 0.2, 0]);
  run();
  assertEquals(serverInbox.firstBytes, [3, 2, 2, 0]);
  assertEquals(seen[0], `0 192.0.2.2:${client.port} 192.0.2.1:123`);
  assertEquals(client.counters.sent, 4);
});

test("MemoryNetwork: a path may forge", async () => {
  const { network, run } = virtual({
    path: ({ data }) => {
      data[0] = 99;
      return [0, 0];
    },
  });
  const { client, serverInbox } = await pair(network);
  const data = Uint8Array.of(1);
  client.send(data, SERVER);
  run();
  assertEquals(serverInbox.firstBytes, [99, 99]);
  assertEquals([...data], [1]);
});

test("MemoryNetwork: the receiver is who has the port on arrival", async () => {
  const { network, run } = virtual();
  const { server, client, serverInbox } = await pair(network);
  client.send(Uint8Array.of(1), SERVER);
  await server.close();
  const later = new Inbox();
  await network.bind(later.options({ hostname: "192.0.2.1", port: 123 }));
  run();
  assertEquals([serverInbox.firstBytes, later.firstBytes], [[], [1]]);
});

test("MemoryNetwork: a refusal is told on arrival, and only with a remote", async () => {
  const { network, run } = virtual();
  const inbox = new Inbox(), otherInbox = new Inbox();
  const remote = { hostname: "192.0.2.1", port: 123 };
  const client = await network.bind(inbox.options({ hostname: "192.0.2.2", remote }));
  const other = await network.bind(otherInbox.options({ hostname: "192.0.2.3" }));
  client.send(new Uint8Array(48), SERVER);
  other.send(new Uint8Array(48), SERVER);
  assertEquals(inbox.errors, []);
  run();
  assertInstanceOf(inbox.errors[0], NTPError);
  assertEquals(inbox.errors[0].code, "refused");
  assertStringIncludes(inbox.errors[0].message, "192.0.2.1:123");
  assertEquals([client.counters.errors, other.counters.errors], [1, 0]);
  assertEquals(otherInbox.errors, []);
});

test("MemoryNetwork: a bounded queue", async () => {
  const { network, run } = virtual({ queueLimit: 2 });
  const { client, server, serverInbox } = await pair(network);
  const outcomes = [1, 2, 3].map((byte) => client.send(Uint8Array.of(byte), SERVER));
  assertEquals(outcomes, ["sent", "sent", "full"]);
  // Each socket has its own.
  assertEquals(server.send(Uint8Array.of(0), SERVER), "sent");
  run();
  assertEquals(client.send(Uint8Array.of(4), SERVER), "sent");
  run();
  assertEquals(serverInbox.firstBytes, [1, 2, 0, 4]);
});

test("MemoryNetwork: what is kept beyond the handler is wiped", async () => {
  const { network, run } = virtual();
  const { client, serverInbox } = await pair(network);
  let kept: Uint8Array | undefined;
  serverInbox.intercept = (data) => kept = data;
  client.send(Uint8Array.of(7), SERVER);
  run();
  assertEquals([...kept!], [0]);
});

test("MemoryNetwork: ports of one's own choice, and those in turn", async () => {
  const chosen = [700, 700, 701];
  const own = new MemoryNetwork({ ephemeralPort: () => chosen.shift()! });
  const options = new Inbox().options({ hostname: "192.0.2.2" });
  assertEquals((await own.bind(options)).port, 700);
  assertEquals((await own.bind(options)).port, 701);
  const none = new MemoryNetwork({ ephemeralPort: () => 0 });
  await assertRejects(() => none.bind(options), NTPError, "not 0");
  const full = new MemoryNetwork({ ephemeralPort: () => 5 });
  await full.bind(options);
  const error = await assertRejects(() => full.bind(options), NTPError, "192.0.2.2");
  assertEquals(error.code, "address-in-use");

  const ports: number[] = [];
  const network = new MemoryNetwork();
  for (let i = 0; i < 3; i++) ports.push((await network.bind(options)).port);
  assertEquals(ports, [49152, 49153, 49154]);
});

test("MemoryNetwork: wildcards have the loopback addresses", async () => {
  const { network, run } = virtual();
  const wild = new Inbox(), particular = new Inbox();
  await network.bind(wild.options({ port: 123 }));
  await network.bind(particular.options({ hostname: "127.0.0.1", port: 123 }));
  const client = await network.bind(new Inbox().options());
  for (const [byte, to] of ["127.0.0.1", "::1", "192.0.2.9"].entries()) {
    client.send(Uint8Array.of(byte), new Endpoint(to, 123));
  }
  run();
  assertEquals([wild.firstBytes, particular.firstBytes], [[1], [0]]);
  assertEquals(wild.received[0]!.source.hostname, "::1");
  assertEquals(particular.received[0]!.source.hostname, "127.0.0.1");
  for (const hostname of ["::", "0.0.0.0"]) {
    const options = new Inbox().options({ hostname, port: 123 });
    await assertRejects(() => network.bind(options), NTPError, "in use");
  }
});

test("MemoryNetwork: a socket of IPv6 only sends no IPv4", async () => {
  const { network } = virtual();
  for (const options of [{ hostname: "2001:db8::1" }, { ipv6Only: true }]) {
    const inbox = new Inbox();
    const socket = await network.bind(inbox.options(options));
    assertEquals(socket.send(new Uint8Array(1), SERVER), "failed");
    assertEquals((inbox.errors[0] as NTPError).code, "unreachable");
  }
});

test("MemoryNetwork: it knows no names", async () => {
  const options = new Inbox().options({ hostname: "ntp.example" });
  const error = await assertRejects(() => new MemoryNetwork().bind(options), NTPError);
  assertEquals(error.code, "not-found");
});

test("MemoryNetwork: what a path throws, and nonsense it returns, is an event", async () => {
  const answers = [NaN, -1, Infinity];
  const { network } = virtual({
    path: () => {
      const delay = answers.shift();
      if (delay === undefined) throw new Error("of the path");
      return [delay];
    },
  });
  const { client, clientInbox } = await pair(network);
  for (let i = 0; i < 4; i++) assertEquals(client.send(new Uint8Array(1), SERVER), "failed");
  const messages = clientInbox.errors.map(({ message }) => message);
  for (const [at, text] of ["NaN", "-1", "Infinity", "of the path"].entries()) {
    assertStringIncludes(messages[at]!, text);
  }
});

test("MemoryNetwork: without schedule, delays are those of the runtime's timers", async () => {
  const delays = [[0.002], [0]];
  const network = new MemoryNetwork({ path: () => delays.shift()! });
  const { client, serverInbox } = await pair(network);
  for (let i = 0; i < 2; i++) client.send(Uint8Array.of(i), SERVER);
  assertEquals(serverInbox.firstBytes, []); // not before send() has returned
  await serverInbox.count(2);
  assertEquals(serverInbox.firstBytes, [1, 0]);
});

test("MemoryNetwork: wrong options", () => {
  assertThrows(() => new MemoryNetwork({ path: [] as never }), TypeError, "path");
  assertThrows(() => new MemoryNetwork({ schedule: 1 as never }), TypeError, "schedule");
  assertThrows(() => new MemoryNetwork({ ephemeralPort: 5 as never }), TypeError, "ephemeralPort");
  assertThrows(() => new MemoryNetwork({ queueLimit: "5" as never }), TypeError, "queueLimit");
  assertThrows(() => new MemoryNetwork({ queueLimit: 0 }), RangeError, "queueLimit");
});
