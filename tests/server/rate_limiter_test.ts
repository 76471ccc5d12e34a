import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseIpAddress } from "../../src/packet/mod.ts";
import type { RateLimitOptions } from "../../src/server/rate_limit_options.ts";
import { RateLimiter, type RateVerdict } from "../../src/server/rate_limiter.ts";

/** Not random: the same in every run. */
function random(into: Uint8Array): void {
  into.forEach((_, i) => into[i] = 37 * i + 11);
}

function limiterOf(options: RateLimitOptions = {}): RateLimiter {
  return new RateLimiter({ leak: 0, random, ...options });
}

const START = 3_900_000_000;
const bytes = new Uint8Array(16);
const now = new Uint32Array(2);

/** The verdict on a request from `address`, `seconds` after the start. */
function ask(limiter: RateLimiter, address: string, seconds = 0): RateVerdict {
  parseIpAddress(address, bytes);
  now[0] = START + Math.floor(seconds);
  now[1] = (seconds % 1) * 2 ** 32;
  return limiter.check(bytes, now);
}

function count(limiter: RateLimiter, address: string, requests: number, seconds = 0): number {
  let within = 0;
  for (let i = 0; i < requests; i++) if (ask(limiter, address, seconds) === "within") within++;
  return within;
}

test("a burst is answered, then one request an interval", () => {
  const limiter = limiterOf({ interval: 8, burst: 4 });
  assertEquals(count(limiter, "192.0.2.1", 10), 4);
  assertEquals(count(limiter, "192.0.2.1", 10, 7.9), 0);
  assertEquals(count(limiter, "192.0.2.1", 10, 8), 1);
  assertEquals(count(limiter, "192.0.2.1", 10, 8.5), 0);
  assertEquals(count(limiter, "192.0.2.1", 10, 24), 2);
  assertEquals(count(limiter, "192.0.2.1", 10, 1000), 4);
});

test("a client that keeps to the interval is never limited", () => {
  const limiter = limiterOf({ interval: 8, burst: 1 });
  for (let i = 0; i < 1000; i++) assertEquals(ask(limiter, "192.0.2.1", 8 * i), "within");
});

test("requests that are refused cost nothing", () => {
  const limiter = limiterOf({ interval: 8, burst: 1 });
  assertEquals(count(limiter, "192.0.2.1", 1000), 1);
  assertEquals(ask(limiter, "192.0.2.1", 8), "within");
});

test("addresses are limited each for itself", () => {
  const limiter = limiterOf({ burst: 2 });
  for (const address of ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]) {
    assertEquals(count(limiter, address, 5), 2, address);
  }
});

test("all of a prefix together are limited too", () => {
  const limiter = limiterOf({ interval: 8, burst: 8, prefixInterval: 1, prefixBurst: 20 });
  let within = 0;
  for (let i = 0; i < 100; i++) {
    const verdict = ask(limiter, `198.51.100.${i}`);
    if (verdict === "within") within++;
    else assertEquals(verdict, "prefix");
  }
  assertEquals(within, 20);
  assertEquals(ask(limiter, "198.51.101.0"), "within");
  let within6 = 0;
  for (let i = 0; i < 100; i++) if (ask(limiter, `2001:db8::${i}`) === "within") within6++;
  assertEquals(within6, 20);
  assertEquals(ask(limiter, "2001:db8:0:1::"), "within");
});

test("the lengths of prefixes are as set", () => {
  const limiter = limiterOf({ prefixBurst: 1, ipv4Prefix: 17, ipv6Prefix: 49 });
  assertEquals(ask(limiter, "10.0.0.1"), "within");
  assertEquals(ask(limiter, "10.0.127.1"), "prefix");
  assertEquals(ask(limiter, "10.0.128.1"), "within");
  assertEquals(ask(limiter, "2001:db8::1"), "within");
  assertEquals(ask(limiter, "2001:db8:0:7fff::1"), "prefix");
  assertEquals(ask(limiter, "2001:db8:0:8000::1"), "within");
});

test("IPv6 prefixes longer than 64 bits, and the whole address", () => {
  const long = limiterOf({ prefixBurst: 1, ipv6Prefix: 97 });
  assertEquals(ask(long, "2001:db8::1"), "within");
  assertEquals(ask(long, "2001:db8::7fff:1"), "prefix");
  assertEquals(ask(long, "2001:db8::8000:1"), "within");
  assertEquals(ask(long, "2001:db8::1:0:1"), "within");
  const whole = limiterOf({ burst: 1, prefixBurst: 2, ipv6Prefix: 128, ipv4Prefix: 32 });
  for (const address of ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"]) {
    assertEquals(ask(whole, address), "within");
    assertEquals(ask(whole, address), "address");
  }
});

test("an IPv6 address and the IPv4 address with the same bits are two", () => {
  const limiter = limiterOf({ burst: 1, prefixBurst: 1 });
  assertEquals(ask(limiter, "192.0.2.1"), "within");
  assertEquals(ask(limiter, "::192.0.2.1"), "within");
  assertEquals(ask(limiter, "c000:201::"), "within");
});

