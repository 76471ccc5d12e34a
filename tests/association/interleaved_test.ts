import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Association } from "../../src/association/association.ts";
import { BroadcastSource } from "../../src/association/broadcast_source.ts";
import type { PeerSample } from "../../src/association/events.ts";
import { NTPBroadcaster } from "../../src/association/ntp_broadcaster.ts";
import { NTPPassivePeers } from "../../src/association/ntp_passive_peers.ts";
import { NTPPeer } from "../../src/association/ntp_peer.ts";
import type { Clock } from "../../src/clock/clock.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import { addSeconds, timestampDifference } from "../../src/packet/timestamp.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { Stage } from "../client/stage.ts";

const BASE = 3_900_000_000n << 32n;
/** How long a packet takes to leave, and to arrive. */
const SENDING = 0.003, DELAY = 0.01;

/** Two associations with each other, whose packets take long to leave. */
class Pair {
  now = BASE;
  readonly samples: { readonly offset: number; readonly delay: number; by: string }[] = [];
  readonly packets: NTPPacket[] = [];
  readonly sides: Readonly<Record<string, { association: Association; ahead: number }>>;

  constructor(interleaved: { a: boolean; b: boolean }, ahead = 3) {
    let draw = 0;
    const make = (mode: "symmetric active", seconds: number, isInterleaved: boolean) => {
      const clock = {
        precision: -20,
        now: () => addSeconds(this.now, seconds),
      } as unknown as Clock;
      return {
        ahead: seconds,
        association: new Association({
          mode,
          remote: new Endpoint("192.0.2.1", 123),
          clock,
          interleaved: isInterleaved,
          random: (into) => void into.forEach((_, i) => into[i] = 37 * ++draw + i),
          variables: () => ({
            leapIndicator: 0,
            stratum: 2,
            precision: -20,
            rootDelay: 0,
            rootDispersion: 0,
            referenceId: 1,
            referenceTimestamp: BASE - (1n << 32n),
          }),
        }),
      };
    };
    this.sides = {
      a: make("symmetric active", 0, interleaved.a),
      b: make("symmetric active", ahead, interleaved.b),
    };
  }

  /** One side sends; the packet may be lost. */
  send(from: "a" | "b", options: { lost?: boolean; stamped?: boolean; after?: number } = {}): void {
    const { lost = false, stamped = true, after = 32 } = options;
    const sender = this.sides[from]!, by = from === "a" ? "b" : "a", receiver = this.sides[by]!;
    const data = sender.association.transmit();
    this.packets.push(NTPPacket.decode(data));
    const left = addSeconds(this.now, SENDING);
    if (stamped) sender.association.departed(addSeconds(left, sender.ahead));
    if (!lost) {
      const arrival = addSeconds(left, DELAY + receiver.ahead);
      const reception = receiver.association.receive(data, arrival);
      if (reception.outcome === "sample") this.samples.push({ ...reception.sample, by });
    }
    this.now = addSeconds(this.now, after);
  }
}

test("peers in interleaved mode measure without the time that packets take to leave", () => {
  const pair = new Pair({ a: true, b: true });
  for (let i = 0; i < 10; i++) pair.send(i % 2 === 0 ? "a" : "b");
  const last = pair.samples.slice(-4);
  assertEquals(last.map(({ by }) => by), ["b", "a", "b", "a"]);
  for (const { offset, delay, by } of last) {
    assertAlmostEquals(offset, by === "a" ? 3 : -3, 2e-6);
    assertAlmostEquals(delay, 2 * DELAY, 4e-6);
  }
});

test("one side's option is enough for both", () => {
  const pair = new Pair({ a: true, b: false });
  for (let i = 0; i < 12; i++) pair.send(i % 2 === 0 ? "a" : "b");
  for (const side of ["a", "b"]) {
    const { delay } = pair.samples.filter(({ by }) => by === side).at(-1)!;
    assertAlmostEquals(delay, 2 * DELAY, 4e-6);
  }
});

test("without the option nobody begins interleaved mode", () => {
  const pair = new Pair({ a: false, b: false });
  for (let i = 0; i < 10; i++) pair.send(i % 2 === 0 ? "a" : "b");
  for (const [i, packet] of pair.packets.entries()) {
    if (i > 0) assertEquals(packet.originTimestamp, pair.packets[i - 1]!.transmitTimestamp);
  }
});

