import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { NTPPacket, timestampFromWords } from "../../src/packet/mod.ts";
import { AccessList, type AccessRule } from "../../src/server/access.ts";
import { Admission } from "../../src/server/admission.ts";
import { KissBudget } from "../../src/server/kiss_budget.ts";
import type { RateLimitOptions } from "../../src/server/rate_limit_options.ts";
import { RateLimiter } from "../../src/server/rate_limiter.ts";
import type { Responder } from "../../src/server/responder.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { ask, makeResponder } from "./asking.ts";

function random(into: Uint8Array): void {
  into.forEach((_, i) => into[i] = 41 * i + 3);
}

function responderOf(rules: AccessRule[] | undefined, limit?: RateLimitOptions): Responder {
  const admission = new Admission(
    rules && new AccessList(rules),
    limit && new RateLimiter({ leak: 0, random, ...limit }),
    new KissBudget(random),
  );
  return makeResponder({ admission });
}

/** What a plain request of `address` meets, `seconds` into the test. */
function meet(responder: Responder, address: string, seconds = 0): string {
  const outcome = ask(new NTPPacket({ poll: 6, transmitTimestamp: 5n }).encode(), {
    responder,
    source: new Endpoint(address, 40000),
    arrival: timestampFromWords(3_900_000_000 + seconds, 0),
  });
  if (typeof outcome === "string") return outcome;
  const packet = NTPPacket.decode(outcome);
  assertEquals([packet.mode, packet.originTimestamp], [4, 5n]);
  return packet.kissCode ?? "answer";
}

test("a denied address meets silence", () => {
  const responder = responderOf([{ prefix: "192.0.2.0/24", action: "deny" }]);
  assertEquals(meet(responder, "192.0.2.1"), "access");
  assertEquals(meet(responder, "::ffff:192.0.2.1"), "access");
  assertEquals(meet(responder, "198.51.100.1"), "answer");
});

test("an address that is told to go away is told seldom", () => {
  const responder = responderOf([{ prefix: "192.0.2.0/24", action: "kod" }]);
  assertEquals(meet(responder, "192.0.2.1"), "DENY");
  for (let second = 0; second < 64; second++) {
    assertEquals(meet(responder, "192.0.2.1", second), "access");
  }
  assertEquals(meet(responder, "192.0.2.1", 64), "DENY");
});

test("a client above the limit is told once, then meets silence", () => {
  const responder = responderOf(undefined, { interval: 8, burst: 2 });
  const met = Array.from({ length: 6 }, () => meet(responder, "192.0.2.1"));
  assertEquals(met, ["answer", "answer", "RATE", "rate", "rate", "rate"]);
  assertEquals(meet(responder, "192.0.2.2"), "answer");
});

test("the kiss RATE asks for a poll that keeps within the limit", () => {
  const responder = responderOf(undefined, { interval: 1000, burst: 1 });
  const request = new NTPPacket({ poll: 6 }).encode();
  ask(request, { responder });
  const kiss = NTPPacket.decode(ask(request, { responder }) as Uint8Array);
  assertEquals([kiss.kissCode, kiss.poll, kiss.leapIndicator, kiss.stratum], ["RATE", 10, 3, 0]);
});

test("a flood from a prefix is met with silence, not with kisses", () => {
  const responder = responderOf(undefined, { interval: 8, burst: 8, prefixBurst: 16 });
  let kisses = 0;
  for (let i = 0; i < 2560; i++) if (meet(responder, `192.0.2.${i % 256}`) === "RATE") kisses++;
  assertEquals(kisses, 0);
});

test("kisses are bounded in all, whoever asks", () => {
  const responder = responderOf([{ prefix: "0.0.0.0/0", action: "kod" }]);
  let kisses = 0;
  for (let i = 0; i < 10_000; i++) {
    if (meet(responder, `10.${i >> 8}.${i & 255}.1`) === "DENY") kisses++;
  }
  assert(kisses > 0 && kisses <= 32, `${kisses} kisses at once`);
  let later = 0;
  for (let i = 0; i < 10_000; i++) {
    if (meet(responder, `11.${i >> 8}.${i & 255}.1`, 1) === "DENY") later++;
  }
  assert(later > 0 && later <= 16, `${later} kisses a second later`);
});

test("rules say who is limited, where any of them does", () => {
  const rules: AccessRule[] = [
    { prefix: "0.0.0.0/0", action: "limited" },
    { prefix: "10.0.0.0/8", action: "allow" },
  ];
  const responder = responderOf(rules, { burst: 1 });
  assertEquals(meet(responder, "192.0.2.1"), "answer");
  assertEquals(meet(responder, "192.0.2.1"), "RATE");
  for (let i = 0; i < 20; i++) assertEquals(meet(responder, "10.0.0.1"), "answer");
});

test("where no rule says so all are limited", () => {
  const responder = responderOf([{ prefix: "0.0.0.0/0", action: "allow" }], { burst: 1 });
  assertEquals(meet(responder, "192.0.2.1"), "answer");
  assertEquals(meet(responder, "192.0.2.1"), "RATE");
});

test("what the leak lets through is answered with the time", () => {
  const responder = responderOf(undefined, { burst: 1, leak: 1 });
  for (let i = 0; i < 20; i++) assertEquals(meet(responder, "192.0.2.1"), "answer");
});

test("what is no request costs its sender nothing of the limit, and gets no kiss", () => {
  const responder = responderOf(undefined, { burst: 1 });
  const reply = new NTPPacket({ mode: 4 }).encode();
  const source = new Endpoint("192.0.2.1", 123);
  for (let i = 0; i < 100; i++) assertEquals(ask(reply, { responder, source }), "mode");
  assertEquals(meet(responder, "192.0.2.1"), "answer");
});
