import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { OnWire, type OnWireVerdict } from "../../src/association/on_wire.ts";
import { NTPPacket } from "../../src/packet/mod.ts";

function packet(origin: bigint, receive: bigint, transmit: bigint): NTPPacket {
  return new NTPPacket({
    mode: 1,
    originTimestamp: origin,
    receiveTimestamp: receive,
    transmitTimestamp: transmit,
  });
}

/** Judges a packet and takes it. */
function take(onWire: OnWire, what: NTPPacket, arrival: bigint): OnWireVerdict {
  const verdict = onWire.judge(what);
  onWire.take(what, arrival, verdict);
  return verdict;
}

test("an answer to our packet is valid, once", () => {
  const onWire = new OnWire();
  onWire.sent(10n, 10n);
  const answer = packet(10n, 12n, 13n);
  assertEquals(take(onWire, answer, 15n), "valid");
  assertEquals([onWire.originTimestamp, onWire.receiveTimestamp], [13n, 15n]);
  assertEquals(take(onWire, answer, 16n), "duplicate");
  assertEquals(onWire.receiveTimestamp, 15n);
});

test("nothing is valid while nothing was asked (CVE-2015-8138)", () => {
  const onWire = new OnWire();
  assertEquals(onWire.judge(packet(0n, 0n, 5n)), "unsolicited");
  assertEquals(onWire.judge(packet(0n, 7n, 5n)), "bogus");
  assertEquals(onWire.judge(packet(9n, 7n, 5n)), "bogus");
});

test("a packet without a timestamp that it must have is bogus", () => {
  const onWire = new OnWire();
  onWire.sent(10n, 10n);
  assertEquals(onWire.judge(packet(10n, 12n, 0n)), "bogus");
  assertEquals(onWire.judge(packet(10n, 0n, 13n)), "bogus");
});

test("a peer that starts anew gets its timestamp back", () => {
  const onWire = new OnWire();
  onWire.sent(10n, 10n);
  assertEquals(take(onWire, packet(0n, 0n, 77n), 20n), "unsolicited");
  assertEquals([onWire.originTimestamp, onWire.receiveTimestamp], [77n, 20n]);
});

test("a forged packet changes nothing once an answer has come (CVE-2015-1853)", () => {
  const onWire = new OnWire();
  onWire.sent(10n, 10n);
  take(onWire, packet(10n, 12n, 13n), 15n);
  for (const forged of [packet(0n, 0n, 66n), packet(5n, 6n, 66n)]) take(onWire, forged, 16n);
  assertEquals([onWire.originTimestamp, onWire.receiveTimestamp], [13n, 15n]);
});

test("a forged packet before the answer does not keep the answer out", () => {
  const onWire = new OnWire();
  onWire.sent(10n, 10n);
  take(onWire, packet(5n, 6n, 66n), 11n);
  assertEquals(take(onWire, packet(10n, 12n, 13n), 15n), "valid");
  assertEquals(onWire.originTimestamp, 13n);
});

test("of a peer that polls more often the latest packet is given back, and none twice measured", () => {
  const onWire = new OnWire();
  onWire.sent(10n, 10n);
  const first = packet(10n, 12n, 13n), second = packet(10n, 12n, 29n);
  assertEquals(take(onWire, first, 15n), "valid");
  assertEquals(take(onWire, second, 31n), "repeated");
  assertEquals(onWire.originTimestamp, 29n);
  assertEquals(take(onWire, first, 32n), "repeated"); // overtaken, or replayed
  assertEquals([onWire.originTimestamp, onWire.receiveTimestamp], [29n, 31n]);
});

test("packets that cross answer the last but one, each once", () => {
  const onWire = new OnWire();
  onWire.sent(10n, 11n);
  onWire.sent(20n, 21n);
  const crossing = packet(10n, 12n, 19n);
  assertEquals(onWire.exchangeOf(crossing, 22n)!.requestTimestamp, 11n);
  assertEquals(take(onWire, crossing, 22n), "valid");
  assertEquals(take(onWire, packet(10n, 12n, 20n), 23n), "repeated");
  const answer = packet(20n, 22n, 24n);
  assertEquals(onWire.exchangeOf(answer, 25n)!.requestTimestamp, 21n);
  assertEquals(take(onWire, answer, 25n), "valid");
});

test("an answer to an older packet of ours is bogus", () => {
  const onWire = new OnWire();
  for (const time of [10n, 20n, 30n]) onWire.sent(time, time);
  assertEquals(onWire.judge(packet(10n, 12n, 13n)), "bogus");
  assertEquals(onWire.judge(packet(30n, 32n, 33n)), "valid");
});