test("an interleaved packet gives back the receive timestamp, and tells the last departure", () => {
  const pair = new Pair({ a: true, b: true });
  for (let i = 0; i < 8; i++) pair.send(i % 2 === 0 ? "a" : "b");
  const [, , , , before, theirs, ours] = pair.packets;
  assertEquals(ours!.originTimestamp, theirs!.receiveTimestamp);
  assert(before !== undefined);
  const left = addSeconds(BASE, 4 * 32 + SENDING);
  assert(Math.abs(timestampDifference(ours!.transmitTimestamp, left)) < 2e-6);
});

test("after every loss, alone or in a row, no sample is wrong, and interleaved mode comes back", () => {
  for (let pattern = 0; pattern < 256; pattern++) {
    const pair = new Pair({ a: true, b: true });
    for (let i = 0; i < 26; i++) {
      const lost = i >= 6 && i < 14 && (pattern >> (i - 6) & 1) === 1;
      pair.send(i % 2 === 0 ? "a" : "b", { lost });
    }
    for (const { offset, delay, by } of pair.samples) {
      // In basic mode sending counts as delay, and half of it as offset, at most.
      assertAlmostEquals(offset, by === "a" ? 3 : -3, SENDING, `pattern ${pattern}`);
      assert(delay >= 2 * DELAY - 1e-5 && delay <= 2 * (DELAY + SENDING) + 1e-5, `${delay}`);
    }
    assertAlmostEquals(pair.samples.at(-1)!.delay, 2 * DELAY, 4e-6, `pattern ${pattern}`);
  }
});

test("a peer that sends twice as often: never a departure for the wrong packet", () => {
  const pair = new Pair({ a: true, b: true });
  for (let i = 0; i < 40; i++) pair.send(i % 3 === 2 ? "b" : "a", { after: 20 });
  assert(pair.samples.length >= 12, `${pair.samples.length}`);
  for (const { offset, by } of pair.samples) {
    assertAlmostEquals(offset, by === "a" ? 3 : -3, SENDING);
  }
});

test("packets that cross are never paired wrongly", () => {
  const pair = new Pair({ a: true, b: true });
  for (let i = 0; i < 30; i++) {
    const { a, b } = i % 4 < 2 ? { a: "a", b: "b" } as const : { a: "b", b: "a" } as const;
    pair.send(a, { after: 0.001 });
    pair.send(b);
  }
  for (const { offset, by } of pair.samples) {
    assertAlmostEquals(offset, by === "a" ? 3 : -3, SENDING);
  }
});

test("an interleaved packet that comes again, or gives back something else, measures nothing", () => {
  const pair = new Pair({ a: true, b: true });
  for (let i = 0; i < 7; i++) pair.send(i % 2 === 0 ? "a" : "b");
  const last = pair.packets.at(-1)!, count = pair.samples.length;
  const arrival = addSeconds(pair.now, 3);
  const { association } = pair.sides.b!;
  const bytes = (changes: Partial<NTPPacket>) => new NTPPacket({ ...last, ...changes }).encode();
  const receive = (changes: Partial<NTPPacket>) => association.receive(bytes(changes), arrival);
  assertEquals(receive({}), { outcome: "ignored", reason: "duplicate" });
  const transmitTimestamp = last.transmitTimestamp + 5n;
  assertEquals(receive({ transmitTimestamp }), { outcome: "ignored", reason: "repeated" });
  const originTimestamp = last.originTimestamp + 1n;
  assertEquals(receive({ originTimestamp, transmitTimestamp: 7n }), {
    outcome: "ignored",
    reason: "bogus",
  });
  // The repeated one was taken over, as that of a peer which polls more often: an answer is lost.
  for (let i = 7; i < 16; i++) pair.send(i % 2 === 0 ? "a" : "b");
  assert(pair.samples.length >= count + 5, `${pair.samples.length - count} samples`);
  assertAlmostEquals(pair.samples.at(-1)!.delay, 2 * DELAY, 4e-6);
});

/** A peer that knows basic mode alone (RFC 5905 §8), and holds what it takes for bogus, or not. */
class BasicPeer {
  sent = 0n;
  origin = 0n;
  arrival = 0n;
  valid = 0;
  readonly #keepsBogus: boolean;

  constructor(keepsBogus: boolean) {
    this.#keepsBogus = keepsBogus;
  }

