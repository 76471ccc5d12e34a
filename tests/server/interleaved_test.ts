import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { NTPPacket } from "../../src/packet/packet.ts";
import { timestampFromWords } from "../../src/packet/timestamp.ts";
import { Interleaved, NO_SLOT } from "../../src/server/interleaved.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";

const CLIENT = new Endpoint("192.0.2.1", 123).bytes;
const OTHER = new Endpoint("192.0.2.2", 123).bytes;

function request(originTimestamp: bigint, receiveTimestamp = 5n, transmitTimestamp = 6n) {
  return new NTPPacket({ originTimestamp, receiveTimestamp, transmitTimestamp }).encode();
}

const words = (seconds: number, fraction: number): Uint32Array =>
  new Uint32Array([seconds, fraction]);

test("interleaved: a client that gives nothing back costs nothing", () => {
  const interleaved = new Interleaved();
  assertEquals(interleaved.remember(request(0n), CLIENT, words(1, 2)), NO_SLOT);
  assertEquals(interleaved.find(request(0n), CLIENT), false);
});

test("interleaved: the reply before is found by its receive timestamp, once", () => {
  const interleaved = new Interleaved();
  const slot = interleaved.remember(request(9n), CLIENT, words(100, 200));
  const next = request(timestampFromWords(100, 200));
  assertEquals(interleaved.find(next, CLIENT), false); // it is not known yet when it left
  interleaved.stamp(slot, 200, words(100, 300));
  assertEquals(interleaved.find(next, CLIENT), true);
  assertEquals([...interleaved.transmit], [100, 300]);
  assertEquals(interleaved.find(next, CLIENT), false);
});

test("interleaved: nobody learns of another's reply", () => {
  const interleaved = new Interleaved();
  interleaved.stamp(interleaved.remember(request(9n), CLIENT, words(100, 200)), 200, words(1, 1));
  assertEquals(interleaved.find(request(timestampFromWords(100, 200)), OTHER), false);
  assertEquals(interleaved.find(request(timestampFromWords(100, 201)), CLIENT), false);
  assertEquals(interleaved.find(request(timestampFromWords(101, 200)), CLIENT), false);
});

test("interleaved: a request that could not tell the modes apart is basic", () => {
  const interleaved = new Interleaved();
  interleaved.stamp(interleaved.remember(request(9n), CLIENT, words(100, 200)), 200, words(1, 1));
  assertEquals(interleaved.find(request(timestampFromWords(100, 200), 7n, 7n), CLIENT), false);
});

test("interleaved: a stamp that comes when the place is another's is dropped", () => {
  const interleaved = new Interleaved(64);
  const slot = interleaved.remember(request(9n), CLIENT, words(100, 200));
  for (let i = 0; i < 4096; i++) interleaved.remember(request(9n), CLIENT, words(200, 5000 + i));
  interleaved.stamp(slot, 200, words(1, 1));
  assertEquals(interleaved.find(request(timestampFromWords(100, 200)), CLIENT), false);
});

test("interleaved: of 16,000 clients in turn hardly one is forgotten", () => {
  const interleaved = new Interleaved(65536, 12345);
  const clients = Array.from({ length: 16_000 }, (_, i) => ({
    bytes: new Endpoint(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 123).bytes,
    fraction: Math.imul(i, 0x9e3779b1) >>> 0,
  }));
  for (const { bytes, fraction } of clients) {
    const slot = interleaved.remember(request(9n), bytes, words(100, fraction));
    interleaved.stamp(slot, fraction, words(100, fraction + 1));
  }
  const found = clients.filter(({ bytes, fraction }) =>
    interleaved.find(request(timestampFromWords(100, fraction)), bytes)
  );
  assert(found.length > 15_600, `${found.length}`);
});

test("interleaved: memory of a size that there is", () => {
  assertThrows(() => new Interleaved(1000), RangeError, "1000");
  assertThrows(() => new Interleaved(32), RangeError, "32");
  assertThrows(() => new Interleaved(2 ** 23), RangeError, "power of two");
});