test("the IPv4-mapped form is the IPv4 address", () => {
  const limiter = limiterOf({ burst: 1 });
  assertEquals(ask(limiter, "192.0.2.1"), "within");
  assertEquals(ask(limiter, "::ffff:192.0.2.1"), "address");
});

test("the leak answers its share of what is above the limit, at random", () => {
  const limiter = limiterOf({ burst: 1, leak: 0.25 });
  ask(limiter, "192.0.2.1");
  let leaked = 0;
  for (let i = 0; i < 10_000; i++) if (ask(limiter, "192.0.2.1") === "leaked") leaked++;
  assert(leaked > 2200 && leaked < 2800, `${leaked} of 10,000 leaked`);
});

test("a victim whose address is spoofed still gets a tenth of its requests answered", () => {
  const limiter = limiterOf({ leak: 0.25 });
  let answered = 0;
  for (let poll = 0; poll < 500; poll++) {
    for (let flood = 0; flood < 200; flood++) ask(limiter, "192.0.2.1", 64 * poll + flood / 4);
    if (["within", "leaked"].includes(ask(limiter, "192.0.2.1", 64 * poll + 50))) answered++;
  }
  assert(answered >= 50, `${answered} of 500 answered`);
});

test("a flood from one prefix costs another at most one answer in a hundred", () => {
  const limiter = limiterOf({ capacity: 1024 }); // a small table, so that the flood fills it
  let answered = 0, asked = 0, host = 0;
  for (let second = 0; second < 640; second++) {
    for (let i = 0; i < 1000; i++) {
      ask(limiter, `10.0.${(host >>> 8) & 255}.${host++ & 255}`, second);
    }
    if (second % 64 !== 0) continue;
    for (let i = 0; i < 100; i++) {
      asked++;
      if (ask(limiter, `192.0.${i}.7`, second + 0.5) === "within") answered++;
    }
  }
  assert(answered >= 0.99 * asked, `${answered} of ${asked} answered`);
});

test("the table never grows, and forgets those that know least", () => {
  const prefix = { prefixInterval: 1, prefixBurst: 10_000 };
  const limiter = limiterOf({ capacity: 1024, interval: 1000, burst: 1, ...prefix });
  const { byteLength } = limiter;
  assertEquals(byteLength, 8192);
  assertEquals(new RateLimiter().byteLength, 2 ** 20);
  ask(limiter, "192.0.2.1"); // owes nothing soon: the others come later
  for (let i = 0; i < 100_000; i++) ask(limiter, `10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`, 1);
  assertEquals(limiter.byteLength, byteLength);
  assertEquals(ask(limiter, "192.0.2.1", 2), "within", "forgotten, to its advantage");
});

test("a clock that is set back, or days of silence, end no client's service", () => {
  const limiter = limiterOf({ interval: 8, burst: 1 });
  assertEquals(ask(limiter, "192.0.2.1", 1e6), "within");
  assertEquals(ask(limiter, "192.0.2.1", 0), "within");
  assertEquals(ask(limiter, "192.0.2.1", 4e6), "within");
});

test("across the end of the era", () => {
  const limiter = limiterOf({ interval: 8, burst: 1 });
  parseIpAddress("192.0.2.1", bytes);
  now.set([0xffffffff, 0]);
  assertEquals(limiter.check(bytes, now), "within");
  now.set([3, 0]);
  assertEquals(limiter.check(bytes, now), "address");
  now.set([7, 0]);
  assertEquals(limiter.check(bytes, now), "within");
});

test("wrong options are refused by name", () => {
  const refused: [RateLimitOptions, string][] = [
    [{ interval: 0 }, "interval"],
    [{ interval: NaN }, "interval"],
    [{ burst: 0 }, "burst"],
    [{ burst: 1.5 }, "burst"],
    [{ prefixBurst: 70_000 }, "prefixBurst"],
    [{ ipv4Prefix: 33 }, "ipv4Prefix"],
    [{ ipv6Prefix: 129 }, "ipv6Prefix"],
    [{ leak: 1.1 }, "leak"],
    [{ capacity: 1 }, "capacity"],
    [{ interval: 4096, burst: 255 }, "interval × burst"],
  ];
  for (const [options, name] of refused) {
    assertStringIncludes(assertThrows(() => limiterOf(options), RangeError).message, name);
  }
  assertThrows(() => limiterOf({ burst: "8" as unknown as number }), TypeError);
});

test("a clock that is set back limits no address for as long as its prefix could be", () => {
  const limiter = limiterOf({ interval: 1, burst: 1, prefixInterval: 64, prefixBurst: 4096 });
  assertEquals(ask(limiter, "192.0.2.1", 200_000), "within");
  assertEquals(ask(limiter, "192.0.2.1", 100_000), "within");
});