  receive(packet: NTPPacket, arrival: bigint): void {
    const isValid = packet.originTimestamp === this.sent && this.sent !== 0n;
    if (isValid) this.valid++;
    if (!isValid && packet.originTimestamp !== 0n && !this.#keepsBogus) return;
    this.origin = packet.transmitTimestamp;
    this.arrival = arrival;
  }

  transmit(now: bigint): Uint8Array {
    this.sent = now;
    return new NTPPacket({
      mode: 1,
      stratum: 2,
      precision: -20,
      referenceTimestamp: BASE - (1n << 32n),
      originTimestamp: this.origin,
      receiveTimestamp: this.arrival,
      transmitTimestamp: now,
    }).encode();
  }
}

test("a peer that knows basic mode alone loses next to nothing", () => {
  for (const keepsBogus of [false, true]) {
    const pair = new Pair({ a: true, b: false });
    const { association } = pair.sides.a!, peer = new BasicPeer(keepsBogus);
    let samples = 0;
    for (let i = 0; i < 500; i++) {
      const data = association.transmit();
      association.departed(addSeconds(pair.now, SENDING));
      peer.receive(NTPPacket.decode(data), addSeconds(pair.now, SENDING + DELAY));
      pair.now = addSeconds(pair.now, 32);
      const reception = association.receive(
        peer.transmit(pair.now),
        addSeconds(pair.now, DELAY),
      );
      if (reception.outcome === "sample") samples++;
      pair.now = addSeconds(pair.now, 32);
    }
    assert(peer.valid > 450, `${peer.valid} of 500 there`);
    assert(samples > 450, `${samples} of 500 here`);
  }
});

test("a client's association knows no interleaved mode: no guess at an arrival is an answer", () => {
  const clock = { precision: -20, now: () => BASE } as unknown as Clock;
  let draw = 0;
  const client = new Association({
    mode: "client",
    remote: new Endpoint("192.0.2.1", 123),
    clock,
    random: (into) => void into.forEach((_, i) => into[i] = 41 * ++draw + i),
  });
  const answer = (origin: bigint, transmitTimestamp: bigint) =>
    new NTPPacket({
      mode: 4,
      stratum: 2,
      precision: -20,
      originTimestamp: origin,
      receiveTimestamp: BASE,
      transmitTimestamp,
    }).encode();
  const { transmitTimestamp } = NTPPacket.decode(client.transmit());
  const arrival = addSeconds(BASE, 0.01);
  assertEquals(client.receive(answer(transmitTimestamp, BASE), arrival).outcome, "sample");
  client.transmit();
  assertEquals(client.receive(answer(arrival, BASE + 9n), arrival + 9n), {
    outcome: "ignored",
    reason: "bogus",
  });
});

test("what is measured already must pass the tests all the same", () => {
  const pair = new Pair({ a: true, b: true });
  for (let i = 0; i < 3; i++) pair.send(i % 2 === 0 ? "a" : "b");
  const { association } = pair.sides.a!;
  const data = pair.sides.b!.association.transmit();
  const arrival = addSeconds(pair.now, SENDING + DELAY);
  data[1] = 16; // it has lost the time
  assertEquals(association.receive(data, arrival).outcome, "fault");
});

test("the receive timestamp, which answers give back, has random bits below the precision", () => {
  const pair = new Pair({ a: true, b: true });
  pair.send("a");
  const arrival = addSeconds(pair.now, -32 + SENDING + DELAY + 3);
  pair.send("b");
  const { receiveTimestamp } = pair.packets.at(-1)!;
  assert(receiveTimestamp !== arrival && receiveTimestamp >> 12n === arrival >> 12n);
});

test("a stamp that cannot be that of the packet is not believed", () => {
  const pair = new Pair({ a: true, b: true });
  for (let i = 0; i < 12; i++) pair.send(i % 2 === 0 ? "a" : "b", { stamped: false });
  for (const { offset, by } of pair.samples) {
    assertAlmostEquals(offset, by === "a" ? 3 : -3, SENDING);
  }
});

test("peers on servers go over to interleaved mode, and their samples stay right", async () => {
  const stage = new Stage();
  const servers: NTPServer[] = [];
  for (const [i, hostname] of ["192.0.2.1", "192.0.2.2"].entries()) {
    const server = new NTPServer({
      clock: stage.clock(3 * i),
      bind: stage.network.bind,
      stratum: 2,
      refid: `203.0.113.${i + 1}`,
    });
    await server.listen({ hostname });
    servers.push(server);
  }
  const [a, b] = servers;
  const samples: PeerSample[] = [], passiveSamples: PeerSample[] = [];
  const passive = new NTPPassivePeers({
    server: b!,
    timers: stage.time,
    allowUnauthenticated: true,
    onSample: (sample) => passiveSamples.push(sample),
  });
  passive.start();
  const peer = new NTPPeer({
    server: a!,
    endpoint: "192.0.2.2",
    interleaved: true,
    minPoll: 4,
    maxPoll: 4,
    timers: stage.time,
    resolve: (host) => Promise.resolve([host]),
    onSample: (sample) => samples.push(sample),
  });
  await peer.start();
  await stage.time.run(30 * 16_500);
  assert(samples.length >= 20, `${samples.length} samples`);
  assert(passiveSamples.length >= 20, `${passiveSamples.length} samples`);
  for (const { offset } of samples) assertAlmostEquals(offset, 3, 1e-5);
  for (const { offset } of passiveSamples) assertAlmostEquals(offset, -3, 1e-5);
  const { ignored, reach } = peer.statistics()!;
  assertEquals(ignored.measured, 1);
  assertEquals(ignored.bogus, undefined);
  assertEquals(reach | 1, 0o377);
  passive.close();
  peer.close();
  for (const server of servers) await server.close();
});

function broadcast(transmitTimestamp: bigint, originTimestamp = 0n): NTPPacket {
  return new NTPPacket({ mode: 5, stratum: 1, precision: -20, originTimestamp, transmitTimestamp });
}

test("an interleaved broadcast measures the one before it", () => {
  const clock = { precision: -20 } as unknown as Clock;
  const source = new BroadcastSource({
    remote: new Endpoint("192.0.2.9", 123),
    key: undefined,
    clock,
  });
  source.calibrate(2 * DELAY);
  const offsets: number[] = [];
  let origin = 0n;
  for (let i = 0; i < 6; i++) {
    const transmit = addSeconds(BASE, 64 * i), left = addSeconds(transmit, SENDING);
    const isLost = i === 3;
    if (!isLost) {
      const arrival = addSeconds(left, DELAY - 3);
      const reception = source.receive(broadcast(transmit, origin), arrival, "none");
      assertEquals(reception.outcome, "sample");
      if (reception.outcome === "sample") offsets.push(reception.sample.offset);
    }
    origin = left;
  }
  // Basic at first, and after a loss, since nobody knows when that which is told of arrived.
  for (const [i, offset] of offsets.entries()) {
    assertAlmostEquals(offset, i === 0 || i === 3 ? 3 - SENDING : 3, 2e-6, `broadcast ${i}`);
  }
});

test("broadcasts tell when the one before left, where that is asked for", async () => {
  for (const interleaved of [false, true]) {
    const stage = new Stage();
    const packets: NTPPacket[] = [];
    await stage.network.bind({
      hostname: "192.0.2.255",
      port: 123,
      clock: stage.clock(),
      onDatagram: (data) => void packets.push(NTPPacket.decode(data)),
    });
    const server = new NTPServer({ clock: stage.clock(), bind: stage.network.bind });
    await server.listen({ hostname: "192.0.2.1" });
    const broadcaster = new NTPBroadcaster({
      server,
      targets: ["192.0.2.255"],
      interval: 16,
      interleaved,
      timers: stage.time,
      onWarning: () => {},
    });
    broadcaster.start();
    await stage.time.run(50_000);
    broadcaster.close();
    await server.close();
    assert(packets.length >= 3, `${packets.length} packets`);
    for (const [i, { originTimestamp }] of packets.entries()) {
      if (i === 0 || !interleaved) assertEquals(originTimestamp, 0n);
      else {
        const { transmitTimestamp } = packets[i - 1]!;
        assert(Math.abs(timestampDifference(originTimestamp, transmitTimestamp)) < 1e-3);
      }
    }
  }
});

test("the option interleaved is a boolean", () => {
  const server = new NTPServer();
  const interleaved = "yes" as unknown as boolean;
  assertThrows(
    () => new NTPPeer({ server, endpoint: "192.0.2.1", interleaved }),
    TypeError,
    "interleaved",
  );
  assertThrows(
    () => new NTPBroadcaster({ server, targets: ["192.0.2.255"], interleaved }),
    TypeError,
    "interleaved",
  );
});
