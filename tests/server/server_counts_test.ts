import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { NTPPacket } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { RateLimiter } from "../../src/server/rate_limiter.ts";
import {
  REPLY_DELAY_BOUNDS,
  REPLY_DELAY_PLACES,
  replyDelayPlace,
  unitsBetween,
} from "../../src/server/reply_delays.ts";
import { TopPrefixes } from "../../src/server/top_prefixes.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { Stage } from "../client/stage.ts";

test("reply delays: each time is in the place whose bounds it lies between", () => {
  assertEquals(REPLY_DELAY_PLACES, 18);
  for (
    const units of [
      0,
      1,
      4095,
      4096,
      4097,
      8192,
      8193,
      2 ** 28 - 1,
      2 ** 28,
      2 ** 28 + 1,
      2 ** 32 - 1,
    ]
  ) {
    const place = replyDelayPlace(units), seconds = units / 2 ** 32;
    const least = place === 0 ? -1 : REPLY_DELAY_BOUNDS[place - 1]!;
    const most = REPLY_DELAY_BOUNDS[place] ?? Infinity;
    assert(least < seconds && seconds <= most, `${units} is in place ${place}`);
  }
});

test("reply delays: between moments of two seconds, and when the clock was set", () => {
  const between = (from: number[], to: number[]) =>
    unitsBetween(Uint32Array.from(from), Uint32Array.from(to));
  assertEquals(between([5, 0xffffffff], [6, 1]), 2);
  assertEquals(between([5, 10], [5, 10]), 0);
  assertEquals(between([6, 0], [5, 0]), 0);
  assertEquals(between([5, 0], [9, 0]), 2 ** 32 - 1);
});

test("top prefixes: who asks most is told, whoever else comes by", () => {
  const top = new TopPrefixes();
  const count = (address: string, times: number) => {
    const { bytes } = new Endpoint(address, 123);
    for (let i = 0; i < times; i++) top.count(bytes);
  };
  for (let i = 0; i < 200; i++) {
    count("192.0.2.7", 40);
    count("192.0.2.200", 40);
    count("2001:db8:1::5", 40);
    count(`10.${i}.0.1`, 8);
    count(`2001:db8:${(0x1000 + i).toString(16)}::1`, 8);
  }
  const [first, second] = top.top(2);
  assertEquals([first!.prefix, second!.prefix], ["192.0.2.0/24", "2001:db8:1::/48"]);
  assert(Math.abs(first!.requests - 16000) < 1000, `${first!.requests}`);
  assert(Math.abs(second!.requests - 8000) < 1000, `${second!.requests}`);
  assertEquals(top.top(1000).length, 64);
  assertEquals(new TopPrefixes().top(3), []);
});

test("top prefixes: the families are told apart, the zero addresses too", () => {
  const top = new TopPrefixes();
  for (const address of ["0.0.0.0", "::", "::1"]) {
    for (let i = 0; i < 8; i++) top.count(new Endpoint(address, 1).bytes);
  }
  assertEquals(top.top(9), [
    { prefix: "::/48", requests: 16 },
    { prefix: "0.0.0.0/24", requests: 8 },
  ]);
});

test("rate limiter: how many are in its table, until their buckets are full again", () => {
  // Places are found by a keyed hash: with this key, no two meet.
  const random = (into: Uint8Array) => void into.fill(7);
  const limiter = new RateLimiter({ interval: 8, burst: 8, leak: 0, capacity: 65536, random });
  const now = new Uint32Array([3_900_000_000, 0]);
  assertEquals(limiter.occupancy(now).used, 0);
  for (let i = 0; i < 10; i++) limiter.check(new Endpoint(`192.0.${i}.1`, 1).bytes, now);
  const { used, capacity } = limiter.occupancy(now);
  assertEquals(used, 20, "an address and a prefix each");
  assert(capacity >= 65536);
  now[0]! += 3600;
  assertEquals(limiter.occupancy(now).used, 0);
});

test("NTPServer: datagrams by version and mode, delays, prefixes, and the limiter", async () => {
  const stage = new Stage();
  const server = new NTPServer({
    clock: stage.clock(),
    bind: stage.network.bind,
    countPrefixes: true,
    rateLimit: {},
  });
  await server.listen({ hostname: "192.0.2.1" });
  const client = await stage.network.bind({
    hostname: "192.0.2.9",
    port: 4000,
    clock: stage.time,
    onDatagram() {},
  });
  const to = new Endpoint("192.0.2.1", 123);
  for (const version of [3, 4, 4] as const) client.send(new NTPPacket({ version }).encode(), to);
  client.send(Uint8Array.of(0x26), to);
  client.send(new Uint8Array(0), to);
  await stage.time.run(1000);
  const { packets, prefixes, rateLimiter, received, replyDelays } = server.statistics();
  assertEquals(packets, [
    { version: 3, mode: 3, count: 1 },
    { version: 4, mode: 3, count: 2 },
    { version: 4, mode: 6, count: 1 },
  ]);
  assertEquals(received, 5);
  assertEquals(prefixes, [{ prefix: "192.0.2.0/24", requests: 8 }]);
  assertEquals(replyDelays.counts.reduce((sum, count) => sum + count), 3);
  assertEquals([replyDelays.counts[0], replyDelays.sum], [3, 0]);
  assertEquals(rateLimiter?.used, 2);
  await server.close();
  assertThrows(() => new NTPServer({ countPrefixes: 1 as never }), TypeError, "countPrefixes");
  const plain = new NTPServer().statistics();
  assertEquals([plain.prefixes, plain.rateLimiter], [undefined, undefined]);
});
