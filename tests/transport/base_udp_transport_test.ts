import { test } from "node:test";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { BaseUdpTransport } from "../../src/transport/base_udp_transport.ts";
import { checkBindOptions } from "../../src/transport/bind_options.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { SendOutcome, UdpBindOptions } from "../../src/transport/udp_transport.ts";
import { Inbox } from "./inbox.ts";

/** An adapter whose runtime does what the test says. */
class Scripted extends BaseUdpTransport {
  override readonly kind = "scripted";
  override readonly port = 5;
  outcome: () => SendOutcome = () => "sent";
  released: () => Promise<void> = () => Promise.resolve();
  readonly addresses: string[] = [];

  constructor(options: UdpBindOptions, hostname = "::") {
    super(checkBindOptions(options), hostname);
  }

  arrive(data: Uint8Array, hostname: string, port: number): void {
    this.deliver(data, hostname, port);
  }

  protected override transmit(_data: Uint8Array, to: Endpoint): SendOutcome {
    this.addresses.push(this.addressOf(to));
    return this.outcome();
  }

  protected override permitBroadcast(): void {}

  protected override release(): Promise<void> {
    return this.released();
  }
}

test("transports: what arrives after close() is not delivered", () => {
  const inbox = new Inbox();
  const transport = new Scripted(inbox.options());
  transport.arrive(Uint8Array.of(1), "192.0.2.1", 123);
  transport.close();
  transport.arrive(Uint8Array.of(2), "192.0.2.1", 123);
  assertEquals(inbox.firstBytes, [1]);
  assertEquals(transport.counters.received, 1);
});

test("transports: source and arrival are lent, the same objects each time", () => {
  const lent: unknown[] = [];
  const { onDatagram: _, ...options } = new Inbox().options();
  const transport = new Scripted({
    ...options,
    onDatagram: (_data, source, arrival) => void lent.push(source, arrival),
  });
  for (let i = 0; i < 2; i++) transport.arrive(new Uint8Array(1), `192.0.2.${i}`, i);
  assertEquals([lent[0] === lent[2], lent[1] === lent[3]], [true, true]);
});

test("transports: what the runtime throws is an event, and counted as dropped", () => {
  const inbox = new Inbox();
  const transport = new Scripted(inbox.options());
  transport.outcome = () => {
    throw Object.assign(new Error(), { code: "ENETUNREACH" });
  };
  assertEquals(transport.send(new Uint8Array(1), new Endpoint("192.0.2.1", 123)), "failed");
  const [error] = inbox.errors;
  assertInstanceOf(error, NTPError);
  assertEquals(error.code, "unreachable");
  const { sent, dropped, errors } = transport.counters;
  assertEquals({ sent, dropped, errors }, { sent: 0, dropped: 1, errors: 1 });
});

test("transports: only what is taken counts as sent", () => {
  const transport = new Scripted(new Inbox().options());
  for (const outcome of ["sent", "queued", "full"] as const) {
    transport.outcome = () => outcome;
    assertEquals(transport.send(new Uint8Array(1), new Endpoint("::1", 123)), outcome);
  }
  const { sent, dropped } = transport.counters;
  assertEquals({ sent, dropped }, { sent: 2, dropped: 1 });
});

test("transports: addresses in the form that the socket takes", () => {
  const given = ["192.0.2.1", "192.0.2.2", "192.0.2.2", "::ffff:192.0.2.3", "fe80::1%eth0"];
  const addresses = (hostname: string) => {
    const transport = new Scripted(new Inbox().options(), hostname);
    for (const address of given) transport.send(new Uint8Array(1), new Endpoint(address, 1));
    return transport.addresses;
  };
  assertEquals(addresses("::"), [
    "::ffff:192.0.2.1",
    "::ffff:192.0.2.2",
    "::ffff:192.0.2.2",
    "::ffff:192.0.2.3",
    "fe80::1%eth0",
  ]);
  assertEquals(addresses("0.0.0.0"), ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"]);
});

test("transports: close() is through even if the runtime is not", async () => {
  const inbox = new Inbox();
  const transport = new Scripted(inbox.options());
  transport.released = () => Promise.reject(new Error("no such socket"));
  await transport.close();
  assertEquals(transport.closed, true);
  assertEquals(transport.counters.errors, 1);
  assertEquals(inbox.errors, []);
});
