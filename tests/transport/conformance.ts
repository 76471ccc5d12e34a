// The suite that every adapter passes.
import { networkInterfaces } from "node:os";
import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { UdpTransport } from "../../src/transport/udp_transport.ts";
import { type Adapter, type Bind, type Check, checksOf } from "./adapter.ts";
import { Inbox } from "./inbox.ts";

const interfaces = Object.entries(networkInterfaces());
const addresses = interfaces.flatMap(([name, list]) =>
  (list ?? []).map(({ address }) => ({ name, address: address.replace(/%.*/, "") }))
);
const hasIpv6 = addresses.some(({ address }) => address === "::1");
const linkLocal = addresses.find(({ address }) => address.startsWith("fe80:"));

/** The suite for one adapter. */
export function conformance(adapter: Adapter): Check[] {
  const { kind, honours } = adapter;
  const { checks, check } = checksOf(adapter);
  const noIpv6 = !hasIpv6 && !adapter.virtual && "this machine has no IPv6";
  const isVirtual = adapter.virtual ? "has no machine around it" : false;

  /** A server that echoes, and a client, both on `hostname`. */
  async function pair(bind: Bind, hostname: string) {
    const [serverInbox, clientInbox] = [new Inbox(), new Inbox()];
    const server = await bind(serverInbox.options({ hostname }));
    const client = await bind(clientInbox.options({ hostname }));
    serverInbox.intercept = (data, source) => void server.send(data, source);
    return { server, client, serverInbox, clientInbox };
  }

  /** A port on 127.0.0.1 at which nobody listens. */
  async function closedPort(bind: Bind): Promise<number> {
    const transport = await bind(new Inbox().options({ hostname: "127.0.0.1" }));
    await transport.close();
    return transport.port;
  }

  async function code(promise: Promise<unknown>): Promise<string> {
    const error = await assertRejects(() => promise, NTPError);
    return error.code;
  }

  for (const [family, hostname] of [[4, "127.0.0.1"], [6, "::1"]] as const) {
    check(`IPv${family} there and back`, async (bind) => {
      const { server, client, serverInbox, clientInbox } = await pair(bind, hostname);
      assertEquals([server.kind, server.hostname], [kind, hostname]);
      assertGreater(server.port, 0);
      assertNotEquals(server.port, client.port);

      const outcome = client.send(Uint8Array.of(1, 2, 3), new Endpoint(hostname, server.port));
      assert(outcome === "sent" || outcome === "queued", outcome);
      await clientInbox.count(1);
      const [request] = serverInbox.received, [reply] = clientInbox.received;
      assertEquals([...request!.data], [1, 2, 3]);
      assertEquals(request!.source.family, family);
      assertEquals([request!.source.hostname, request!.source.port], [hostname, client.port]);
      assertEquals([...reply!.data], [1, 2, 3]);
      assert(reply!.source.equals(new Endpoint(hostname, server.port)), `${reply!.source}`);
    }, family === 6 && noIpv6);
  }

  check('"::" hears IPv4, names it so, and answers it', async (bind) => {
    const inbox = new Inbox(), clientInbox = new Inbox();
    const server = await bind(inbox.options({ hostname: "::" }));
    const client = await bind(clientInbox.options({ hostname: "127.0.0.1" }));
    inbox.intercept = (data, source) => void server.send(data, source);
    client.send(Uint8Array.of(7), new Endpoint("127.0.0.1", server.port));
    await clientInbox.count(1);
    const { source } = inbox.received[0]!;
    assertEquals([source.hostname, source.family], ["127.0.0.1", 4]);
    assert(source.equals(new Endpoint("127.0.0.1", client.port)));
    // The kept copy can be answered as well as the borrowed one.
    server.send(Uint8Array.of(8), source);
    await clientInbox.count(2);
    assertEquals(clientInbox.firstBytes, [7, 8]);
  }, noIpv6);

  check('"::" sends to a plain IPv4 address', async (bind) => {
    const { server, clientInbox } = await pair(bind, "127.0.0.1");
    const dual = await bind(clientInbox.options({ hostname: "::" }));
    for (const [at, hostname] of ["127.0.0.1", "127.0.0.1", "::ffff:127.0.0.1"].entries()) {
      dual.send(Uint8Array.of(at), new Endpoint(hostname, server.port));
      await clientInbox.count(at + 1);
    }
    assertEquals(clientInbox.firstBytes, [0, 1, 2]);
  }, noIpv6);

  check("without hostname it hears both families", async (bind) => {
    const inbox = new Inbox(), clientInbox = new Inbox();
    const server = await bind(inbox.options());
    assertEquals(server.hostname, "::");
    for (const hostname of ["127.0.0.1", "::1"]) {
      const client = await bind(clientInbox.options({ hostname }));
      client.send(new Uint8Array(48), new Endpoint(hostname, server.port));
    }
    await inbox.count(2);
    assertEquals(inbox.received.map(({ source }) => source.family).sort(), [4, 6]);
  }, noIpv6);

  check("an IPv4-mapped hostname is IPv4", async (bind) => {
    const inbox = new Inbox();
    const server = await bind(inbox.options({ hostname: "::ffff:127.0.0.1" }));
    assertEquals(server.hostname, "127.0.0.1");
    server.send(Uint8Array.of(1), new Endpoint("::FFFF:7f00:1", server.port));
    await inbox.count(1);
    assertEquals(inbox.received[0]!.source.hostname, "127.0.0.1");
  });

  check("a port in use is an error that names it", async (bind) => {
    const inbox = new Inbox();
    const { port } = await bind(inbox.options({ hostname: "127.0.0.1" }));
    const error = await assertRejects(
      () => bind(inbox.options({ hostname: "127.0.0.1", port })),
      NTPError,
      `127.0.0.1:${port}`,
    );
    assertEquals(error.code, "address-in-use");
  });

  check("an address of another machine is an error", async (bind) => {
    const error = await assertRejects(
      () => bind(new Inbox().options({ hostname: "203.0.113.77" })),
      NTPError,
      "203.0.113.77",
    );
    assertEquals(error.code, "address-unavailable");
  }, isVirtual);

  check("a scope that does not exist is an error", async (bind) => {
    const options = new Inbox().options({ hostname: "fe80::1%nowhere0" });
    assertEquals(await code(bind(options)), "address-unavailable");
  }, isVirtual);

  check("a local name stands for its first address", async (bind) => {
    const { hostname } = await bind(new Inbox().options({ hostname: "localhost" }));
    assert(["127.0.0.1", "::1"].includes(hostname), hostname);
  }, isVirtual);

  check("65,507 bytes arrive, 65,508 are a RangeError", async (bind) => {
    const { server, client, serverInbox } = await pair(bind, "127.0.0.1");
    serverInbox.intercept = undefined;
    const data = Uint8Array.from({ length: 65507 }, (_, i) => i * 7);
    const to = new Endpoint("127.0.0.1", server.port);
    assertThrows(() => client.send(new Uint8Array(65508), to), RangeError, "65508");
    client.send(data, to);
    await serverInbox.count(1);
    assertEquals(serverInbox.received[0]!.data, data);
    assertEquals(client.counters.sent, 1);
  });

  check("an empty datagram arrives", async (bind) => {
    const { server, client, clientInbox } = await pair(bind, "127.0.0.1");
    client.send(new Uint8Array(0), new Endpoint("127.0.0.1", server.port));
    await clientInbox.count(1);
    assertEquals(clientInbox.firstBytes, [-1]);
  });

  check("clients that have gone cost no other client a reply", async (bind) => {
    const inbox = new Inbox();
    const server = await bind(inbox.options({ hostname: "127.0.0.1" }));
    const gone: Endpoint[] = [];
    for (let i = 0; i < 5; i++) gone.push(new Endpoint("127.0.0.1", await closedPort(bind)));
    const inboxes = [new Inbox(), new Inbox(), new Inbox()];
    const clients: Endpoint[] = [];
    for (const one of inboxes) {
      const { port } = await bind(one.options({ hostname: "127.0.0.1" }));
      clients.push(new Endpoint("127.0.0.1", port));
    }
    for (let round = 0; round < 40; round++) {
      server.send(Uint8Array.of(round), gone[round % gone.length]!);
      server.send(Uint8Array.of(round), gone[(round + 1) % gone.length]!);
      server.send(Uint8Array.of(round), clients[round % clients.length]!);
      // Every other round, the kernel's answers come in between.
      if (round % 2 === 0) await inboxes[round % 3]!.count(Math.ceil((round + 1) / 3));
    }
    await inboxes[0]!.count(14);
    await inboxes[1]!.count(13);
    await inboxes[2]!.count(13);
    assertEquals(inbox.errors, []); // some client's closed port is no news
    server.send(Uint8Array.of(1), new Endpoint("127.0.0.1", server.port));
    await inbox.count(1);
  });

  check("remote: nobody else is heard", async (bind) => {
    const inbox = new Inbox(), other = new Inbox();
    const peer = await bind(other.options({ hostname: "127.0.0.1" }));
    const stranger = await bind(other.options({ hostname: "127.0.0.1" }));
    const remote = { hostname: "127.0.0.1", port: peer.port };
    const client = await bind(inbox.options({ remote }));
    assertEquals(client.hostname, "0.0.0.0");
    const to = new Endpoint("127.0.0.1", client.port);
    for (let i = 0; i < 3; i++) {
      stranger.send(Uint8Array.of(66), to);
      await new Promise((resolve) => setTimeout(resolve)); // so that the order is this one
      peer.send(Uint8Array.of(i), to);
    }
    await inbox.count(3);
    assertEquals(inbox.firstBytes, [0, 1, 2]);
    assertEquals(client.counters.received, 3);
    client.send(Uint8Array.of(9), new Endpoint("127.0.0.1", peer.port));
    await other.count(1);
    assertEquals(other.received[0]!.source.port, client.port);
  });

  check("remote: IPv6, and IPv4 over a dual-stack socket", async (bind) => {
    for (const [local, peer] of [[undefined, "::1"], ["::", "127.0.0.1"]] as const) {
      const { server } = await pair(bind, peer);
      const remote = { hostname: peer, port: server.port };
      const inbox = new Inbox();
      const hostname = local === undefined ? {} : { hostname: local };
      const client = await bind(inbox.options({ remote, ...hostname }));
      client.send(Uint8Array.of(5), new Endpoint(peer, server.port));
      await inbox.count(1);
      assertEquals(inbox.firstBytes, [5]);
      assertEquals(inbox.errors, []);
    }
  }, noIpv6);

  check("remote: a peer that refuses is reported", async (bind) => {
    const inbox = new Inbox();
    const port = await closedPort(bind);
    const client = await bind(inbox.options({ remote: { hostname: "127.0.0.1", port } }));
    const to = new Endpoint("127.0.0.1", port);
    client.send(new Uint8Array(48), to);
    await inbox.until(() => inbox.errors.length > 0);
    const [error] = inbox.errors;
    assertInstanceOf(error, NTPError);
    assertEquals(error.code, "refused");
    assertStringIncludes(error.message, `127.0.0.1:${port}`);
    assertGreater(client.counters.errors, 0);
    // Whoever takes the port is heard at once.
    const late = await bind(new Inbox().options({ hostname: "127.0.0.1", port }));
    late.send(Uint8Array.of(3), new Endpoint("127.0.0.1", client.port));
    await inbox.count(1);
  }, !adapter.reportsRefusal && "the runtime tells nothing of ICMP");

  check("remote: a peer that refuses ends nothing", async (bind) => {
    const inbox = new Inbox();
    const port = await closedPort(bind);
    const client = await bind(inbox.options({ remote: { hostname: "127.0.0.1", port } }));
    for (let i = 0; i < 10; i++) client.send(new Uint8Array(48), new Endpoint("127.0.0.1", port));
    const late = await bind(new Inbox().options({ hostname: "127.0.0.1", port }));
    late.send(Uint8Array.of(3), new Endpoint("127.0.0.1", client.port));
    await inbox.count(1);
    assertEquals(inbox.firstBytes, [3]);
  });

  check("close within the handler: not one datagram more", async (bind) => {
    const { server, client, serverInbox, clientInbox } = await pair(bind, "127.0.0.1");
    let closing: Promise<void> | undefined;
    serverInbox.intercept = () => closing = server.close();
    for (let i = 0; i < 100; i++) {
      client.send(new Uint8Array(48), new Endpoint("127.0.0.1", server.port));
    }
    await serverInbox.count(1);
    await closing;
    // What had arrived before this has had its turn.
    client.send(Uint8Array.of(1), new Endpoint("127.0.0.1", client.port));
    await clientInbox.count(1);
    assertEquals(serverInbox.received.length, 1);
    assertEquals(server.counters.received, 1);
    assertEquals(serverInbox.errors, []);
  });

  check("close twice, send afterwards, bind the port again", async (bind) => {
    const inbox = new Inbox();
    const first = await bind(inbox.options({ hostname: "127.0.0.1" }));
    const closing = first.close();
    assertStrictEquals(first.close(), closing);
    const to = new Endpoint("127.0.0.1", first.port);
    assertEquals(first.send(new Uint8Array(48), to), "closed");
    await closing;
    assertEquals(first.send(new Uint8Array(48), to), "closed");
    assertStrictEquals(first.close(), closing);
    assertEquals(first.counters.dropped, 2);
    const again = await bind(inbox.options({ hostname: "127.0.0.1", port: first.port }));
    again.send(Uint8Array.of(1), to);
    await inbox.count(1);
    assertEquals(inbox.errors, []);
  });

  check("what was sent before close goes out", async (bind) => {
    const { server, client, serverInbox } = await pair(bind, "127.0.0.1");
    serverInbox.intercept = undefined;
    for (let i = 0; i < 20; i++) {
      client.send(Uint8Array.of(i), new Endpoint("127.0.0.1", server.port));
    }
    await client.close();
    await serverInbox.count(20);
  });

  check("a handler that throws is counted and reported; the next datagram comes", async (bind) => {
    const { server, client, serverInbox } = await pair(bind, "127.0.0.1");
    const to = new Endpoint("127.0.0.1", server.port);
    serverInbox.intercept = ([byte]) => {
      if (byte === 0) throw new TypeError("of the handler");
      if (byte === 1) throw "no error object";
    };
    for (let i = 0; i < 3; i++) {
      client.send(Uint8Array.of(i), to);
      await serverInbox.count(i + 1);
    }
    assertEquals(server.counters.handlerErrors, 2);
    assertEquals(server.counters.received, 3);
    const [first, second] = serverInbox.errors;
    assertInstanceOf(first, TypeError);
    assertEquals([first.message, second!.message], ["of the handler", "no error object"]);
  });

  check("neither a throwing onError nor a throwing clock ends anything", async (bind) => {
    const inbox = new Inbox();
    const { clock, onError, ...rest } = inbox.options({ hostname: "127.0.0.1" });
    let readings = 0;
    const server = await bind({
      ...rest,
      clock: {
        read(into) {
          if (++readings === 1) throw new Error("of the clock");
          clock.read(into);
        },
      },
      onError(error) {
        onError!(error);
        throw new Error("of onError");
      },
    });
    const to = new Endpoint("127.0.0.1", server.port);
    server.send(Uint8Array.of(0), to);
    await inbox.until(() => inbox.errors.length > 0);
    server.send(Uint8Array.of(1), to);
    await inbox.count(1);
    assertEquals(inbox.firstBytes, [1]);
    assertEquals(inbox.errors.map(({ message }) => message), ["of the clock"]);
    assertEquals(server.counters.handlerErrors, 2);
  });

  check("without onError errors are counted", async (bind) => {
    const inbox = new Inbox();
    const { onError: _, ...options } = inbox.options({ hostname: "127.0.0.1" });
    const server = await bind(options);
    inbox.intercept = () => {
      throw new Error("unheard");
    };
    for (let i = 0; i < 2; i++) {
      server.send(Uint8Array.of(i), new Endpoint("127.0.0.1", server.port));
    }
    await inbox.count(2);
    assertEquals(server.counters.received, 2);
    assertGreater(server.counters.handlerErrors, 0);
  });

  check("a signal that fired before: nothing is bound", async (bind) => {
    const signal = AbortSignal.abort(new Error("the reason"));
    const error = await assertRejects(() => bind(new Inbox().options({ signal })), NTPError);
    assertEquals([error.code, error.name], ["aborted", "AbortError"]);
    assertStringIncludes(error.message, "the reason");
    assertStrictEquals(error.cause, signal.reason);
  });

  check("a signal that fires while binding frees the port", async (bind) => {
    const port = await closedPort(bind);
    const controller = new AbortController();
    const options = { hostname: "127.0.0.1", port };
    const binding = bind(new Inbox().options({ ...options, signal: controller.signal }));
    controller.abort();
    assertEquals(await code(binding), "aborted");
    await bind(new Inbox().options(options));
  });

  check("a signal that fires afterwards closes", async (bind) => {
    const controller = new AbortController();
    const inbox = new Inbox();
    const transport = await bind(
      inbox.options({ hostname: "127.0.0.1", signal: controller.signal }),
    );
    controller.abort();
    const to = new Endpoint("127.0.0.1", transport.port);
    assertEquals(transport.send(new Uint8Array(48), to), "closed");
    await transport.close();
    await bind(inbox.options({ hostname: "127.0.0.1", port: transport.port }));
    assertEquals(inbox.errors, []);
  });

  check("a closed transport lets go of the signal", async (bind) => {
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    const counted = Object.assign(signal, {
      addEventListener(...args: Parameters<AbortSignal["addEventListener"]>) {
        listeners++;
        addEventListener.apply(signal, args);
      },
      removeEventListener(...args: Parameters<AbortSignal["removeEventListener"]>) {
        listeners--;
        removeEventListener.apply(signal, args);
      },
    });
    const options = new Inbox().options({ hostname: "127.0.0.1", signal: counted });
    const transport = await bind(options);
    assertGreater(listeners, 0);
    await transport.close();
    assertEquals(listeners, 0);
  });

  for (const option of ["reusePort", "reuseAddress", "ipv6Only", "multicast"] as const) {
    check(`${option} throws where it cannot be honoured`, async (bind) => {
      const options = new Inbox().options({ hostname: "::", [option]: true });
      const error = await assertRejects(() => bind(options), NTPError, option);
      assertEquals(error.code, "unsupported");
      assertMatch(error.message, /node|Node|adapter/);
    }, (honours.includes(option) && "it is honoured") || noIpv6);
  }

  check("reusePort shares a port", async (bind) => {
    const inbox = new Inbox();
    const options = { hostname: "127.0.0.1", reusePort: true };
    const { port } = await bind(inbox.options(options));
    await bind(inbox.options({ ...options, port }));
    await assertRejects(() => bind(inbox.options({ hostname: "127.0.0.1", port })), NTPError);
    const sender = await bind(new Inbox().options({ hostname: "127.0.0.1" }));
    for (let i = 0; i < 20; i++) sender.send(Uint8Array.of(i), new Endpoint("127.0.0.1", port));
    await inbox.count(20);
  }, !honours.includes("reusePort") && "it throws");

  check("reuseAddress binds a port that is in use", async (bind) => {
    const inbox = new Inbox();
    const options = { hostname: "127.0.0.1", reuseAddress: true };
    const { port } = await bind(inbox.options(options));
    await bind(inbox.options({ ...options, port }));
    const sender = await bind(new Inbox().options({ hostname: "127.0.0.1" }));
    for (let i = 0; i < 20; i++) sender.send(Uint8Array.of(i), new Endpoint("127.0.0.1", port));
    await inbox.count(20);
  }, !honours.includes("reuseAddress") && "it throws");

  check("ipv6Only leaves IPv4 to another socket", async (bind) => {
    const inbox6 = new Inbox(), inbox4 = new Inbox();
    const { port } = await bind(inbox6.options({ hostname: "::", ipv6Only: true }));
    await bind(inbox4.options({ hostname: "0.0.0.0", port }));
    for (const hostname of ["127.0.0.1", "::1"]) {
      const sender = await bind(new Inbox().options({ hostname }));
      sender.send(Uint8Array.of(hostname.length), new Endpoint(hostname, port));
    }
    await inbox6.count(1);
    await inbox4.count(1);
    assertEquals([inbox6.firstBytes, inbox4.firstBytes], [[3], [9]]);
  }, (!honours.includes("ipv6Only") && "it throws") || noIpv6);

  check("wrong options are a TypeError or RangeError", async (bind) => {
    const options = new Inbox().options();
    await assertRejects(() => bind({ ...options, port: "123" as never }), TypeError, '"123"');
    await assertRejects(() => bind({ ...options, port: 65536 }), RangeError, "65536");
    await assertRejects(() => bind({ ...options, hostname: "" }), RangeError, "hostname");
    await assertRejects(() => bind({ ...options, clock: undefined as never }), TypeError, "clock");
  });

  check("counters", async (bind) => {
    const { server, client, clientInbox } = await pair(bind, "127.0.0.1");
    const none = { received: 0, sent: 0, dropped: 0, errors: 0, handlerErrors: 0 };
    assertEquals({ ...server.counters }, none);
    for (let i = 0; i < 5; i++) {
      client.send(Uint8Array.of(i), new Endpoint("127.0.0.1", server.port));
    }
    await clientInbox.count(5);
    assertEquals({ ...server.counters }, { ...none, received: 5, sent: 5 });
    assertEquals({ ...client.counters }, { ...none, received: 5, sent: 5 });
  });

  check("buffer and destination may be overwritten right after send", async (bind) => {
    const inboxes = [new Inbox(), new Inbox()];
    const servers: UdpTransport[] = [];
    for (const one of inboxes) servers.push(await bind(one.options({ hostname: "127.0.0.1" })));
    const client = await bind(new Inbox().options({ hostname: "127.0.0.1" }));
    const buffer = new Uint8Array(48), to = new Endpoint("127.0.0.1", 1);
    for (let i = 0; i < 100; i++) {
      buffer.fill(i);
      to.assign("127.0.0.1", servers[i % 2]!.port);
      const outcome = client.send(buffer.subarray(0, 1 + i % 48), to);
      assert(outcome === "sent" || outcome === "queued", outcome);
      to.assign("127.0.0.1", 1);
      buffer.fill(255);
    }
    for (const [at, inbox] of inboxes.entries()) {
      await inbox.count(50);
      const wanted = Array.from({ length: 50 }, (_, i) => 2 * i + at);
      const sorted = inbox.received.toSorted((a, b) => a.data[0]! - b.data[0]!);
      assertEquals(
        sorted.map(({ data }) => data),
        wanted.map((i) => new Uint8Array(1 + i % 48).fill(i)),
      );
    }
  });

  check("of a thousand datagrams none is lost when the receiver keeps up", async (bind) => {
    const { server, client, clientInbox } = await pair(bind, "127.0.0.1");
    const to = new Endpoint("127.0.0.1", server.port);
    const data = new Uint8Array(48), view = new DataView(data.buffer);
    let taken = 0;
    for (let i = 0; i < 1000; i++) {
      view.setUint16(0, i);
      const outcome = client.send(data, to);
      if (outcome === "sent" || outcome === "queued") taken++;
      // A socket's default receive buffer holds 256.
      if (i % 100 === 99) await clientInbox.count(taken);
    }
    assertEquals(taken, 1000);
    const numbers = clientInbox.received.map((one) => (one.data[0]! << 8) | one.data[1]!);
    assertEquals(new Set(numbers).size, 1000);
  });

  check("what is too much for one moment is full, not kept without bound", async (bind) => {
    const inbox = new Inbox();
    const transport = await bind(inbox.options({ hostname: "127.0.0.1" }));
    const to = new Endpoint("127.0.0.1", await closedPort(bind));
    const outcomes = { sent: 0, queued: 0, full: 0, failed: 0, closed: 0 };
    for (let i = 0; i < 3000; i++) outcomes[transport.send(new Uint8Array(48), to)]++;
    assertEquals([outcomes.failed, outcomes.closed], [0, 0]);
    assertEquals(outcomes.queued <= 1024, true, `${outcomes.queued} queued`);
    const { sent, dropped } = transport.counters;
    assertEquals([sent, dropped], [3000 - outcomes.full, outcomes.full]);
    // There is room again when the runtime has had time.
    const self = new Endpoint("127.0.0.1", transport.port);
    while (transport.send(Uint8Array.of(1), self) === "full") {
      await new Promise((resolve) => setTimeout(resolve));
    }
    await inbox.count(1);
    assertEquals(inbox.errors, []);
  });

  check("the clock is read once per datagram, before the handler", async (bind) => {
    const order: string[] = [];
    const inbox = new Inbox();
    const { clock, ...rest } = inbox.options({ hostname: "127.0.0.1" });
    const server = await bind({
      ...rest,
      clock: {
        read(into) {
          order.push("clock");
          clock.read(into);
        },
      },
    });
    inbox.intercept = () => void order.push("handler");
    for (let i = 0; i < 3; i++) {
      server.send(Uint8Array.of(i), new Endpoint("127.0.0.1", server.port));
    }
    await inbox.until(() => order.length >= 6);
    assertEquals(order, ["clock", "handler", "clock", "handler", "clock", "handler"]);
    assertEquals(inbox.received.map(({ arrival }) => arrival), [[1, 0], [2, 0], [3, 0]]);
  }, adapter.stampedByKernel && "arrivals are stamped by the kernel");

  check("what cannot be sent is an event", async (bind) => {
    const inbox = new Inbox();
    const transport = await bind(inbox.options({ hostname: "127.0.0.1" }));
    // Anybody can send from port 0, so a server must survive answering it.
    assertEquals(transport.send(new Uint8Array(48), new Endpoint("127.0.0.1", 0)), "failed");
    assertEquals(transport.send(new Uint8Array(48), new Endpoint("::1", 123)), "failed");
    assertEquals(inbox.errors.map((error) => (error as NTPError).code), ["unreachable"]);
    assertStringIncludes(inbox.errors[0]!.message, "[::1]:123");
    assertEquals([transport.counters.dropped, transport.counters.errors], [2, 2]);
    assertThrows(
      () => transport.send(new Uint8Array(48), new Endpoint("localhost", 123)),
      TypeError,
      "localhost",
    );
  });

  check("what the system refuses to send is an event", async (bind) => {
    const inbox = new Inbox();
    const transport = await bind(inbox.options({ hostname: "127.0.0.1" }));
    // Not from a loopback address.
    transport.send(new Uint8Array(48), new Endpoint("203.0.113.77", 123));
    await inbox.until(() => inbox.errors.length > 0);
    const [error] = inbox.errors;
    assertInstanceOf(error, NTPError);
    assertStringIncludes(error.message, "203.0.113.77:123");
    assertEquals(transport.counters.errors, 1);
    transport.send(Uint8Array.of(1), new Endpoint("127.0.0.1", transport.port));
    await inbox.count(1);
  }, isVirtual);

  check("a link-local address with its scope, there and back", async (bind) => {
    const hostname = `${linkLocal!.address}%${linkLocal!.name}`;
    const { server, client, clientInbox } = await pair(bind, hostname);
    assertEquals(server.hostname, hostname);
    client.send(Uint8Array.of(1), new Endpoint(hostname, server.port));
    await clientInbox.count(1);
    assert(clientInbox.received[0]!.source.equals(new Endpoint(hostname, server.port)));
  }, isVirtual || (linkLocal === undefined && "this machine has no link-local address"));

  check("the scope of a link-local source", async (bind) => {
    const inbox = new Inbox(), clientInbox = new Inbox();
    const hostname = `${linkLocal!.address}%${linkLocal!.name}`;
    const server = await bind(inbox.options({ hostname: "::" }));
    const client = await bind(clientInbox.options({ hostname }));
    client.send(Uint8Array.of(1), new Endpoint(hostname, server.port));
    await inbox.count(1);
    assertEquals(inbox.received[0]!.source.hostname.includes("%"), adapter.keepsScope);
  }, isVirtual || (linkLocal === undefined && "this machine has no link-local address"));
  return checks;
}
