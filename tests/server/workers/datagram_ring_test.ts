import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  DatagramRing,
  makeDatagramRing,
  MAX_RING_DATAGRAM,
} from "../../../src/server/workers/datagram_ring.ts";
import { Endpoint } from "../../../src/transport/endpoint.ts";

function ends(): { writer: DatagramRing; reader: DatagramRing } {
  const memory = makeDatagramRing();
  return { writer: new DatagramRing(memory), reader: new DatagramRing(memory) };
}

function take(ring: DatagramRing): string[] {
  const taken: string[] = [];
  ring.takeAll((data, hostname, port, arrival) => {
    taken.push(`${data.length} ${data[0]} ${data.at(-1)} ${hostname} ${port} ${arrival.join(" ")}`);
  });
  return taken;
}

const V6 = "fe80:1111:2222:3333:4444:5555:6666:7777%enp0s31f6";

test("ring: datagrams come out as they went in, in order", () => {
  const { writer, reader } = ends();
  assertEquals(take(reader), []);
  const arrival = new Uint32Array([0xf0000001, 0xffffffff]);
  assertEquals(writer.put(new Uint8Array(48).fill(200), new Endpoint(V6, 65535), arrival), true);
  const long = new Uint8Array(MAX_RING_DATAGRAM).fill(9);
  writer.put(long, new Endpoint("::ffff:192.0.2.1", 123), new Uint32Array([1, 2]));
  writer.put(new Uint8Array(49), new Endpoint("192.0.2.7", 1), new Uint32Array(2));
  assertEquals(take(reader), [
    `48 200 200 ${V6} 65535 4026531841 4294967295`,
    "2048 9 9 ::ffff:192.0.2.1 123 1 2",
    "49 0 0 192.0.2.7 1 0 0",
  ]);
  assertEquals(take(reader), []);
});

test("ring: the reader is told once until it has come", () => {
  const { writer, reader } = ends();
  const put = () =>
    writer.put(new Uint8Array(48), new Endpoint("192.0.2.1", 1), new Uint32Array(2));
  assertEquals([put(), put(), put()], [true, false, false]);
  assertEquals(take(reader).length, 3);
  assertEquals([put(), put()], [true, false]);
  let during: boolean | undefined;
  reader.takeAll(() => during ??= put());
  assertEquals(during, true); // since it may have come too late to be seen
});

test("ring: what finds no room is lost and counted, and room comes back", () => {
  const { writer, reader } = ends();
  const source = new Endpoint("192.0.2.1", 1), arrival = new Uint32Array(2);
  let inside = 0;
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 100; i++) writer.put(new Uint8Array(48).fill(i), source, arrival);
    const taken = take(reader);
    inside += taken.length;
    assertEquals(taken[0], "48 0 0 192.0.2.1 1 0 0");
    assertEquals(inside + reader.lost, 100 * (round + 1));
  }
  assertEquals(inside, 5 * 64);
  const { lost } = reader;
  assertEquals(writer.put(new Uint8Array(MAX_RING_DATAGRAM + 1), source, arrival), false);
  assertEquals(writer.put(new Uint8Array(48), new Endpoint("a".repeat(65), 1), arrival), false);
  assertEquals(reader.lost - lost, 2);
});

test("ring: a flood that goes on while it is read does not hold the reader", () => {
  const { writer, reader } = ends();
  const source = new Endpoint("192.0.2.1", 1);
  const put = () => writer.put(new Uint8Array(48), source, new Uint32Array(2));
  put();
  let count = 0;
  reader.takeAll(() => {
    count++;
    put();
    put();
  });
  assertEquals(count, 64);
});
